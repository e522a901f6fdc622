#include "tests/support/send_records.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <tuple>

namespace weir::tests {
namespace {

using dataplane::SendRecord;

auto identity(const SendRecord& record) {
  return std::tie(record.key_fingerprint, record.ssrc, record.index, record.rtcp);
}

}  // namespace

std::vector<SendRecord> read_send_records(const std::string& folder) {
  std::vector<SendRecord> records;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    SendRecord record;
    while (file.read(reinterpret_cast<char*>(&record), sizeof record)) records.push_back(record);
  }
  return records;
}

std::vector<SendRecord> find_repetitions(std::vector<SendRecord> records) {
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return identity(a) < identity(b); });
  std::vector<SendRecord> twice;
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (identity(records[i - 1]) == identity(records[i])) twice.push_back(records[i]);
  }
  return twice;
}

}  // namespace weir::tests
