#include "sip/hop_by_hop.h"

#include <string>
#include <string_view>

namespace weir::sip {
namespace {

/// A request with the Request-URI, top Via, From, Call-ID, CSeq number and Route headers of `invite`, and `to`.
Message follow(const Message& invite, Method method, std::string_view to) {
  Message request = Message::request(to_string(method), invite.request_uri_text());
  const auto vias = invite.values(HeaderId::kVia);
  if (!vias.empty()) {
    request.add_header(HeaderId::kVia, vias.front());
  }
  request.add_header(HeaderId::kMaxForwards, std::to_string(kMaxForwardsInitial));
  for (const std::string_view route : invite.values(HeaderId::kRoute)) {
    request.add_header(HeaderId::kRoute, route);
  }
  request.add_header(HeaderId::kFrom, invite.header(HeaderId::kFrom).value_or(""));
  request.add_header(HeaderId::kTo, to);
  request.add_header(HeaderId::kCallId, invite.call_id());
  const auto cseq = invite.cseq();
  request.add_header(HeaderId::kCSeq, write(make_cseq(cseq ? cseq->number : 0, method)));
  return request;
}

}  // namespace

Message make_ack(const Message& invite, const Message& response) {
  return follow(invite, Method::kAck, response.header(HeaderId::kTo).value_or(""));
}

Message make_cancel(const Message& invite) {
  return follow(invite, Method::kCancel, invite.header(HeaderId::kTo).value_or(""));
}

}  // namespace weir::sip
