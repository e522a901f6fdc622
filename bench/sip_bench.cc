// What signalling costs a message: parse and write an INVITE of 1,200 bytes with SDP, answer it and send it on as
// another call's, beside libosip2's parser on the same messages.
#include <memory>
#include <string>
#include <vector>

#include "bench/support/baseline_osip.h"
#include "bench/support/row.h"
#include "bench/support/sip_workload.h"
#include "proto/assert.h"
#include "sip/parse.h"
#include "sip/write.h"

namespace weir::bench {
namespace {

constexpr char kOsip[] = "libosip2";
/// Passes over all messages between two looks at the clock, which is a system call.
constexpr std::size_t kRounds = 16;
constexpr std::size_t kMessages = kRounds * kInvites;

/// Every message once a round through `each`, which says how many bytes it made.
template <typename Message, typename Each>
std::chrono::nanoseconds over_all(const std::vector<Message>& messages, Each each) {
  std::size_t bytes = 0;
  const std::chrono::nanoseconds took = timed([&] {
    for (std::size_t round = 0; round < kRounds; ++round) {
      for (const Message& message : messages) bytes += each(message);
    }
  });
  WEIR_ASSERT(bytes >= kMessages);
  return took;
}

Pass weir_parse_and_write() {
  return [invites = make_invites()] {
    return over_all(invites, [](const std::string& text) {
      const sip::ParseResult result = sip::parse_message(text);
      return sip::write(result.message()).size();
    });
  };
}

/// And with the values that a B2BUA asks a new call for: libosip2 builds its own as it parses.
Pass weir_parse_values_and_write() {
  return [invites = make_invites()] {
    return over_all(invites, [](const std::string& text) {
      const sip::ParseResult result = sip::parse_message(text);
      const sip::Message& message = result.message();
      const bool all = message.request_uri() && message.top_via() && message.from() && message.to() && message.cseq() &&
                       message.contact() && !message.name_addrs(sip::HeaderId::kRecordRoute).empty();
      return all ? sip::write(message).size() : 0;
    });
  };
}

Pass osip_parse_and_write() {
  start_osip();
  return [invites = make_invites()] {
    return over_all(invites, [](const std::string& text) { return osip_write(*osip_parse(text)); });
  };
}

constexpr char kTag[] = "a6c85cf";

Pass weir_response() {
  std::vector<sip::ParseResult> parsed;
  for (const std::string& text : make_invites()) parsed.push_back(sip::parse_message(text));
  return [parsed = std::make_shared<std::vector<sip::ParseResult>>(std::move(parsed))] {
    return over_all(*parsed, [](const sip::ParseResult& invite) {
      sip::Message response = sip::make_response(invite.message(), 180, "Ringing", kTag);
      for (const std::string_view route : invite.message().values(sip::HeaderId::kRecordRoute)) {
        response.add_header(sip::HeaderId::kRecordRoute, route);
      }
      response.add_header(sip::HeaderId::kContact, "<sip:198.18.0.1:5060>");
      return sip::write(response).size();
    });
  };
}

constexpr char kVia[] = "SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKf0123456789abcdef;rport";
constexpr char kCallId[] = "0123456789abcdef0123456789abcdef";

Pass weir_request() {
  std::vector<sip::ParseResult> parsed;
  for (const std::string& text : make_invites()) parsed.push_back(sip::parse_message(text));
  return [parsed = std::make_shared<std::vector<sip::ParseResult>>(std::move(parsed))] {
    return over_all(*parsed, [](const sip::ParseResult& result) {
      const sip::Message& invite = result.message();
      sip::RequestHead head;
      head.request_uri = invite.request_uri_text();
      head.via = *sip::parse_via(kVia);
      head.from = *invite.from();
      head.from.set_tag(kTag);
      head.to = *invite.to();
      head.call_id = kCallId;
      sip::Message made = sip::make_request(head);
      made.add_header(sip::HeaderId::kContact, "<sip:198.18.0.1:5060>");
      made.add_header(sip::HeaderId::kAllow, "INVITE, ACK, BYE, CANCEL, OPTIONS");
      made.set_body(invite.body(), "application/sdp");
      return sip::write(made).size();
    });
  };
}

Pass osip_make_request() {
  start_osip();
  std::vector<std::shared_ptr<osip_message>> parsed;
  for (const std::string& text : make_invites()) parsed.emplace_back(osip_parse(text));
  return [parsed = std::move(parsed)] {
    return over_all(parsed, [](const std::shared_ptr<osip_message>& invite) {
      return osip_write(*osip_request(*invite, kVia, kCallId, kTag));
    });
  };
}

Pass osip_make_response() {
  start_osip();
  std::vector<std::shared_ptr<osip_message>> parsed;
  for (const std::string& text : make_invites()) parsed.emplace_back(osip_parse(text));
  return [parsed = std::move(parsed)] {
    return over_all(parsed, [](const std::shared_ptr<osip_message>& invite) {
      return osip_write(*osip_response(*invite, 180, "Ringing", kTag));
    });
  };
}

void register_all() {
  register_side("signalling/parse_and_write/INVITE_1200B", kWeir, kMessages, weir_parse_and_write);
  register_side("signalling/parse_and_write/INVITE_1200B", kOsip, kMessages, osip_parse_and_write);
  register_side("signalling/parse_values_and_write/INVITE_1200B", kWeir, kMessages, weir_parse_values_and_write);
  register_side("signalling/parse_values_and_write/INVITE_1200B", kOsip, kMessages, osip_parse_and_write);
  register_side("signalling/response/180", kWeir, kMessages, weir_response);
  register_side("signalling/response/180", kOsip, kMessages, osip_make_response);
  register_side("signalling/request/INVITE", kWeir, kMessages, weir_request);
  register_side("signalling/request/INVITE", kOsip, kMessages, osip_make_request);
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  weir::bench::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
