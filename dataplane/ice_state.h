// What a flow that speaks ICE keeps beside its entry: our credentials, the sources whose connectivity checks
// authenticated, and the one that the peer nominated. As ICE-lite we are always controlled: we send no checks, and the
// latest nomination is in force. As a full agent's it answers checks all the same, and lets the responses to our own
// through. RFC 8445 sections 2.5, 7.3 and 9; consent, RFC 7675.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "dataplane/token_bucket.h"
#include "proto/bytes.h"
#include "proto/flow.h"
#include "proto/inet.h"

namespace weir::dataplane {

class Cipher;

/// Checks that one flow answers in a second. An agent paces its checks 50 ms apart (RFC 8445 section 14.2), over all
/// its candidates; retransmissions come on top.
inline constexpr std::uint32_t kIceChecksPerSecondMax = 200;
/// Sources that one flow tells weir-control of in a second: a peer has as many candidates.
inline constexpr std::uint32_t kIceTellingsPerSecondMax = 16;
/// Within this time of a nomination one of lower priority does not take its place: an agent that nominates aggressively
/// nominates each pair that works, and means the best (RFC 5245 section 8.1.1.2).
inline constexpr std::uint64_t kIceSettlingNs = 1'000'000'000;

/// One of a flow's credentials: one cache line. Of the password only what HMAC-SHA1 needs.
struct alignas(64) IceCredentials {
  std::array<std::uint8_t, 20> hmac_inner;  ///< SHA-1 state after the block of key xor ipad
  std::array<std::uint8_t, 20> hmac_outer;  ///< SHA-1 state after the block of key xor opad
  std::array<std::uint8_t, proto::kIceUfragBytesMax> ufrag;
  std::uint8_t ufrag_bytes;  ///< 0: none
  std::array<std::uint8_t, 7> reserved;
};
static_assert(sizeof(IceCredentials) == 64);

/// Where an authenticated check came from.
struct IceSource {
  proto::Endpoint endpoint;
  std::uint32_t checked_ms;  ///< CLOCK_MONOTONIC modulo 2^32: its last check
};
static_assert(sizeof(IceSource) == 24);

inline constexpr std::size_t kIceSources = 8;
/// Checks that are remembered, so that nobody who saw one can send it again from elsewhere. With consent's checks, one
/// in five seconds (RFC 7675 section 5.1), it is minutes that they reach back.
inline constexpr std::size_t kIceTransactions = 32;

/// Checks of ours whose responses are let through, the latest: sent 50 ms apart (RFC 8445 section 14.2), and again if
/// nothing comes back.
inline constexpr std::size_t kIceSent = 22;

/// Nothing here but `checks` changes before a check has authenticated. Zeroed: none came.
struct alignas(64) IceState {
  std::array<IceCredentials, proto::kIceCredentials> credentials;
  TokenBucket checks;
  TokenBucket tellings;
  std::uint64_t nominated_ns;  ///< when `selected` was last another
  std::uint64_t consent_ns;    ///< when the selected source last checked, or it was last said that it does not
  std::uint32_t consent_ms;    ///< see proto::FlowSpec::ice_consent_ms
  std::uint32_t priority;      ///< of the check that nominated
  std::uint8_t selected;       ///< place in `sources` + 1; 0: none is nominated yet
  std::uint8_t selected_by;    ///< place in `credentials` of those that it was nominated with
  bool selected_told : 1;      ///< weir-control was told
  bool consent_lost : 1;       ///< and of this
  std::uint8_t transaction_next;
  proto::IceRole role;  ///< kNone: lite
  std::uint8_t sent_next;
  std::array<std::uint8_t, 2> reserved;
  std::array<IceSource, kIceSources> sources;  ///< port 0: free
  std::array<std::uint64_t, kIceTransactions> transactions;
  std::array<std::uint8_t, kIceTransactions> transaction_sources;  ///< place in `sources` + 1; 0: free
  std::uint64_t tie_breaker;
  std::array<std::uint32_t, kIceSent> sent;  ///< the first 4 bytes of the IDs of checks of ours; 0: free

  [[nodiscard]] bool is_full() const { return role != proto::IceRole::kNone; }
  [[nodiscard]] const proto::Endpoint* selected_source() const {
    return selected == 0 ? nullptr : &sources[selected - 1u].endpoint;
  }
};
static_assert(sizeof(IceState) == 768 && std::is_trivially_copyable_v<IceState>);
static_assert(offsetof(IceState, sources) == 192);

/// Takes the credentials of a validated spec. What was checked and nominated stays while one of those before does; else
/// all that stays is the nominated source, which is in force until there is another (RFC 8445 section 9).
void set_credentials(IceState& state, const proto::FlowSpec& spec, Cipher& cipher);

/// A STUN request of ours leaves: its response is to come through.
void remember_sent(IceState& state, proto::Bytes request);
/// Whether a datagram looks like a response to a check of ours of lately. Who sent it is not known yet.
bool is_response_to_us(const IceState& state, proto::Bytes datagram);

/// Which credentials a check's USERNAME names, by its part before the colon; nullopt: none of ours.
std::optional<std::uint8_t> credentials_of(const IceState& state, proto::Bytes username);

/// Whether an authenticated check came from there, lately enough to be remembered.
bool is_checked(const IceState& state, const proto::Endpoint& source);

/// May this check be verified? What claims to come from a checked source is as soon verified as its media: its tokens
/// are taken by commit_check. Strangers pay at once, and leave half of them: so nobody without the password can keep a
/// peer's consent from being heard.
bool admits_check(IceState& state, const proto::Endpoint& source, std::uint64_t now_ns);

/// An authenticated check, as far as it changes something.
struct IceCheck {
  proto::Endpoint source;
  std::uint64_t transaction;  ///< the last 8 bytes of its ID
  std::uint32_t priority;
  std::uint8_t credentials;
  bool nominates;  ///< USE-CANDIDATE, and the flow follows
};

/// What became of it.
enum class IceCommit : std::uint8_t { kTaken, kReplayed, kRateLimited };

/// Remembers the check: its source, in the place of the one that has been silent longest if there are too many, never
/// of the selected one; its transaction; consent, if it is the selected source's; and the nomination. One that came
/// before from another source is a replay and changes nothing.
IceCommit commit_check(IceState& state, const IceCheck& check, std::uint64_t now_ns, bool& source_is_new);

}  // namespace weir::dataplane
