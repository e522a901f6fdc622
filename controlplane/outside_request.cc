#include "controlplane/outside_request.h"

#include "controlplane/body_headers.h"
#include "controlplane/far_status.h"
#include "controlplane/identity_headers.h"
#include "controlplane/leg.h"
#include "sip/limits.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

Message make_outside_request(const CallContext& context, const OutsideRequest& in, const Path& way,
                             const Target& target, std::string_view call_id, std::string_view from_tag) {
  const Leg leg(Side::kCallee, way);
  const proto::settings::RealmSettings& to = context.settings.realms[way.realm];
  sip::RequestHead head;
  head.method = in.message->method();
  head.request_uri = sip::write(target.uri);
  head.via = leg.make_via(context.tokens);
  head.from = shown_caller(*in.message, to, leg.contact().uri.host);
  head.from.set_tag(from_tag);
  head.to.uri = target.uri;
  head.to.uri.parameters = {};
  head.call_id = call_id;
  head.max_forwards = std::uint32_t{in.message->max_forwards().value_or(sip::kMaxForwardsInitial)} - 1;
  Message out = sip::make_request(head);
  if (head.method == Method::kSubscribe)
    out.add_header(HeaderId::kContact, sip::write(leg.contact(target.uri.scheme == sip::Scheme::kSips)));
  pass_headers(*in.message, context.settings.realms[in.from.realm], to, out);
  pass_body(*in.message, out);
  return out;
}

std::uint16_t outside_status(std::uint16_t status) {
  return status == 408 ? 480 : status_for_far_party(status);
}

}  // namespace weir::controlplane
