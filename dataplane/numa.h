// NUMA nodes: where a worker's core is, and whether a port is far from it.
#pragma once

#include <string>
#include <vector>

namespace weir::dataplane {

/// The node of a CPU core, 0 where the host does not say. `directory` is /sys/devices/system/cpu.
int node_of_core(unsigned core, const std::string& directory);

/// The workers, by index, that are on another node than `port_node`; nobody if that is not known (negative).
std::vector<unsigned> workers_far_from(int port_node, const std::vector<int>& nodes);

/// Every node once, in the order in which they first occur.
std::vector<int> distinct_nodes(const std::vector<int>& nodes);

}  // namespace weir::dataplane
