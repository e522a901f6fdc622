// Two agents in virtual time, each behind the weir-media that answers for it, over a network that loses what it is told
// to.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "controlplane/ice_agent.h"
#include "controlplane/stun_check.h"

namespace weir::controlplane {

inline constexpr std::uint64_t kMsNs = 1'000'000;
inline constexpr std::uint64_t kSecondNs = 1'000'000'000;
inline constexpr std::size_t kDescriptionBytes = 1200;

inline proto::Endpoint place(std::uint8_t host, std::uint16_t port) {
  return {.address = proto::IpAddress::from_ipv4(0xc6120100u + host), .reserved = 0, .port = port};
}

inline sip::IceCandidate candidate(const proto::Endpoint& where, std::uint32_t priority = 2'130'706'431,
                                   std::uint8_t component = 1) {
  return {.foundation = std::to_string(where.address.bytes[3]),
          .component = component,
          .priority = priority,
          .endpoint = where,
          .type = "host"};
}

inline const sip::IceCredentials kLeft = {.ufrag = "left", .password = "leftleftleftleftleftle"};
inline const sip::IceCredentials kRight = {.ufrag = "right", .password = "rightrightrightrightri"};

/// An agent and the weir-media before it: that answers checks, and says which came.
struct Party {
  Party(proto::IceRole role, std::uint64_t tie_breaker, const sip::IceCredentials& ours,
        const sip::IceCredentials& theirs, std::vector<sip::IceCandidate> places)
      : agent({.role = role, .tie_breaker = tie_breaker, .ours = ours, .theirs = theirs, .locals = places}),
        locals(std::move(places)),
        password(ours.password) {}
  IceAgent agent;
  std::vector<sip::IceCandidate> locals;
  std::string password;
  bool answers = true;
  bool acts = true;
  std::set<std::uint16_t> nominated{};
};

struct Datagram {
  std::uint64_t at_ns;
  proto::Endpoint from;
  proto::Endpoint to;
  std::vector<std::uint8_t> bytes;
};

inline std::vector<std::uint8_t> response_to(const proto::Bytes request, const std::string& password,
                                             std::uint16_t error, const proto::Endpoint& source) {
  StunTransaction transaction;
  std::copy_n(request.begin() + 8, transaction.size(), transaction.begin());
  std::vector<std::uint8_t> out(256);
  proto::StunWriter writer(out, error == 0 ? proto::kStunBindingSuccess : proto::kStunBindingError, transaction);
  if (error == 0) {
    writer.xor_mapped_address(source);
  } else {
    writer.error_code(error, "Role Conflict");
  }
  writer.integrity(stun_integrity(password, writer.begin_integrity()));
  writer.fingerprint();
  out.resize(writer.message().size());
  return out;
}

class Network {
 public:
  Network(Party& left, Party& right) : parties_{&left, &right} {}

  void run(std::uint64_t ms) {
    for (const std::uint64_t end = now_ns + ms * kMsNs; now_ns < end; now_ns += 5 * kMsNs) {
      for (Party* party : parties_) {
        if (!party->acts) continue;
        party->agent.advance(now_ns, pacer, [&](std::uint8_t local, const proto::Endpoint& to, proto::Bytes bytes) {
          post(party->locals[local].endpoint, to, {bytes.begin(), bytes.end()});
        });
      }
      deliver();
    }
  }

  std::function<bool(const proto::Endpoint& from, const proto::Endpoint& to)> loses = [](auto&, auto&) {
    return false;
  };
  std::uint64_t now_ns = kSecondNs;
  IcePacer pacer;
  std::deque<Datagram> sent;  ///< all that was

 private:
  void post(const proto::Endpoint& from, const proto::Endpoint& to, std::vector<std::uint8_t> bytes) {
    sent.push_back({now_ns, from, to, bytes});
    if (!loses(from, to)) wire_.push_back({now_ns, from, to, std::move(bytes)});
  }
  void deliver() {
    while (!wire_.empty()) {
      const Datagram datagram = std::move(wire_.front());
      wire_.pop_front();
      for (Party* party : parties_) {
        for (std::size_t i = 0; i < party->locals.size(); ++i) {
          if (party->locals[i].endpoint == datagram.to) receive(*party, static_cast<std::uint8_t>(i), datagram);
        }
      }
    }
  }
  /// What weir-media does of it, and RFC 8445 section 7.3.1.1.
  void receive(Party& party, std::uint8_t local, const Datagram& datagram) {
    if (party.agent.on_response(local, datagram.from, datagram.bytes, now_ns) || !party.answers) return;
    const auto message = proto::parse_stun(datagram.bytes);
    if (!message || message->type != proto::kStunBindingRequest) return;
    const auto attributes = proto::read_stun_attributes(*message);
    ASSERT_TRUE(attributes && attributes->integrity_offset != 0);
    const bool same = attributes->role == party.agent.role();
    if (same && proto::keeps_role(party.agent.role(), party.agent.terms().tie_breaker, attributes->tie_breaker)) {
      return post(datagram.to, datagram.from, response_to(datagram.bytes, party.password, 487, datagram.from));
    }
    if (same) party.agent.set_role(proto::opposite(party.agent.role()));
    const std::vector<std::uint8_t> answer = response_to(datagram.bytes, party.password, 0, datagram.from);
    const auto bytes = static_cast<std::uint32_t>(datagram.bytes.size() - answer.size());
    post(datagram.to, datagram.from, answer);
    const bool nominates = attributes->use_candidate && party.nominated.insert(datagram.from.port).second;
    party.agent.on_checked({local, datagram.from, attributes->priority, nominates, bytes}, now_ns);
  }

  std::array<Party*, 2> parties_;
  std::deque<Datagram> wire_;
};

inline constexpr auto kControlling = proto::IceRole::kControlling;
inline constexpr auto kControlled = proto::IceRole::kControlled;

class IceAgents : public testing::Test {
 protected:
  /// Each knows the other's candidates.
  void introduce() {
    left.agent.add_remote(right.locals, kDescriptionBytes);
    right.agent.add_remote(left.locals, kDescriptionBytes);
  }
  Party left{kControlling, 7, kLeft, kRight, {candidate(place(1, 4000))}};
  Party right{kControlled, 5, kRight, kLeft, {candidate(place(2, 5000))}};
  Network network{left, right};
};

}  // namespace weir::controlplane
