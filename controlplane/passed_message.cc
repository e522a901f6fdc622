#include "controlplane/passed_message.h"

#include <utility>

#include "controlplane/outside_requests.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

/// Every target has the same Call-ID and From tag: one that the message reaches twice knows it (RFC 3261 section
/// 8.2.2.2).
PassedMessage::PassedMessage(CallContext& context, CallControl& control, OutsideRequests& home, std::uint64_t number,
                             const OutsideRequest& request, Destination destination)
    : context_(context),
      control_(control),
      home_(home),
      number_(number),
      request_(request),
      call_id_(context.tokens()),
      from_tag_(context.tokens()),
      delivery_(context, control, *this, std::move(destination)) {}

PassedMessage::~PassedMessage() = default;

Message PassedMessage::make_request(const Path& way, const Target& target) {
  Message out = make_outside_request(context_, request_, way, target, call_id_, from_tag_);
  // RFC 3428 section 5: until when it is worth being read.
  if (const auto expires = request_.message->number(HeaderId::kExpires)) {
    out.add_header(HeaderId::kExpires, std::to_string(*expires));
  }
  return out;
}

/// RFC 3428 section 7: a 2xx to a MESSAGE has no body.
void PassedMessage::on_delivered(const Delivered& delivered) {
  control_.answer(request_.id, *request_.message, delivered.response.status(), "");
  home_.bury_later(*this);
}

void PassedMessage::on_undelivered(const EndCause& cause, const Message*) {
  const std::uint16_t status = outside_status(cause.status);
  control_.answer(request_.id, *request_.message, status, status == cause.status ? cause.text : "");
  home_.bury_later(*this);
}

}  // namespace weir::controlplane
