// A request outside calls, as it came and as it goes on: MESSAGE (RFC 3428) and SUBSCRIBE (RFC 6665).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "controlplane/call_control.h"
#include "controlplane/destination.h"
#include "controlplane/path.h"
#include "sip/message.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

struct OutsideRequest {
  sip::TransactionId id;
  std::shared_ptr<const sip::Message> message;
  Path from;
};

/// A request of ours that passes `in` on to `target` by `way`: with names, headers and body as the realm there may see
/// them, and one hop less to go. `call_id` and `from_tag` are our own.
sip::Message make_outside_request(const CallContext& context, const OutsideRequest& in, const Path& way,
                                  const Target& target, std::string_view call_id, std::string_view from_tag);

/// What whoever asked is told of a refusal. RFC 4320 section 4.2: no 408 to a request that is no INVITE.
std::uint16_t outside_status(std::uint16_t status);

}  // namespace weir::controlplane
