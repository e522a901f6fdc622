// The transaction layer and dialogs fed with whatever parses, by a user whose conduct the input chooses too. What goes
// out must parse again, no id may outlive its end, and nothing may be left when every timer has run out.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "proto/assert.h"
#include "sip/dialog_set.h"
#include "sip/parse.h"
#include "sip/transaction_layer.h"
#include "sip/write.h"

namespace weir::sip {
namespace {

constexpr std::size_t kTransactionsMax = 8;
const Via kOwnVia = parse_via("SIP/2.0/UDP 198.18.0.2;branch=z9hG4bKown").value();
const NameAddr kOwnContact = parse_name_addr("<sip:weir@198.18.0.2>").value();

/// Takes the input apart; gives zeros at its end.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t bytes) : at_(data), left_(bytes) {}
  [[nodiscard]] bool empty() const { return left_ == 0; }
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *at_++;
  }
  std::string_view text(std::size_t bytes) {
    const std::size_t taken = std::min(bytes, left_);
    const std::string_view view(reinterpret_cast<const char*>(at_), taken);
    at_ += taken;
    left_ -= taken;
    return view;
  }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

std::string small_request_text(unsigned method, unsigned branch) {
  static constexpr const char* kMethods[] = {"INVITE", "ACK", "CANCEL", "BYE"};
  const std::string name = kMethods[method % 4];
  return name + " sip:b@198.18.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bK" + std::to_string(branch) +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:a@198.18.0.1>;tag=" + std::to_string(branch / 2) +
         "\r\nTo: <sip:b@198.18.0.2>\r\nCall-ID: c\r\nCSeq: 1 " + name + "\r\n";
}

Message small_request(unsigned method, unsigned branch) {
  const std::string text =
      small_request_text(method, branch) + "Contact: <sip:a@198.18.0.1>\r\nRecord-Route: <sip:198.18.0.9>\r\n\r\n";
  return std::move(parse_message(text).message());
}

class Lab : public TransactionUser, public MessageSender {
 public:
  explicit Lab(Input input) : input_(input) {}

  void run() {
    while (!input_.empty()) step();
    react_ = false;
    for (const TransactionId id : std::exchange(alive_, {})) layer_.abandon(id);
    while (layer_.next_deadline_ns()) pass_time();
    WEIR_ASSERT(layer_.size() == 0 && layer_.timer_count() == 0);
  }

  void on_request(TransactionId id, const Message& request, const Hop&) override {
    WEIR_ASSERT(alive_.insert(id).second);
    if (auto dialog = Dialog::from_request(request, "local", kOwnContact)) {
      check(dialog->make_request(Method::kBye, kOwnVia));
      check(dialog->make_response(request, 180, ""));
      dialog->on_request(request);
    }
    react(id, request);
  }
  void on_cancel(TransactionId id, const Message& cancel) override { react(id, cancel); }
  void on_ack(const Message&, const Hop&) override {}
  void on_response(TransactionId id, const Message& response, const Hop&) override {
    WEIR_ASSERT(alive_.contains(id));
    if (const auto request = layer_.request(id)) {
      if (Dialog* dialog = dialogs_.on_response(*request, response)) {
        check(dialog->make_request(Method::kInvite, *request->top_via()));
        layer_.acknowledge(id, dialog->make_ack(*request, *request->top_via()), {});
      }
    }
    react(id, response);
  }
  void on_failure(TransactionId id, TransactionFailure) override { WEIR_ASSERT(alive_.contains(id)); }
  void on_terminated(TransactionId id) override { WEIR_ASSERT(alive_.erase(id) == 1); }

  bool send(const Hop&, std::string_view bytes) override {
    WEIR_ASSERT(parse_message(bytes).ok());
    return !react_ || input_.byte() % 8 != 7;
  }

 private:
  static void check(const Message& message) { WEIR_ASSERT(parse_message(write(message)).ok()); }

  void react(TransactionId id, const Message& message) {
    if (!react_) return;
    const std::uint8_t how = input_.byte();
    if (how % 4 == 0 && message.is_request()) {
      layer_.respond(now_, id, make_response(message, static_cast<std::uint16_t>(100 + how * 2), "", "t"));
    } else if (how % 4 == 1) {
      layer_.cancel(now_, id);
    } else if (how % 16 == 2 && alive_.erase(id) == 1) {
      layer_.abandon(id);
    }
  }

  void pass_time() {
    now_ = std::max(now_, *layer_.next_deadline_ns());
    layer_.on_timer(now_);
  }

  void step() {
    const std::uint8_t what = input_.byte();
    Hop hop;
    hop.reliability = (what & 0x80) != 0 ? Reliability::kReliable : Reliability::kUnreliable;
    switch (what % 6) {
      case 0: {
        // Header lines, or the end of a head and a body, of the input's own.
        const unsigned method = input_.byte();
        std::string text = small_request_text(method, input_.byte() % 16);
        text += input_.text(input_.byte());
        if (ParseResult result = parse_message(text + "\r\n\r\n")) {
          layer_.on_message(now_, std::move(result.message()), hop);
        }
        break;
      }
      case 1: {
        const unsigned method = input_.byte();
        layer_.on_message(now_, small_request(method, input_.byte() % 16), hop);
        break;
      }
      case 2: {
        const Message request = small_request(input_.byte() % 2 * 3, input_.byte() % 16);
        if (const auto id = layer_.send_request(now_, request, hop)) alive_.insert(*id);
        break;
      }
      case 3: {
        const Message request = small_request(input_.byte(), input_.byte() % 16);
        const auto status = static_cast<std::uint16_t>(100 + input_.byte() * 2);
        layer_.on_message(now_, make_response(request, status, "", std::to_string(status % 3)), hop);
        break;
      }
      case 4:
        for (unsigned left = input_.byte() % 16; left > 0 && layer_.next_deadline_ns(); --left) pass_time();
        break;
      case 5:
        if (!alive_.empty()) react(*alive_.begin(), small_request(0, 0));
        break;
    }
    WEIR_ASSERT(layer_.size() <= 2 * kTransactionsMax);
    WEIR_ASSERT(layer_.timer_count() <= kTimerRows * layer_.size());
  }

  Input input_;
  bool react_ = true;
  std::uint64_t now_ = 0;
  std::set<TransactionId> alive_;
  DialogSet dialogs_;
  TransactionLayer layer_{
      {.timers = {}, .transactions_max = kTransactionsMax}, *this, *this, [] { return std::string("secret"); }};
};

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  weir::sip::Lab(weir::sip::Input(data, bytes)).run();
  return 0;
}
