// One party of many calls through a border, as caller or callee: the least that a user agent must do (RFC 3261), with
// retransmissions. All its dialogs go over one UDP port.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/signalling/tally.h"
#include "bench/signalling/udp_port.h"
#include "sip/message.h"

namespace weir::bench {

class Party {
 public:
  /// How long a call that was answered lasts, where its maker ends it.
  static constexpr std::uint64_t kHeld = UINT64_MAX;

  /// `name` tells the party's tags apart from those of earlier runs. The port and the tally outlive it.
  Party(UdpPort& port, std::string name, Tally& tally);

  /// A new call, to be ended `hold_ns` after its answer; kHeld: not by itself.
  void invite(std::uint64_t now_ns, std::uint64_t hold_ns);
  /// From now on reinvite() and bye() choose among the calls there are by now.
  void settle() { settled_ = static_cast<std::uint32_t>(ends_.size()); }
  /// A re-INVITE, or BYE, in a call that is up, chosen at random. False: there is none without a request under way.
  bool reinvite(std::uint64_t now_ns);
  bool bye(std::uint64_t now_ns);

  void on_datagram(std::string_view bytes, std::uint64_t now_ns);
  /// Retransmissions, and calls whose time is up.
  void on_clock(std::uint64_t now_ns);

  /// Calls that are up.
  [[nodiscard]] std::size_t up() const { return up_.size(); }
  /// Requests without final response.
  [[nodiscard]] std::uint64_t pending() const { return pending_; }

 private:
  enum class Request : std::uint8_t { kNone, kInvite, kReinvite, kBye };

  /// This party's end of a call.
  struct End {
    std::string call_id;
    std::string local;    ///< From of its requests, with the tag
    std::string remote;   ///< To of its requests
    std::string target;   ///< where they go: the peer's Contact
    std::string routes;   ///< whole header lines
    std::string unheard;  ///< what is sent again until the peer answers; empty: nothing
    std::uint64_t sent_ns = 0;
    std::uint64_t hold_ns = 0;
    std::uint32_t place = 0;  ///< in up_
    std::uint32_t cseq = 0;
    std::uint32_t version = 0;  ///< of `unheard`
    Request waiting = Request::kNone;
    bool provisional = false;
    bool is_up = false;
  };
  struct Deadline {
    std::uint64_t at_ns;
    std::uint32_t number;
    std::uint32_t version;
  };
  /// T1, and how often it doubles until 64*T1 (RFC 3261 section 17.1.1.2).
  static constexpr std::uint64_t kT1Ns = 500'000'000;
  static constexpr std::size_t kRepetitions = 6;

  [[nodiscard]] std::string tag(std::uint32_t number) const { return name_ + "-" + std::to_string(number); }
  [[nodiscard]] std::optional<std::uint32_t> number_of(std::string_view tag) const;
  [[nodiscard]] std::string request(std::string_view method, std::uint32_t number, bool with_sdp) const;
  [[nodiscard]] RequestTally& tally_of(Request request);
  void ask(std::uint32_t number, Request kind, std::uint64_t now_ns);
  void repeat(std::uint32_t number, std::string bytes, std::uint64_t now_ns);
  bool ask_somebody(Request kind, std::uint64_t now_ns);
  void on_response(const sip::Message& response, std::uint64_t now_ns);
  void on_final(std::uint32_t number, const sip::Message& response, std::uint64_t now_ns);
  void on_request(const sip::Message& request, std::uint64_t now_ns);
  void on_new_call(const sip::Message& invite, std::uint64_t now_ns);
  void answer(const sip::Message& request, std::uint32_t number, bool with_sdp, std::uint64_t now_ns);
  void take_routes(End& end, const sip::Message& message, bool reversed);
  void come_up(std::uint32_t number, std::uint64_t now_ns);
  void end(std::uint32_t number);

  UdpPort& port_;
  std::string name_;
  Tally& tally_;
  std::deque<End> ends_;
  std::vector<std::uint32_t> up_;
  std::uint32_t settled_ = 0;  ///< calls before this one were there when settle() was called
  std::unordered_map<std::string, std::uint32_t> by_call_id_;   ///< that the peer began, without ACK yet
  std::array<std::deque<Deadline>, kRepetitions + 1> unheard_;  ///< by how often it was sent again
  std::deque<Deadline> hangups_;
  std::uint64_t pending_ = 0;
  std::mt19937_64 random_{1};
};

}  // namespace weir::bench
