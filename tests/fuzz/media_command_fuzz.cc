// Commands of a weir-control that may be compromised: none crashes, a refused one changes nothing, and one that is
// carried out changes the flow that it names and no other.
#include <cstring>
#include <vector>

#include "dataplane/commands.h"
#include "proto/assert.h"
#include "tests/support/media_flows.h"

namespace weir {
namespace {

constexpr std::uint32_t kFlows = 4;
constexpr std::array<proto::Family, 2> kFamilies = {proto::Family::kIpv4, proto::Family::kIpv4};
constexpr dataplane::CommandScope kScope = {.worker = 0, .workers = 2, .families = kFamilies};

using Snapshot = std::vector<dataplane::FlowEntry>;

/// As if every flow were new: removal keeps the generation, which a former input has raised.
void clear(tests::MediaFlows& flows) {
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    if (flows.flow(i).owner != 0) flows.table().remove(i);
    flows.flow(i).generation = 0;
  }
}

Snapshot snapshot(tests::MediaFlows& flows) {
  Snapshot entries;
  for (std::uint32_t i = 0; i < kFlows; ++i) entries.push_back(flows.flow(i));
  return entries;
}

void check_others(tests::MediaFlows& flows, const Snapshot& before, const proto::Event& answer) {
  const bool refused = answer.kind == proto::EventKind::kRefused;
  WEIR_ASSERT(refused == (answer.refusal != proto::Refusal::kNone));
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    if (!refused && i == answer.flow.index) continue;
    WEIR_ASSERT(std::memcmp(&before[i], &flows.flow(i), sizeof(dataplane::FlowEntry)) == 0);
  }
}

/// The bytes lie over a command that is valid, so that mutations reach behind the first check.
proto::Command base() {
  proto::Command command{};
  command.kind = proto::CommandKind::kInstall;
  command.flow = {0, 1};
  command.spec = tests::MediaFlows::spec(0, {}, {});
  return command;
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  // Each input is a list of changes to a command, ended by the offset of all ones: (offset, value) pairs.
  static tests::MediaFlows flows(kFlows, 2);
  clear(flows);
  flows.install(3, tests::MediaFlows::spec(3, {}, {}));
  proto::Command command = base();
  for (proto::Bytes rest(data, size); rest.size() >= 3; rest = rest.subspan(3)) {
    const std::size_t offset = proto::load_be16(rest.data());
    if (offset != 0xffff) {
      reinterpret_cast<std::uint8_t*>(&command)[offset % sizeof command] = rest[2];
      continue;
    }
    const Snapshot before = snapshot(flows);
    proto::Command copy = command;
    check_others(flows, before, dataplane::execute(copy, kScope, flows.table(), flows.cipher(), 0));
    command.kind = static_cast<proto::CommandKind>(rest[2]);
  }
  return 0;
}
