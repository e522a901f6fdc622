// DTLS on one local port: from datagrams of anyone to the keys of the one peer whose certificate the SDP promised.
// RFC 5763 section 5, RFC 6347 section 4.2.1.
//
// As server nothing is kept of a source before its cookie proves that it receives what is sent to it: DTLSv1_listen
// would do the cookie too, but wants a socket of its own or a state per source while ClientHellos come in fragments.
// Here the start of the first fragment is enough: version, random, session ID and cookie lie in front, so a
// HelloVerifyRequest costs no state, and a fragment that comes before its start is dropped, for its sender repeats it.
// With a valid cookie the source becomes a candidate: bounded in number, each put together and handshaken on its own.
// The candidate whose certificate matches wins; the others are forgotten without a word.
//
// What remains possible, in DTLS itself: who reads the path can forge the peer's own handshake messages.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/client_hello.h"
#include "controlplane/dtls_association.h"
#include "controlplane/dtls_context.h"
#include "proto/inet.h"
#include "sip/dtls_attributes.h"

namespace weir::controlplane {

/// An association whose certificate matched.
struct DtlsSecured {
  proto::SrtpProfile profile = proto::SrtpProfile::kNone;
  sip::DtlsRole role = sip::DtlsRole::kServer;
  std::string version;
  std::string cipher_suite;
  std::string fingerprint;           ///< of the peer's certificate, as SDP writes it
  std::string verdict;               ///< for people
  std::string short_authentication;  ///< likewise: short_authentication.h
  proto::Endpoint peer;
  Secret<MasterKey> receive_key;
  Secret<MasterKey> send_key;
};

class DtlsEndpoint {
 public:
  static constexpr std::size_t kCandidatesMax = 4;
  /// A candidate whose handshake stands still for this long may be replaced: by the same source with another
  /// ClientHello, or by another source if all places are taken.
  static constexpr std::uint64_t kStallNs = 1'000'000'000;
  /// A client whose handshake broke tries again after this long.
  static constexpr std::uint64_t kRestartNs = 500'000'000;

  /// A peer that may redo its handshake may do so this long after the last one was done.
  static constexpr std::uint64_t kRenegotiationNs = 10'000'000'000;

  /// `secured` and `failed` are called at most once in all, as the last thing a member function does. With
  /// `renegotiated` the peer may redo the handshake once it is secured (RFC 5746), and where `welcomes` says that it
  /// may begin now: called then, as `secured` was; an end of that, for which `given_up` is called once, leaves what was
  /// secured as it is.
  struct Callbacks {
    std::function<void(const proto::Endpoint& destination, proto::Bytes datagram)> send;
    std::function<void(const DtlsSecured& secured, std::uint64_t now_ns)> secured;
    std::function<void(const std::string& reason, std::uint64_t now_ns)> failed;
    std::function<void(const DtlsSecured& secured, std::uint64_t now_ns)> renegotiated = {};
    std::function<void(const std::string& reason, std::uint64_t now_ns)> given_up = {};
    std::function<bool()> welcomes = [] { return true; };
    /// RTP and RTCP of who has been secured without use_srtp; none: such a peer's handshake fails.
    std::function<void(proto::Bytes media)> media = {};
  };

  /// Deaf until listen() or start(). `context` and `certificate` outlive the endpoint. `certificate`: ours in its
  /// associations; null: the context's.
  DtlsEndpoint(DtlsContext& context, Callbacks callbacks, const Certificate* certificate = nullptr);
  DtlsEndpoint(const DtlsEndpoint&) = delete;
  DtlsEndpoint& operator=(const DtlsEndpoint&) = delete;

  /// Answers ClientHellos as a server before the peer's SDP is known; handshakes end in waiting for start().
  void listen();

  /// The peer's SDP is known: who it says it is, where it says it is, and which role is ours. As client the first
  /// flight leaves now, to `signalled`, and only `signalled` is listened to. The handshake's time starts to run.
  void start(sip::DtlsRole role, const proto::Endpoint& signalled, std::vector<sip::Fingerprint> promised,
             std::uint64_t now_ns);

  /// The peer is elsewhere: as client the handshake goes on there, for DTLS runs over whatever pair ICE has chosen
  /// (RFC 8842 section 6). A server hears of it from the peer itself. Whoever may redo the handshake does it from
  /// there, and media goes there and comes from there.
  void follow(const proto::Endpoint& peer);

  /// A datagram that arrived at this port: RFC 7983 says DTLS, nothing else is known of it.
  void receive(const proto::Endpoint& source, proto::Bytes datagram, std::uint64_t now_ns);

  /// RTP or RTCP to the peer, if carries_media().
  void send_media(proto::Bytes media);
  /// The peer is secured, and its media is application data.
  [[nodiscard]] bool carries_media() const;

  /// Retransmissions and the timeout. Call it often while unfinished().
  void advance(std::uint64_t now_ns);

  /// Neither secured nor failed yet.
  [[nodiscard]] bool unfinished() const { return state_ == State::kDeaf || state_ == State::kRunning; }
  /// Secured, and the peer may redo the handshake.
  [[nodiscard]] bool is_renegotiable() const { return renegotiable_; }
  /// It does.
  [[nodiscard]] bool renegotiates() const;
  /// A handshake with this source runs, or is over.
  [[nodiscard]] bool knows(const proto::Endpoint& source) const;
  /// Sources that have shown a valid cookie and are being handshaken with.
  [[nodiscard]] std::size_t candidates() const { return candidates_.size(); }

 private:
  enum class State : std::uint8_t { kDeaf, kRunning, kSecured, kFailed };

  /// One source's handshake: a ClientHello being put together, then an association.
  struct Candidate {
    proto::Endpoint source;
    ClientRandom random;
    std::optional<ClientHelloAssembly> hello;
    std::unique_ptr<DtlsAssociation> association;
    std::uint64_t progress_ns;
  };
  using Candidates = std::vector<Candidate>;

  void receive_as_server(const proto::Endpoint& source, proto::Bytes datagram, std::uint64_t now_ns);
  void on_client_hello(const proto::Endpoint& source, const ClientHelloStart& start, std::uint64_t now_ns);
  void admit(const proto::Endpoint& source, const ClientHelloStart& start, std::uint64_t now_ns);
  void add_to_hello(Candidate& candidate, proto::Bytes datagram, std::uint64_t now_ns);
  [[nodiscard]] Candidates::iterator candidate_of(const proto::Endpoint& source);
  [[nodiscard]] Candidates::iterator replaceable(const proto::Endpoint& source, std::uint64_t now_ns);
  void start_client(std::uint64_t now_ns);
  DtlsAssociation::Send send_to(const proto::Endpoint& destination);
  /// Wherever that is by then.
  DtlsAssociation::Send send_to_signalled();
  void send(const proto::Endpoint& destination, proto::Bytes datagram);
  DtlsAssociation::Media take_media();
  void settle(Candidates::iterator candidate, std::uint64_t now_ns);
  void judge(Candidates::iterator candidate, std::uint64_t now_ns);
  void win(Candidates::iterator candidate, const std::string& verdict, std::uint64_t now_ns);
  [[nodiscard]] DtlsSecured outcome(const std::string& verdict) const;
  void hear_renegotiation(proto::Bytes datagram, std::uint64_t now_ns);
  void watch_renegotiation(std::uint64_t now_ns);
  void take_renegotiated(std::uint64_t now_ns);
  void give_up(const std::string& reason, std::uint64_t now_ns);
  void fail(const std::string& reason, std::uint64_t now_ns);

  DtlsContext& context_;
  const Certificate* certificate_;
  Callbacks callbacks_;
  State state_ = State::kDeaf;
  sip::DtlsRole role_ = sip::DtlsRole::kServer;
  bool started_ = false;
  proto::Endpoint signalled_;
  std::vector<sip::Fingerprint> promised_;
  Candidates candidates_;
  std::string last_failure_;
  std::uint64_t deadline_ns_ = 0;
  std::uint64_t restart_ns_ = 0;   ///< client: when to try again; 0 while a handshake runs
  std::uint64_t welcome_ns_ = 0;   ///< from when the next renegotiation may begin
  std::uint64_t patience_ns_ = 0;  ///< until when the one that runs has to be done; 0: none does
  unsigned handshakes_ = 0;        ///< of the winner, that were followed
  bool renegotiable_ = false;
};

}  // namespace weir::controlplane
