// Commands of weir-control: validated field by field, then carried out on the flow table. The sender may be
// compromised: a command can harm nothing but the flow it names, and only a flow of this worker.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/flow_table.h"
#include "proto/control_protocol.h"

namespace weir::dataplane {

/// What a command may refer to. Immutable once the workers run.
struct CommandScope {
  std::uint16_t worker;                     ///< the worker that executes
  std::uint16_t workers;                    ///< of all: ports are divided among them (proto::worker_of_port)
  std::span<const proto::Family> families;  ///< of each network's media address, by network index
};

/// Why the command cannot be carried out, or kNone. Reads the table, changes nothing.
proto::Refusal validate(const proto::Command& command, const CommandScope& scope, const FlowTable& table);

/// Validates and carries out, and returns the answer: request, flow and cookie filled in. `command` is the worker's own
/// copy; its keys are wiped.
proto::Event execute(proto::Command& command, const CommandScope& scope, FlowTable& table, Cipher& cipher,
                     std::uint64_t now_ns);

}  // namespace weir::dataplane
