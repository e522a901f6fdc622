// Two calls of one party: Alice calls Bob, Bob calls Carol. What they say and hear when Bob refers Alice to Carol.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "sip/sipfrag.h"
#include "tests/support/call_dtls.h"

namespace weir::tests {

inline constexpr const char* kConsultationRoutes = R"(
[[route]]
realm = "callees"
match = '^sip:(rtp-(\d+))@.*'
target = 'sip:\1@198.18.2.3:\2'
to_realm = "callees"
[[route]]
realm = "callees"
match = '^sip:(dtls-(\d+))@.*'
target = 'sip:\1@198.18.2.3:\2'
to_realm = "callees"
media = "dtls"
)";

inline const std::string kBobsSdp = plain_sdp("198.18.2.2", 50000);
inline const std::string kBobsOtherSdp = plain_sdp("198.18.2.2", 50010);
inline const std::string kCarolsSdp = plain_sdp("198.18.2.3", 52000);

inline std::uint16_t told(const sip::Message& notify) {
  const auto status = sip::sipfrag_status(notify);
  return status ? status->status : 0;
}

/// The two calls, and what the parties know of the second.
class Consultation {
 public:
  explicit Consultation(const std::string& callers = "") : lab(kConsultationRoutes, callers) {}

  /// Alice calls Bob, Bob calls Carol.
  void begin() {
    lab.establish();
    bob_calls_carol("rtp-5080", kCarolsSdp);
  }

  void bob_calls_carol(const std::string& user, const std::string& carols_sdp) {
    bob_sends("INVITE", 1, kBobsOtherSdp, "sip:" + user + "@198.18.2.1");
    carols_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*carols_invite, 200, carols_sdp, "carol");
    (void)lab.expect(kCallees, "ACK");
    bobs_answer = lab.expect(kCallees, "200");
    bob_sends("ACK", 1);
  }

  /// Bob's side of the second call.
  void bob_sends(const std::string& method, std::uint32_t cseq, const std::string& body = "",
                 const std::string& uri = "sip:weir@198.18.2.1:5060") {
    std::string text = method + " " + uri + " SIP/2.0\r\n";
    text += "Via: SIP/2.0/UDP 198.18.2.2:5070;branch=z9hG4bKconsult" + method + std::to_string(cseq) + ";rport\r\n";
    text += "Max-Forwards: 70\r\nFrom: <sip:bob@198.18.2.2>;tag=bobstag\r\nTo: <sip:carol@198.18.2.1>";
    text += bobs_answer ? ";tag=" + std::string(bobs_answer->to_tag()) : "";
    text += "\r\nCall-ID: consultation\r\nCSeq: " + std::to_string(cseq) + " " + method + "\r\n";
    text += "Contact: <sip:bob@198.18.2.2:5070>\r\n";
    if (!body.empty()) text += "Content-Type: application/sdp\r\n";
    lab.deliver(kCallees, text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  void carol_sends(const std::string& method, std::uint32_t cseq, const std::string& body = "") {
    lab.callee_sends(*carols_invite, method, cseq, body, "carol");
  }

  /// The second dialog, as a Refer-To names it to whoever shall take Bob's place in it.
  [[nodiscard]] std::string second_dialog() const {
    return "consultation%3Bto-tag%3D" + std::string(bobs_answer->to_tag()) + "%3Bfrom-tag%3Dbobstag";
  }

  /// Bob refers Alice to whom he has on the other line.
  void refer(const std::string& replaces, std::uint32_t cseq = 1) {
    lab.callee_sends(*lab.callee_invite, "REFER", cseq, "", "callee",
                     "Refer-To: <sip:weir@198.18.2.1:5060?Replaces=" + replaces + ">\r\n");
  }

  /// The referrer hears of this status, and answers.
  void expect_notify(std::uint16_t status, const char* state) {
    const sip::Message notify = lab.expect(kCallees, "NOTIFY");
    EXPECT_EQ(told(notify), status) << notify.body();
    EXPECT_EQ(notify.call_id(), lab.callee_invite->call_id());
    EXPECT_TRUE(notify.header(sip::HeaderId::kSubscriptionState).value_or("").starts_with(state));
    lab.callee_answers(notify, 200);
  }

  /// Up to what Carol is offered.
  sip::Message refer_and_read_offer() {
    refer(second_dialog());
    (void)lab.expect(kCallees, "202");
    expect_notify(100, "active");
    sip::Message offer = lab.expect(kCallees, "INVITE");
    EXPECT_EQ(offer.call_id(), carols_invite->call_id());
    EXPECT_EQ(offer.to_tag(), "carol");
    EXPECT_TRUE(lab.silent(kCallers));
    return offer;
  }

  /// What Carol is offered after a pause, which she may have heard more than once.
  sip::Message read_offer_again() {
    lab.advance(4'100);
    sip::Message offer = lab.expect(kCallees, "INVITE");
    while (!lab.silent(kCallees)) (void)lab.expect(kCallees, "INVITE");
    return offer;
  }

  /// Both of Bob's dialogs end.
  void bob_is_let_go() {
    expect_notify(200, "terminated");
    for (const std::string_view call_id : {lab.callee_invite->call_id(), std::string_view("consultation")}) {
      const sip::Message bye = lab.expect(kCallees, "BYE");
      EXPECT_EQ(bye.call_id(), call_id);
      lab.callee_answers(bye, 200);
    }
  }

  /// Bob has his first call again, with Alice.
  void bob_is_given_his_call_back() {
    const sip::Message back = lab.expect(kCallees, "INVITE");
    EXPECT_EQ(back.call_id(), lab.callee_invite->call_id());
    lab.callee_answers(back, 200, kBobsSdp);
    (void)lab.expect(kCallees, "ACK");
    EXPECT_EQ(where_alice_is_sent(), "198.18.2.2:50000");
    EXPECT_TRUE(lab.silent(kCallers)) << "its session has not changed";
  }

  [[nodiscard]] std::string where_alice_is_sent() { return where(audio_port(*lab.answer)); }
  /// Where what comes to this port goes.
  [[nodiscard]] std::string where(std::uint16_t port) {
    const FakeWorker::Flow* flow = lab.worker().flow_at(port);
    return flow == nullptr ? "nowhere" : proto::to_string(flow->spec.rtp.peer);
  }

  /// Who is left hears the end; nothing remains.
  void everything_ends() {
    lab.control().end_all(lab.now_ns, "the end of the test");
    lab.settle();
    for (const std::uint32_t realm : {kCallers, kCallees}) {
      while (!lab.silent(realm)) {
        const sip::Message message = lab.next(realm);
        if (message.is_request() && message.method() != sip::Method::kAck) {
          realm == kCallers ? lab.caller_answers(message, 200) : lab.callee_answers(message, 200);
        }
      }
    }
    EXPECT_TRUE(lab.nothing_left());
  }

  CallLab lab;
  std::optional<sip::Message> carols_invite;
  std::optional<sip::Message> bobs_answer;  ///< of the second call
};

}  // namespace weir::tests
