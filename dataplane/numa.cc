#include "dataplane/numa.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace weir::dataplane {

int node_of_core(unsigned core, const std::string& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory + "/cpu" + std::to_string(core), error)) {
    int node = 0;
    if (std::sscanf(entry.path().filename().c_str(), "node%d", &node) == 1) return node;
  }
  return 0;
}

std::vector<unsigned> workers_far_from(int port_node, const std::vector<int>& nodes) {
  std::vector<unsigned> far;
  for (unsigned worker = 0; worker < nodes.size(); ++worker) {
    if (port_node >= 0 && nodes[worker] != port_node) far.push_back(worker);
  }
  return far;
}

std::vector<int> distinct_nodes(const std::vector<int>& nodes) {
  std::vector<int> distinct;
  for (const int node : nodes) {
    if (std::find(distinct.begin(), distinct.end(), node) == distinct.end()) distinct.push_back(node);
  }
  return distinct;
}

}  // namespace weir::dataplane
