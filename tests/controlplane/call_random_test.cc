// Whatever the two parties do, in whatever order, with whatever lost: every call ends, and nothing is left of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

#include "sip/write.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

/// For those whom a callee calls: they are where it is.
constexpr const char* kRoute = R"(
[[route]]
realm = "callees"
match = '^sip:(rtp-(\d+))@.*'
target = 'sip:\1@198.18.2.2:\2'
to_realm = "callees"
)";

class Parties {
 public:
  /// `realms`: lines for both realms of the configuration; with media by SDES if `sdes`.
  explicit Parties(unsigned seed, const std::string& realms = "", bool sdes = false)
      : sdes_(sdes), random_(seed), lab_(kRoute, realms, realms) {
    invite();
    if (pick(3) == 0) return;
    newest_is_answered("callee", 50000);
    in_dialog("ACK", 1);
  }

  /// By key of ours that was said in an a=crypto line: who has heard it, a party by the Call-ID of its dialog.
  [[nodiscard]] const std::map<std::string, std::string>& keys() const { return keys_; }

  void act() {
    switch (pick(22)) {
      case 0:
        return invite();
      case 1:
        return lab_.caller_sends_bare("CANCEL");
      case 2:
        return in_dialog("ACK", pick(2) == 0 ? 1 : cseq_);
      case 3:
        return in_dialog("BYE", ++cseq_);
      case 4:
        return in_dialog("INVITE", ++cseq_);
      case 5:
      case 6:
      case 7:
      case 12:
      case 13:
      case 14:
        return answer_something();
      case 8:
        return callee_asks();
      case 9:
        return time_passes();
      case 10:
        return media_speaks();
      case 11:
        return read();
      case 15:
        return in_dialog("UPDATE", ++cseq_);
      case 16:
        return in_dialog("INFO", ++cseq_);
      case 17:
        return in_dialog("PRACK", ++cseq_);
      case 18:
        return consult();
      case 19:
        return second_dialog();
      case 20:
      case 21:
        return refer();
    }
  }

  /// Transfers to a party of another call that somebody was told to have succeeded.
  [[nodiscard]] unsigned transferred() const { return transferred_; }

  const controlplane::CallCounters& counters() { return lab_.control().counters(); }

  /// Everything ends, and leaves nothing.
  bool end() {
    read();
    lab_.control().end_all(lab_.now_ns, "the end of the test");
    lab_.settle();
    if (pick(2) == 0) {
      read();
      for (int i = 0; i < 8; ++i) answer_something();
    }
    return lab_.nothing_left();
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_()) % below; }

  void invite() {
    RequestText request;
    request.uri = pick(4) == 0 ? "sip:dtls-5070@198.18.1.1" : "sip:rtp-5070@198.18.1.1";
    request.body = pick(8) == 0 ? "v=0" : pick(6) == 0 ? "" : sdp("198.18.1.2", 40000);
    if (pick(3) == 0) request.headers += "Supported: 100rel\r\n";
    if (pick(3) == 0) {
      request.branch += std::to_string(pick(3));
      request.cseq = ++cseq_;
    }
    lab_.caller_sends(request);
    read();
  }

  std::string some_sdp(const std::string& address, unsigned port) {
    static const char* const kAttributes[] = {"", "", "", "a=sendonly\r\n", "a=recvonly\r\n", "a=inactive\r\n"};
    return sdp(address, port + pick(2), kAttributes[pick(std::size(kAttributes))]);
  }

  /// With a key that was never used before, where keys are said.
  std::string sdp(const std::string& address, unsigned port, const std::string& attributes = "") {
    std::string text = plain_sdp(address, static_cast<std::uint16_t>(port), attributes);
    if (!sdes_) return text;
    std::string key(40, 'A');
    for (char& c : key) c = static_cast<char>('a' + pick(26));
    theirs_.insert(key);
    text += "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "\r\n";
    return text.replace(text.find("RTP/AVP"), 7, "RTP/SAVP");
  }

  /// No key goes to two parties: neither ours, nor one that a party has told us.
  void note_keys(const sip::Message& message) {
    // What INFO, MESSAGE, NOTIFY and their answers carry is no description of media, and is passed as it is.
    static constexpr std::array kDescribing{sip::Method::kInvite, sip::Method::kUpdate, sip::Method::kPrack,
                                            sip::Method::kAck};
    const sip::Method method = message.cseq() ? message.cseq()->method : sip::Method::kUnknown;
    if (std::find(kDescribing.begin(), kDescribing.end(), method) == kDescribing.end()) return;
    const std::string line = sdp_value(message.body(), "a=crypto:");
    const std::size_t at = line.find("inline:");
    if (at == std::string::npos) return;
    const std::string key = line.substr(at + 7, 40);
    EXPECT_FALSE(theirs_.contains(key)) << "a party's own key was passed on";
    const auto [known, fresh] = keys_.emplace(key, message.call_id());
    EXPECT_EQ(known->second, message.call_id()) << "a key of ours was said to two parties";
  }

  void in_dialog(const std::string& method, std::uint32_t cseq) {
    if (!lab_.answer) return;
    RequestText request = lab_.in_dialog(method, cseq);
    if (method == "PRACK") request.headers += "RAck: " + rseq_ + " 1 INVITE\r\n";
    if (method != "BYE" && pick(4) != 0) request.body = some_sdp("198.18.1.2", 40000);
    lab_.caller_sends(request);
  }

  void answer_something() {
    if (pick(2) == 0 && !at_caller_.empty()) {
      const sip::Message& request = at_caller_[pick(static_cast<unsigned>(at_caller_.size()))];
      const std::uint16_t status = pick(3) == 0 ? 481 : 200;
      return lab_.caller_answers(request, status, pick(2) == 0 ? some_sdp("198.18.1.2", 40000) : "");
    }
    if (at_callee_.empty()) return;
    static constexpr std::uint16_t kStatuses[] = {100, 180, 183, 200, 200, 200, 200, 200, 302, 401, 486, 487, 600};
    const sip::Message& request = at_callee_[pick(static_cast<unsigned>(at_callee_.size()))];
    const bool invite = request.method() == sip::Method::kInvite;
    const std::uint16_t status = invite ? kStatuses[pick(std::size(kStatuses))] : std::uint16_t{200};
    const bool may_have_body = status / 100 == 2 || status == 183;
    const std::string body = may_have_body && pick(6) != 0 ? some_sdp("198.18.2.2", 50000) : "";
    const bool reliable = invite && status > 100 && status < 200 && pick(3) == 0;
    lab_.callee_answers(request, status, body, pick(5) == 0 ? "fork" : "callee",
                        reliable ? "Require: 100rel\r\nRSeq: " + std::to_string(1 + pick(3)) + "\r\n" : "");
    read();
  }

  void callee_asks() {
    if (!lab_.callee_invite) return;
    static const char* const kMethods[] = {"BYE", "INVITE", "OPTIONS", "ACK", "INFO", "UPDATE", "INVITE"};
    const std::string method = kMethods[pick(std::size(kMethods))];
    const std::string body = method != "BYE" && pick(5) != 0 ? some_sdp("198.18.2.2", 50002) : "";
    lab_.callee_sends(*lab_.callee_invite, method, ++callee_cseq_, body, pick(5) == 0 ? "fork" : "callee");
  }

  /// The callee calls somebody else, who takes the call more often than not: its second one.
  void consult() {
    second("INVITE", 1, sdp("198.18.2.2", 50010), "");
    if (pick(4) == 0) return;
    newest_is_answered("carol", 52000);
    second("ACK", 1, "", second_tag_);
  }

  void newest_is_answered(const std::string& tag, std::uint16_t port) {
    if (at_callee_.empty()) return;
    lab_.callee_answers(at_callee_.back(), 200, sdp("198.18.2.2", port), tag);
    read();
  }

  void second_dialog() {
    static const char* const kMethods[] = {"ACK", "ACK", "ACK", "BYE", "INVITE", "INFO"};
    const std::string method = kMethods[pick(std::size(kMethods))];
    second(method, method == "ACK" ? 1 : ++second_cseq_, method == "INVITE" ? some_sdp("198.18.2.2", 50010) : "",
           second_tag_);
  }

  void second(const std::string& method, std::uint32_t cseq, const std::string& body, const std::string& to_tag) {
    std::string text =
        method + " sip:rtp-5080@198.18.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.2.2:5070;branch=z9hG4bK2nd";
    text += method + std::to_string(cseq) + ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:bob@198.18.2.2>;tag=bobstag\r\n";
    text += "To: <sip:carol@198.18.2.1>" + (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\nCall-ID: consultation\r\n";
    text += "CSeq: " + std::to_string(cseq) + " " + method + "\r\nContact: <sip:bob@198.18.2.2:5070>\r\n";
    if (!body.empty()) text += "Content-Type: application/sdp\r\n";
    lab_.deliver(kCallees, text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    read();
  }

  /// The callee wants who it has called in its place, or somebody who is not there yet.
  void refer() {
    if (!lab_.callee_invite) return;
    const std::string replaces =
        pick(4) == 0 ? "" : "?Replaces=consultation%3Bto-tag%3D" + second_tag_ + "%3Bfrom-tag%3Dbobstag";
    lab_.callee_sends(*lab_.callee_invite, "REFER", ++callee_cseq_, "", "callee",
                      "Refer-To: <sip:rtp-5090@198.18.2.1" + replaces + ">\r\n");
    read();
    if (pick(2) == 0) newest_is_answered("target", 52000);
  }

  void time_passes() {
    static constexpr std::uint64_t kMilliseconds[] = {1, 250, 600, 4'000, 12'000, 40'000, 200'000};
    lab_.advance(kMilliseconds[pick(std::size(kMilliseconds))]);
  }

  void media_speaks() {
    if (!lab_.answer || lab_.answer->body().empty()) return;
    const auto port = static_cast<std::uint16_t>(std::stoi(sdp_value(lab_.answer->body(), "m=audio ")));
    const FakeWorker::Flow* flow = lab_.worker().flow_at(port);
    if (flow == nullptr) return;
    const auto kind = pick(2) == 0 ? proto::EventKind::kMediaTimeout : proto::EventKind::kIndexNearLimit;
    lab_.worker().event(flow->id, kind, {}, lab_.now_ns);
    lab_.settle();
  }

  /// The parties read what came; requests may be answered later, more than once, or never.
  void read() {
    while (!lab_.silent(kCallers)) {
      const sip::Message message = lab_.next(kCallers);
      note_keys(message);
      if (message.is_request()) {
        at_caller_.push_back(message);
      } else if (message.status() > 100 && message.status() < 300) {
        if (message.has(sip::HeaderId::kRSeq)) rseq_ = message.header(sip::HeaderId::kRSeq).value();
        if (!lab_.answer || lab_.answer->body().empty()) lab_.answer = message;
      }
    }
    while (!lab_.silent(kCallees)) {
      const sip::Message message = lab_.next(kCallees);
      note_keys(message);
      if (!message.is_request() && message.call_id() == "consultation" && !message.to_tag().empty()) {
        second_tag_ = message.to_tag();
      }
      if (!message.is_request() || message.method() == sip::Method::kAck) continue;
      if (message.method() == sip::Method::kNotify && message.body().starts_with("SIP/2.0 200")) ++transferred_;
      const bool is_new = message.method() == sip::Method::kInvite && message.to_tag().empty();
      if (is_new && message.request_uri_text().find("5070@") != std::string_view::npos) lab_.callee_invite = message;
      at_callee_.push_back(message);
    }
  }

  bool sdes_;
  std::map<std::string, std::string> keys_;  ///< see keys()
  std::set<std::string> theirs_;             ///< keys that the parties have told
  std::string rseq_ = "1";
  std::minstd_rand random_;
  CallLab lab_;
  std::vector<sip::Message> at_caller_;
  std::vector<sip::Message> at_callee_;
  std::uint32_t cseq_ = 1;
  std::uint32_t callee_cseq_ = 0;
  std::string second_tag_ = "none";  ///< ours, in the dialog of the callee's second call
  std::uint32_t second_cseq_ = 1;
  unsigned transferred_ = 0;
};

TEST(CallRandom, WhateverHappensNothingIsLeft) {
  controlplane::CallCounters reached;
  unsigned transferred = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    Parties parties(seed);
    for (int step = 0; step < 30; ++step) parties.act();
    ASSERT_TRUE(parties.end());
    transferred += parties.transferred();
    reached.calls += parties.counters().calls;
    reached.calls_answered += parties.counters().calls_answered;
    reached.calls_refused += parties.counters().calls_refused;
  }
  EXPECT_GT(reached.calls, 1000u);
  EXPECT_GT(reached.calls_answered, 300u);
  EXPECT_GT(reached.calls_refused, 100u);
  EXPECT_GT(transferred, 10u);
}

TEST(CallRandom, NoKeyIsEverSaidToTwoParties) {
  constexpr const char* kSdes =
      "media_security = \"required\"\nkeying = [\"sdes\", \"dtls\"]\nsdes_suites = [\"AES_CM_128_HMAC_SHA1_80\"]\n";
  std::size_t keys = 0;
  unsigned transferred = 0;
  for (unsigned seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    Parties parties(seed, kSdes, true);
    for (int step = 0; step < 30; ++step) parties.act();
    ASSERT_TRUE(parties.end());
    keys += parties.keys().size();
    transferred += parties.transferred();
  }
  EXPECT_GT(keys, 1000u);
  EXPECT_GT(transferred, 5u);
}

}  // namespace
}  // namespace weir::tests
