// A transaction layer in virtual time: what it sends is parsed back, what it tells is written down as text, and the
// clock moves from deadline to deadline.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sip/parse.h"
#include "sip/transaction_layer.h"

namespace weir::sip {

inline constexpr std::uint64_t kMs = kNsPerMs;

inline Hop hop_of(std::string_view address, std::uint16_t port, Reliability reliability = Reliability::kUnreliable) {
  Hop hop;
  hop.handle = 1;
  hop.remote.address = proto::parse_ip_address(address).value();
  hop.remote.port = port;
  hop.reliability = reliability;
  return hop;
}

/// A parsed copy of `text`, whose lines end in \n for the reader's sake.
inline Message message_of(std::string_view text) {
  std::string bytes;
  for (const char c : text) bytes += c == '\n' ? std::string("\r\n") : std::string(1, c);
  ParseResult result = parse_message(bytes);
  if (!result) {
    ADD_FAILURE() << result.error().reason << "\n" << text;
    return Message::request("INVALID", "sip:invalid");
  }
  return result.message();
}

/// The parts of a request that tests vary.
struct RequestParts {
  std::string method = "INVITE";
  std::string branch = "z9hG4bK-1";
  std::string sent_by = "198.18.0.1:5060";
  std::string via_parameters = ";rport";
  std::string transport = "UDP";
  std::string uri = "sip:bob@198.18.0.2";
  std::string call_id = "call-1";
  std::string from_tag = "alice";
  std::string to_tag = {};
  std::string cseq = "1";
  std::string cseq_method = {};  ///< empty: `method`
  std::string extra = {};        ///< whole header lines
};

inline Message request_of(const RequestParts& parts) {
  const std::string via = "SIP/2.0/" + parts.transport + " " + parts.sent_by +
                          (parts.branch.empty() ? "" : ";branch=" + parts.branch) + parts.via_parameters;
  return message_of(parts.method + " " + parts.uri + " SIP/2.0\nVia: " + via +
                    "\nMax-Forwards: 70\nFrom: <sip:alice@198.18.0.1>;tag=" + parts.from_tag +
                    "\nTo: <sip:bob@198.18.0.2>" + (parts.to_tag.empty() ? "" : ";tag=" + parts.to_tag) +
                    "\nCall-ID: " + parts.call_id + "\nCSeq: " + parts.cseq + " " +
                    (parts.cseq_method.empty() ? parts.method : parts.cseq_method) +
                    "\nContact: <sip:alice@198.18.0.1>\n" + parts.extra + "\n");
}

class TransactionLab : public ::testing::Test, public TransactionUser, public MessageSender {
 public:
  struct Sent {
    std::uint64_t at_ms;
    Hop hop;
    Message message;
  };

  TransactionLab() { restart({}); }

  void restart(const TransactionOptions& options) {
    layer = std::make_unique<TransactionLayer>(options, *this, *this, [] { return std::string("secret"); });
  }

  AdmissionVerdict admit(const Message& request, const Hop&) override {
    asked_to_admit.emplace_back(request.method_name());
    return verdict;
  }
  // What the layer tells, one line each, "t1 request INVITE", where t1 is the first transaction that was ever named.
  void on_request(TransactionId id, const Message& request, const Hop&) override {
    last_id = id;
    tell(id, "request " + std::string(request.method_name()));
    if (react) react(id, request);
  }
  void on_cancel(TransactionId id, const Message&) override {
    tell(id, "cancel");
    if (react) react(id, Message());
  }
  void on_ack(const Message& ack, const Hop&) override { told.push_back("ack " + std::string(ack.to_tag())); }
  void on_response(TransactionId id, const Message& response, const Hop&) override {
    tell(id, "response " + std::to_string(response.status()));
    if (react) react(id, response);
  }
  void on_failure(TransactionId id, TransactionFailure failure) override {
    static constexpr const char* kNames[] = {"timeout", "transport error", "ack missing"};
    tell(id, kNames[static_cast<int>(failure)]);
    if (react) react(id, Message());
  }
  void on_terminated(TransactionId id) override { tell(id, "terminated"); }

  bool send(const Hop& hop, std::string_view bytes) override {
    if (!reachable) return false;
    ParseResult result = parse_message(bytes);
    EXPECT_TRUE(result.ok()) << bytes;
    if (result.ok()) sent.push_back({now / kMs, hop, result.message()});
    return true;
  }

  /// Lets time pass up to `ms` from the start, each timer at its very deadline.
  void run_to_ms(std::uint64_t ms) {
    while (layer->next_deadline_ns() && *layer->next_deadline_ns() <= ms * kMs) {
      now = std::max(now, *layer->next_deadline_ns());
      layer->on_timer(now);
    }
    now = ms * kMs;
  }
  void receive(Message message, const Hop& source) { layer->on_message(now, std::move(message), source); }
  TransactionId request(const Message& message, const Hop& to) {
    const auto id = layer->send_request(now, message, to);
    EXPECT_TRUE(id.has_value());
    return number(id.value_or(TransactionId{})), id.value_or(TransactionId{});
  }
  bool respond(TransactionId id, const Message& to, std::uint16_t status, std::string_view tag = "bob") {
    return layer->respond(now, id, make_response(to, status, "", tag));
  }

  /// What was told or sent since the last call, in one string.
  std::string heard() { return joined(told); }
  std::string sends() {
    std::vector<std::string> lines;
    for (const Sent& one : sent) {
      lines.push_back(
          std::to_string(one.at_ms) + " " +
          (one.message.is_request() ? std::string(one.message.method_name()) : std::to_string(one.message.status())));
    }
    sent.clear();
    return joined(lines);
  }
  static std::string joined(std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : ", ") + line;
    lines.clear();
    return text;
  }

  void expect_all_gone() {
    EXPECT_EQ(layer->size(), 0u);
    EXPECT_EQ(layer->timer_count(), 0u);
    EXPECT_EQ(layer->next_deadline_ns(), std::nullopt);
  }

  std::uint64_t now = 0;
  bool reachable = true;
  AdmissionVerdict verdict = AdmissionVerdict::kAdmitted;
  std::vector<std::string> asked_to_admit;  ///< methods
  std::function<void(TransactionId, const Message&)> react;
  std::vector<Sent> sent;
  std::vector<std::string> told;
  TransactionId last_id;
  std::unique_ptr<TransactionLayer> layer;

 private:
  std::size_t number(TransactionId id) { return numbers_.try_emplace(id, numbers_.size() + 1).first->second; }
  void tell(TransactionId id, const std::string& what) {
    told.push_back("t" + std::to_string(number(id)) + " " + what);
  }
  std::map<TransactionId, std::size_t> numbers_;
};

}  // namespace weir::sip
