#include "dataplane/extended_report.h"

namespace weir::dataplane {
namespace {

constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kRunLengthBytesMin = 12;  // sections 4.1 to 4.3: a source and two sequence numbers
constexpr std::size_t kReferenceTimeBytes = 12;
constexpr std::size_t kStatisticsBytes = 40;
constexpr std::size_t kVoiceMetricsBytes = 36;

enum class BlockType : std::uint8_t {
  kLossRunLength = 1,
  kDuplicateRunLength = 2,
  kReceiptTimes = 3,
  kReferenceTime = 4,
  kDelaySinceReference = 5,
  kStatistics = 6,
  kVoiceMetrics = 7,
};

std::optional<std::size_t> one_if(bool fits) {
  return fits ? std::optional<std::size_t>(1) : std::nullopt;
}

}  // namespace

std::optional<ExtendedBlock> extended_block(proto::Bytes blocks) {
  if (blocks.size() < kHeaderBytes) return std::nullopt;
  const std::size_t bytes = kHeaderBytes + 4 * std::size_t{proto::load_be16(blocks.data() + 2)};
  return bytes <= blocks.size() ? std::optional(ExtendedBlock{blocks[0], bytes}) : std::nullopt;
}

std::optional<std::size_t> sources_named(const ExtendedBlock& block) {
  switch (static_cast<BlockType>(block.type)) {
    case BlockType::kLossRunLength:
    case BlockType::kDuplicateRunLength:
    case BlockType::kReceiptTimes:
      return one_if(block.bytes >= kRunLengthBytesMin);
    case BlockType::kReferenceTime:
      return block.bytes == kReferenceTimeBytes ? std::optional<std::size_t>(0) : std::nullopt;
    case BlockType::kDelaySinceReference: {
      const std::size_t entries = block.bytes - kHeaderBytes;
      return entries % kBlockSourceStep == 0 ? std::optional(entries / kBlockSourceStep) : std::nullopt;
    }
    case BlockType::kStatistics:
      return one_if(block.bytes == kStatisticsBytes);
    case BlockType::kVoiceMetrics:
      return one_if(block.bytes == kVoiceMetricsBytes);
  }
  return std::nullopt;
}

}  // namespace weir::dataplane
