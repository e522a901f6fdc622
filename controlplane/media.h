// Media: one audio stream that joins two legs. It owns the legs' local ports, their DTLS associations and the flows
// between them. The certificate of every DTLS association is compared with the SDP's fingerprint before any flow is
// installed, and no flow towards a secured leg exists without its keys: nothing clear ever leaves there.
// RFC 5763 (DTLS-SRTP), RFC 5764 section 4.1.2 (RTP and RTCP associations), RFC 4568 (SDES), RFC 8842 (when a new DTLS
// association is due), RFC 5761 (rtcp-mux).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/kept_media.h"
#include "controlplane/media_leg.h"
#include "controlplane/media_types.h"
#include "proto/flow.h"
#include "proto/result.h"
#include "sip/offer_answer.h"

namespace weir::controlplane {

class MediaEngine;

/// What a Media tells its call. `side` is the leg concerned (all but kFlowing and kTimeout).
struct MediaEvent {
  enum class Kind : std::uint8_t {
    kSecured,        ///< the leg has its keys; DTLS: every association is up and its certificate matched. See secured
    kFlowing,        ///< all flows are installed in weir-media
    kFailed,         ///< there will be no media: see reason. The call ends with it; said once
    kTimeout,        ///< no flow of this stream had an accepted packet for the configured time; said again if it recurs
    kSourceLearned,  ///< the leg's peer sends from elsewhere than its SDP says, and policy allows it: see source
    kKeysRenewed,    ///< a later description's keys are in force, as kSecured says it of the first ones
    kRenewalFailed,  ///< a new DTLS association did not come to be: the keys before it stay in force. See reason
    kKeysEnding,     ///< the leg's keys near the end of their life: renew_keys() and a re-INVITE give it new ones
    kPictureAsked,   ///< the leg asks for a whole picture by RTCP, which its far side does not know
  };
  Kind kind;
  Side side;
  SecuredInfo secured;
  std::string reason;  ///< for people, without a trailing full stop
  proto::Endpoint source;
};

/// Called from MediaEngine::poll and Media::set_remote. It may call close() on the Media, but not destroy it.
using MediaObserver = std::function<void(const MediaEvent&)>;

/// How media is changed on its way. Payload types are renumbered per direction: `from` as this leg's remote sends it.
struct MediaRewrite {
  std::vector<proto::PayloadTypePair> from_caller;
  std::vector<proto::PayloadTypePair> from_callee;
};

class Media final : private MediaLeg::Listener {
 public:
  /// How long the keys before receive beside new ones: until the peer has certainly begun to use those.
  static constexpr std::uint32_t kKeyGraceMs = 10'000;
  /// Keys that policy wants renewed and that have not been are asked for again after so long.
  static constexpr std::uint64_t kRenewalRetryNs = 30'000'000'000;
  /// So often is that doubled: to an hour at most.
  static constexpr std::uint8_t kRenewalDoublingsMax = 7;

  ~Media();
  Media(const Media&) = delete;
  Media& operator=(const Media&) = delete;

  /// Where the leg's remote shall send RTP: what goes into the SDP's c= and m= lines. The port is even.
  [[nodiscard]] proto::Endpoint local_rtp(Side side) const;
  /// a=rtcp without rtcp-mux: the next, odd port.
  [[nodiscard]] proto::Endpoint local_rtcp(Side side) const;

  /// What we bring to the leg's next offer or answer: ports, SDES keys, tls-id, and what is in force of them.
  /// `sdes`: with SDES keys, which are made if need be.
  [[nodiscard]] sip::LocalSection local_section(Side side, bool sdes);
  /// a=fingerprint of the leg's descriptions: of our certificate on it.
  [[nodiscard]] std::vector<sip::Fingerprint> fingerprints(Side side) const { return leg(side).fingerprints(); }
  /// ICE for the leg's next description; `offer`: the remote's that it answers, null for an offer of ours.
  [[nodiscard]] sip::LocalIce local_ice(Side side, const sip::RemoteIce* offer, std::uint64_t now_ns);
  /// Candidates of the leg's remote that came after its description (RFC 8840).
  void add_candidates(Side side, const sip::RemoteIce& more, std::uint64_t now_ns);
  /// The next local_section() of a leg brings keys of ours that were never used: new SDES keys, another tls-id.
  void renew_keys(Side side);
  /// What renew_keys() asked for was refused: what is said next leaves a DTLS association as it is.
  void drop_renewal(Side side) { leg(side).drop_renewal(); }

  /// What was agreed with the leg's remote. With DTLS this starts the handshake on each port it needs: one with
  /// rtcp-mux, two without. Called again, at any time: addresses, direction and terms change at once.
  /// Errors: what the leg's policy forbids, an address that nothing may be sent to, ports or weir-media's table
  /// exhausted; the stream goes on as it was, and the re-INVITE is to be refused with 488.
  proto::Status set_remote(Side side, const RemoteMedia& remote, std::uint64_t now_ns);

  /// The party of one leg is gone and another takes its place (transfer): the leg's flows, keys and handshakes end, and
  /// it begins anew with other ports and `options`; set_remote tells of the new party. The other leg keeps its ports,
  /// keys and indexes, and hears nothing meanwhile. What it then hears, it hears as a source of its own (RFC 3550
  /// section 8.1), so that no index comes twice under its keys (RFC 3711 section 9.1). Errors: no port left, the stream
  /// has ended; nothing has changed then.
  proto::Status replace(Side side, const MediaLegOptions& options, std::uint64_t now_ns);

  /// The leg's remote may be asked for a whole picture by RTCP: by PLI or by FIR.
  [[nodiscard]] bool takes_picture_requests(Side side) const;
  /// Asks it. `named`: the SSRCs of its video, as far as its description names any; else all that it sends are asked.
  /// Does nothing while media does not flow both ways.
  void ask_for_picture(Side side, std::span<const std::uint32_t> named);

  /// Towards the leg's party the one that comes on the other side is not to be known: see MediaLegOptions::unlinkable.
  /// After replace() of that one, before set_remote tells of it. A leg that may be secured by DTLS has a certificate of
  /// its own from the next description on. Errors: no certificate can be made; nothing has changed then.
  proto::Status make_unlinkable(Side side, std::uint64_t now_ns);
  /// The same without another certificate. What comes of a party that is heard already is hidden with its next keys or
  /// peer.
  void hide_sources(Side side) { leg(side).make_unlinkable(nullptr); }
  /// Some of its media lives in this process: no other weir-control can go on with it.
  [[nodiscard]] bool ends_with_us() const;

  /// See MediaLegOptions.
  [[nodiscard]] bool is_unlinkable(Side side) const { return leg(side).is_unlinkable(); }

  /// A party was replaced: what a leg hears comes as one source, whatever the other party sends.
  [[nodiscard]] bool joins_sources() const { return fresh_ssrc_[0] != 0 || fresh_ssrc_[1] != 0; }

  /// Payload types; before the flows are installed.
  void set_rewrite(const MediaRewrite& rewrite);

  /// All that a later weir-control needs to go on with it; nullopt while there is nothing to go on with: not every flow
  /// is in force with the keys that its leg's description asks for.
  [[nodiscard]] std::optional<KeptMedia> kept() const;

  /// Until release() no flow is installed, whatever is agreed on: who one party is has still to be shown. Before the
  /// first set_remote.
  void hold() { held_ = true; }
  [[nodiscard]] bool held() const { return held_; }
  void release(std::uint64_t now_ns);

  /// Ends the stream: flows removed, ports freed into quarantine, keys wiped. Idempotent; the destructor calls it.
  void close(std::uint64_t now_ns);

  [[nodiscard]] bool failed() const { return state_ == State::kFailed; }
  /// All flows are installed.
  [[nodiscard]] bool flowing() const { return state_ == State::kFlowing; }
  /// The DTLS association as it stands: valid after kSecured.
  [[nodiscard]] const SecuredInfo& secured(Side side) const { return leg(side).secured(); }

  /// OpenSSL's objects that are alive: for people and tests.
  [[nodiscard]] std::size_t handshakes() const;

  /// The flows of this stream, for people: those arriving from `side`'s remote.
  [[nodiscard]] std::vector<proto::FlowId> flows(Side side) const;

  /// The codec that `side`'s remote agreed to send first; empty while none is known.
  [[nodiscard]] std::string_view codec(Side side) const;
  /// Whether what `side`'s remote sends is converted to another codec on its way.
  [[nodiscard]] bool transcodes(Side side) const;

  // For MediaEngine.
  Media(MediaEngine& engine, const std::array<MediaLegOptions, 2>& options,
        const std::array<std::uint16_t, 2>& rtp_ports, std::uint64_t cookie, MediaObserver observer);
  /// Opens what has to listen from the start.
  proto::Status listen(std::uint64_t now_ns);
  /// In place of listen(): the flows are in force already, `flows` by side and component.
  void adopt(const KeptMedia& kept, const std::array<RemoteMedia, 2>& remotes, const std::array<KeptFlows, 2>& flows,
             std::uint64_t now_ns);
  /// DTLS timers, and what could not be done at once. True: there is more to come; else it is called again after the
  /// next change only.
  bool advance(std::uint64_t now_ns);

 private:
  enum class State : std::uint8_t { kStarting, kInstalling, kFlowing, kFailed, kClosed };

  [[nodiscard]] const MediaLeg& leg(Side side) const { return *legs_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] MediaLeg& leg(Side side) { return *legs_[static_cast<std::size_t>(side)]; }

  // MediaLeg::Listener
  void on_leg_secured(Side side, bool renewed, std::uint64_t now_ns) override;
  void on_leg_failed(Side side, const std::string& reason, std::uint64_t now_ns) override;
  void on_renewal_failed(Side side, const std::string& reason, std::uint64_t now_ns) override;
  void on_association_kept(Side side, std::uint64_t now_ns) override;
  void on_leg_busy(Side side, std::uint64_t now_ns) override;
  void on_leg_moved(Side side, const proto::Endpoint& source, std::uint64_t now_ns) override;
  void on_leg_leaving(Side side, Component component, proto::Bytes media) override;
  void on_leg_event(Side side, Component component, const proto::Event& event, std::uint64_t now_ns) override;

  void touch(std::uint64_t now_ns);
  void on_pair_chosen(Side side, Component component, const proto::Event& event, std::uint64_t now_ns);
  void on_consent_lost(Side side, std::uint64_t now_ns);
  [[nodiscard]] std::uint64_t heard_ns(Side side) const;
  [[nodiscard]] const proto::FlowStatus* heard_from(Side side) const;
  void on_source_learned(Side side, Component component, const proto::Endpoint& source, std::uint64_t now_ns);
  void check_silence(std::uint64_t now_ns);
  [[nodiscard]] std::uint64_t packets_from(Side side) const;
  [[nodiscard]] std::uint16_t draw_early() const;
  void check_key_ages(std::uint64_t now_ns);

  void make_leg(Side side, const MediaLegOptions& options, std::uint16_t rtp_port);
  void install_when_ready(std::uint64_t now_ns);
  proto::Status install_from(Side side, std::uint64_t now_ns);
  void flow_when_installed(Side side);
  void follow_legs(std::uint64_t now_ns);
  void move_peers(std::uint64_t now_ns);
  void update_keys(std::uint64_t now_ns);
  void update_port(Side side, Component component, std::uint32_t grace_ms);
  [[nodiscard]] Secret<proto::FlowSpec> flow_from(Side side, Component component) const;
  void choose_fresh_ssrc(Side side);
  [[nodiscard]] std::uint32_t ssrc_across(Side from, std::uint32_t ssrc) const;
  [[nodiscard]] bool exits_are_as_wanted(Side side, Component component) const;
  void fail(Side side, const std::string& reason, std::uint64_t now_ns);
  void say(MediaEvent event);

  MediaEngine& engine_;
  std::uint64_t cookie_;
  MediaObserver observer_;
  std::array<std::unique_ptr<MediaLeg>, 2> legs_;
  std::vector<std::unique_ptr<MediaLeg>> replaced_;  ///< in what may be one of their callbacks: freed later
  MediaRewrite rewrite_;
  std::array<std::uint32_t, 2> fresh_ssrc_{};  ///< by side: what its media leaves as after a transfer; 0: as it comes
  std::vector<std::uint32_t> ssrcs_used_;      ///< what the other legs have heard before their party was replaced
  std::array<std::uint32_t, 2> keys_versions_{};  ///< by side: what weir-media was told of
  std::array<KeyAge, 2> key_ages_;
  State state_ = State::kStarting;
  bool held_ = false;           ///< see hold()
  bool peers_stale_ = false;    ///< a set-peer could not be sent: the next advance() tries again
  bool keys_stale_ = false;     ///< likewise an update-keys
  bool silence_noted_ = false;  ///< a flow said so: check_silence() decides what it means
  std::uint64_t now_ns_ = 0;
  std::uint64_t media_expected_ns_ = 0;  ///< since when media should come: installed, or back from hold
};

}  // namespace weir::controlplane
