// One DTLS 1.2 association over OpenSSL, client or server, from the first flight to the exported keys, or where there
// is no use_srtp to media as its application data. Sans-I/O: datagrams in, datagrams out through a callback. RFC 6347,
// RFC 5764, RFC 5705.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controlplane/dtls_context.h"
#include "controlplane/dtls_filter.h"
#include "controlplane/srtp_keys.h"
#include "proto/bytes.h"
#include "sip/dtls_attributes.h"

namespace weir::controlplane {

/// The two ends of OpenSSL's BIO: the one datagram to be read, and where written ones go.
struct DtlsDatagrams {
  proto::Bytes incoming;
  std::function<void(proto::Bytes)> send;
};

/// What a finished handshake gave. The peer's certificate is not judged here: whoever asks compares it with the SDP.
struct DtlsResult {
  proto::SrtpProfile profile = proto::SrtpProfile::kNone;  ///< kDtlsRecords: without keys
  std::string version;                                     ///< OpenSSL's name: "DTLSv1.2"
  std::string cipher_suite;                                ///< OpenSSL's name
  CertificateHandle peer_certificate;
  std::string short_authentication;  ///< short_authentication.h
  MasterKeyPair keys;
};

class DtlsAssociation {
 public:
  enum class State : std::uint8_t { kHandshaking, kConnected, kFailed };
  using Send = std::function<void(proto::Bytes)>;
  using Media = std::function<void(proto::Bytes)>;

  /// `context` outlives the association; `send` is called from within start_*, receive and advance. `certificate`:
  /// ours in it; null: the context's. `media` gets what comes as application data, from within receive: who has it
  /// takes peers without use_srtp, whose handshake fails otherwise.
  DtlsAssociation(DtlsContext& context, sip::DtlsRole role, Send send, const Certificate* certificate = nullptr,
                  Media media = {});
  DtlsAssociation(const DtlsAssociation&) = delete;
  DtlsAssociation& operator=(const DtlsAssociation&) = delete;
  ~DtlsAssociation();

  /// Client: sends the ClientHello.
  State start_client();
  /// Server: takes the whole second ClientHello as one record (ClientHelloAssembly::record), whose cookie was found
  /// valid, and answers it.
  State start_server(proto::Bytes client_hello_record);

  /// A datagram from the peer; unfit records are filtered out first (dtls_filter.h). `may_begin`: a renegotiation, if
  /// they are allowed.
  State receive(proto::Bytes datagram, bool may_begin = false);

  /// Sends RTP or RTCP as one record of application data. Lost if the association carries none.
  void send_media(proto::Bytes media);
  [[nodiscard]] bool carries_media() const {
    return state_ == State::kConnected && result_.profile == proto::SrtpProfile::kDtlsRecords;
  }

  /// Retransmits if OpenSSL's timer has run out.
  State advance();
  /// How long until advance() has something to do: OpenSSL measures its timer by the system's clock.
  [[nodiscard]] std::optional<std::uint64_t> timer_remaining_ns() const;

  /// kConnected: from now on the peer may redo the handshake inside the association, as client or as server of it. One
  /// that fails ends the association: kFailed, and what it gave before stands. False: the two ends do not know how to
  /// do it safely (RFC 5746), and nothing has changed.
  bool allow_renegotiation();
  /// Another handshake is under way.
  [[nodiscard]] bool renegotiates() const;
  /// Handshakes that were done; result() is of the last.
  [[nodiscard]] unsigned handshakes() const { return handshakes_; }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] sip::DtlsRole role() const { return role_; }
  /// kFailed only: why, for people.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  /// kConnected only.
  [[nodiscard]] const DtlsResult& result() const { return result_; }
  /// Wipes the exported keys: whoever needs them has taken them.
  void forget_keys() { result_.keys = {}; }
  /// Changes whenever the handshake moves on, and by nothing else: what the peer sends only counts if OpenSSL used it.
  [[nodiscard]] int progress() const;

 private:
  State step();
  [[nodiscard]] DtlsStage stage() const;
  State fail(std::string reason);
  State finish();
  std::optional<std::string> take_result();
  bool export_keys();
  void drain();
  State receive_later(proto::Bytes datagram, bool may_begin);
  State read_later();

  sip::DtlsRole role_;
  Media media_;
  DtlsDatagrams datagrams_;
  SslHandle ssl_;
  State state_ = State::kHandshaking;
  std::string failure_;
  DtlsResult result_;
  std::uint64_t sequence_next_ = 0;  ///< see filter_dtls_records
  unsigned handshakes_ = 0;
  bool renegotiable_ = false;
};

}  // namespace weir::controlplane
