// Requests and responses from their parts. RFC 3261 sections 8.1.1 and 8.2.6.
#include "sip/message.h"
#include "sip/status.h"

namespace weir::sip {

Message make_request(const RequestHead& head) {
  Message message = Message::request(to_string(head.method), head.request_uri);
  message.add_header(HeaderId::kVia, write(head.via));
  message.add_header(HeaderId::kMaxForwards, std::to_string(head.max_forwards));
  message.add_header(HeaderId::kFrom, write(head.from));
  message.add_header(HeaderId::kTo, write(head.to));
  message.add_header(HeaderId::kCallId, head.call_id);
  message.add_header(HeaderId::kCSeq, write(make_cseq(head.cseq, head.method)));
  return message;
}

Message make_response(const Message& request, std::uint16_t status, std::string_view reason, std::string_view to_tag) {
  Message message = Message::response(status, reason.empty() ? reason_phrase(status) : reason);
  for (std::size_t i = 0; i < request.header_count(); ++i) {
    const HeaderView header = request.header_at(i);
    // A fragment of a malformed request may hold From twice: one is enough to answer.
    if (is_single(header.id) && message.has(header.id)) continue;
    switch (header.id) {
      case HeaderId::kVia:
      case HeaderId::kFrom:
      case HeaderId::kCallId:
      case HeaderId::kCSeq:
        message.add_header(header.id, header.value);
        break;
      case HeaderId::kTo: {
        const bool add_tag = status != 100 && !to_tag.empty() && tag_of(header.value).empty();
        std::string value{header.value};
        if (add_tag) value.append(";tag=").append(to_tag);
        message.add_header(header.id, value);
        break;
      }
      case HeaderId::kTimestamp:
        if (status == 100) message.add_header(header.id, header.value);
        break;
      default:
        break;
    }
  }
  return message;
}

}  // namespace weir::sip
