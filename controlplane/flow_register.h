// Who is behind a connection, as its registrations say: what a leg needs to find its party again once the connection is
// gone, in this process or the next. RFC 5626 section 6.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "controlplane/destination.h"
#include "controlplane/left_flows.h"
#include "sip/hop.h"
#include "sip/message.h"

namespace weir::controlplane {

/// The registrar, as calls see it.
class FlowRegister {
 public:
  virtual ~FlowRegister() = default;

  /// The flows that are registered over a WebSocket now; empty: none, or it is no WebSocket.
  [[nodiscard]] virtual std::vector<FlowName> flows_over(const sip::Hop& hop) const = 0;
  /// Whether `caller`, as its From says, is a user who has registered over this very connection and proved to be who
  /// that is. Datagrams prove nothing of who sends the next one.
  [[nodiscard]] virtual bool is_user(const Path& /*from*/, const sip::NameAddr& /*caller*/) const { return false; }
  /// The flow was `gone` in an earlier process: whoever registers it is where that was (PathFinder::heir).
  virtual void await(const FlowName& flow, const sip::Hop& gone) = 0;
  /// Where a request from an upstream registrar goes whose first Route is a flow token (RFC 5626 section 5.3). A
  /// refusal: 403, it is none or not for its sender; 430, the flow is gone. nullopt: there is no token, and the routes
  /// decide.
  [[nodiscard]] virtual std::optional<std::variant<Destination, Refusal>> route_by_token(
      const Path& /*from*/, const sip::Message& /*request*/) const {
    return std::nullopt;
  }
};

}  // namespace weir::controlplane
