// One leg of a stream: its pair of local ports, what its remote's SDP said, the keys in force, and where its media
// really comes from. RFC 8842 section 3.1 (when a DTLS association goes on, and when a new one is due).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/boxed.h"
#include "controlplane/kept_media.h"
#include "controlplane/leg_ice.h"
#include "controlplane/leg_keys.h"
#include "controlplane/media_port.h"
#include "controlplane/media_types.h"
#include "proto/flow.h"
#include "sip/offer_answer.h"

namespace weir::controlplane {

class MediaEngine;

inline constexpr std::array<Component, 2> kComponents = {Component::kRtp, Component::kRtcp};

/// The flows of a leg's two ports as an earlier weir-control left them, by component.
using KeptFlows = std::array<std::optional<FlowFound>, 2>;

class MediaLeg final : private MediaPort::Listener {
 public:
  /// What the leg tells its stream. Called as the last thing a member function does.
  class Listener {
   public:
    /// The leg has keys: its first, or (`renewed`) others in place of those before. See secured().
    virtual void on_leg_secured(Side side, bool renewed, std::uint64_t now_ns) = 0;
    /// There will be no media.
    virtual void on_leg_failed(Side side, const std::string& reason, std::uint64_t now_ns) = 0;
    /// New keys did not come to be; what was in force is.
    virtual void on_renewal_failed(Side side, const std::string& reason, std::uint64_t now_ns) = 0;
    /// The party was asked for other keys, and goes on with its DTLS association.
    virtual void on_association_kept(Side side, std::uint64_t now_ns) = 0;
    /// It has timers that run: advance() is to be called.
    virtual void on_leg_busy(Side side, std::uint64_t now_ns) = 0;
    /// Its party is elsewhere than before (port 0: it is not), or weir-media has to know other things of its ICE.
    virtual void on_leg_moved(Side side, const proto::Endpoint& source, std::uint64_t now_ns) = 0;
    /// RTP or RTCP of its party is to leave as application data of the other leg's association. Nothing ends in here.
    virtual void on_leg_leaving(Side side, Component component, proto::Bytes media) = 0;
    virtual void on_leg_event(Side side, Component component, const proto::Event& event, std::uint64_t now_ns) = 0;

   protected:
    ~Listener() = default;
  };

  /// Parties that may answer on the leg's ports at once: beyond them the one that spoke first is forgotten.
  static constexpr std::size_t kForksMax = 8;

  /// Takes over a pair of ports from the engine's pool; `rtp_port` is the even one. `engine` and `listener` outlive the
  /// leg.
  MediaLeg(MediaEngine& engine, Side side, const MediaLegOptions& options, std::uint16_t rtp_port, std::uint64_t cookie,
           Listener& listener);
  MediaLeg(const MediaLeg&) = delete;
  MediaLeg& operator=(const MediaLeg&) = delete;

  /// Opens the RTP port early if the options ask for it. Errors as MediaPort::open_dtls.
  proto::Status listen(std::uint64_t now_ns);
  /// See Media::set_remote. Keys that SDES brings are in force at once, a DTLS association's when it is up.
  proto::Status set_remote(const RemoteMedia& remote, std::uint64_t now_ns);
  [[nodiscard]] bool remote_known() const { return remote_.has_value(); }

  /// Its media is SRTP, as the remote's description says.
  [[nodiscard]] bool is_secured_leg() const { return remote_ && remote_->keying != sip::Keying::kNone; }
  [[nodiscard]] sip::Keying keying() const { return remote_ ? remote_->keying : sip::Keying::kNone; }
  /// See MediaLegOptions.
  [[nodiscard]] bool is_unlinkable() const { return options_.unlinkable; }
  /// See Media::make_unlinkable. `own`: its certificate from now on; null: it stays what it is. Associations that are
  /// up stay as they are until the next description.
  void make_unlinkable(std::shared_ptr<const Certificate> own);
  /// It may be secured by DTLS, with the certificate of all legs.
  [[nodiscard]] bool shares_certificate() const;
  /// Its policy wants keys of this age, after so many packets in all, to be renewed.
  [[nodiscard]] bool wants_other_keys(const KeyAge& age, std::uint64_t packets, std::uint64_t now_ns) const;
  [[nodiscard]] const sip::SecurityPolicy& security() const { return options_.security; }
  /// Media may flow: the remote is known, and the keys in force are those its description asks for.
  [[nodiscard]] bool ready() const;
  /// Goes up whenever other keys are in force.
  [[nodiscard]] std::uint32_t keys_version() const { return keys_version_; }

  [[nodiscard]] std::uint8_t network() const { return options_.network; }
  /// Its address and port there.
  [[nodiscard]] proto::Endpoint place_of(Component component) const;
  /// The one over which an address of this family is reached.
  [[nodiscard]] std::uint8_t network_to(proto::Family family) const;
  /// The leg is closed: others may have its ports.
  void give_back_ports(std::uint64_t now_ns);
  /// Of the addresses on both of the leg's ends, but that ICE may find others.
  [[nodiscard]] proto::Family family() const;
  [[nodiscard]] MediaPort& port(Component component) { return *ports_[static_cast<std::size_t>(component)]; }
  [[nodiscard]] const MediaPort& port(Component component) const {
    return *ports_[static_cast<std::size_t>(component)];
  }
  /// The components that have a port of their own: with rtcp-mux RTP alone. The remote is known.
  [[nodiscard]] std::vector<Component> components() const;
  /// Where packets of a component come from and go to on this leg: with rtcp-mux RTP's place for both.
  [[nodiscard]] Component carrier(Component component) const;
  /// Media need not come: the remote is on hold, or gave no address.
  [[nodiscard]] bool may_be_silent() const;
  /// What the remote may send. The remote is known.
  [[nodiscard]] const MediaTerms& terms() const { return remote_->terms; }
  [[nodiscard]] bool rtcp_mux() const { return remote_ && remote_->rtcp_mux; }

  /// Where media of a component goes to: the SDP's address until DTLS or an accepted source tells better. Port 0:
  /// nowhere.
  [[nodiscard]] proto::Endpoint peer(Component component) const;
  /// The same, as far as packets may go there now: not before the leg is ready, no RTP to who does not receive.
  [[nodiscard]] proto::Endpoint destination(Component component) const;
  /// Takes note of where media really comes from, if it is news. On a plain leg its address has so many leading bits in
  /// common with the SDP's.
  bool learn_source(Component component, const proto::Endpoint& source, const proto::PrefixBits& plain_prefix);

  /// See Media::local_section; without the ports.
  [[nodiscard]] sip::LocalSection local_keys(bool sdes);
  void renew_local_keys() { renews_ = true; }
  /// See Media::drop_renewal.
  void drop_renewal();

  /// See Media::fingerprints.
  [[nodiscard]] std::vector<sip::Fingerprint> fingerprints() const;

  /// See Media::local_ice.
  [[nodiscard]] sip::LocalIce local_ice(const sip::RemoteIce* offer, std::uint64_t now_ns);
  /// See Media::add_candidates.
  void add_candidates(const sip::RemoteIce& more);
  /// It asks for consent from time to time, or its keys grow old: advance() is to be called, if not often.
  [[nodiscard]] bool watches() const { return is_full_agent() || renews_by_policy(); }
  /// Its party speaks ICE, and so do we.
  [[nodiscard]] bool uses_ice() const { return remote_ && remote_->ice; }
  /// For weir-media: whose checks are answered. All empty without ICE.
  [[nodiscard]] IceSpec ice() const { return uses_ice() ? ice_->spec() : IceSpec{}; }
  /// Its party has chosen the pair of this port and `source`, by the credentials at `which` of ice(). True: it is news.
  bool choose_pair(Component component, const proto::Endpoint& source, std::size_t which, std::uint64_t now_ns);

  /// Receive and send transform of the leg's media; plain ones where no keys are in force. Of keys whose handshake
  /// ended with our own flight nobody knows that the party has them, for the flight may be lost: those before are sent
  /// with until it has shown so, or has had kConfirmNs for it. RFC 5764 section 5.2 has it hear both.
  [[nodiscard]] Secret<proto::TransformSpec> receive_transform() const;
  [[nodiscard]] Secret<proto::TransformSpec> send_transform() const;
  static constexpr std::uint64_t kConfirmNs = 2'000'000'000;
  /// A packet of the component has come under the keys in force. True: they are to be sent with from now on.
  bool confirm_keys(Component component);
  /// The same by the clock.
  bool confirm_keys_in_time(std::uint64_t now_ns);

  [[nodiscard]] const SecuredInfo& secured() const { return secured_; }
  /// Its media is the application data of its association (proto::SrtpProfile::kDtlsRecords), which ends with us.
  [[nodiscard]] bool carries_records() const { return keys_ && keys_->profile == proto::SrtpProfile::kDtlsRecords; }
  /// RTP or RTCP towards its party, if carries_records().
  void send_media(Component component, proto::Bytes media);

  /// What another weir-control needs of it. It is ready(), and no new association is on its way.
  [[nodiscard]] KeptMediaLeg kept() const;
  /// In place of listen() and set_remote(): the flows of an earlier weir-control, and what it kept. `remote` is what
  /// its keys are for. `plain_prefix` as in learn_source.
  void adopt(const KeptMediaLeg& kept, const RemoteMedia& remote, const KeptFlows& flows,
             const proto::PrefixBits& plain_prefix, std::uint64_t now_ns);
  [[nodiscard]] bool renews() const;

  /// DTLS timers. True: there is more to come.
  bool advance(std::uint64_t now_ns);
  void close(std::uint64_t now_ns);

 private:
  /// A DTLS association, on the way or over, and what it was made of.
  struct Association {
    AssociationId id = 0;
    sip::DtlsAssociationTerms terms;
  };
  /// What is sent with in place of the keys in force; see send_transform.
  struct KeysBefore {
    LegKeys keys;
    std::uint64_t until_ns = 0;
    std::array<bool, 2> confirmed{};  ///< by component: the party has those in force
  };
  /// One party that answered: with a leg's only party there is one.
  struct Fork {
    std::uint64_t dialog = 0;
    std::optional<Association> pending;
    std::optional<Association> up;
    AssociationId before = 0;     ///< the one that `up` took the place of: what is under way in it still counts
    std::optional<LegKeys> keys;  ///< of `up`, while another party may yet win
    bool was_in_force = false;    ///< `keys` have been
    SecuredInfo secured;
  };

  // MediaPort::Listener
  void on_port_secured(AssociationId association, std::uint64_t now_ns) override;
  void on_port_failed(AssociationId association, const std::string& reason, std::uint64_t now_ns) override;
  void on_port_renegotiates(std::uint64_t now_ns) override;
  bool may_renegotiate(AssociationId association) override { return current_fork_with_up(association) != nullptr; }
  void on_port_renegotiated(AssociationId association, Component component, std::uint64_t now_ns) override;
  void on_port_gave_up(AssociationId association, const std::string& reason, std::uint64_t now_ns) override;
  void on_port_stun(Component component, const proto::Endpoint& source, proto::Bytes datagram,
                    std::uint64_t now_ns) override;
  void on_port_media(Component component, AssociationId association, proto::Bytes media) override;
  void on_port_leaving(Component component, proto::Bytes media) override;
  void on_port_event(Component component, const proto::Event& event, std::uint64_t now_ns) override;

  [[nodiscard]] const Certificate& certificate() const;
  [[nodiscard]] bool renews_by_policy() const;
  proto::Status check_allowed(const RemoteMedia& remote) const;
  proto::Status check_addresses(const RemoteMedia& remote) const;
  void follow(const RemoteMedia& remote);

  Fork& fork_of(std::uint64_t dialog);
  Fork* fork_with(AssociationId association);
  Fork* current_fork_with_up(AssociationId association);
  void forget(Fork& fork);
  void forget_other_forks();
  [[nodiscard]] bool is_current(const Fork& fork) const { return remote_ && fork.dialog == remote_->dialog; }

  proto::Status negotiate_dtls(std::uint64_t now_ns);
  proto::Status begin_association(Fork& fork, const sip::DtlsAssociationTerms& terms, std::uint64_t now_ns);
  [[nodiscard]] sip::DtlsAssociationTerms terms_of(const RemoteMedia& remote) const;
  void end_pending(Fork& fork);
  void complete(Fork& fork, std::uint64_t now_ns);
  [[nodiscard]] bool is_up_on_all_ports(AssociationId association) const;

  void use_plain();
  void use_sdes(std::uint64_t now_ns);
  void use_association(Fork& fork, std::uint64_t now_ns);
  void use(const LegKeys& keys, bool keeps_indexes, const SecuredInfo& info, std::uint64_t now_ns);
  static SecuredInfo info_of(const DtlsSecured& secured);
  void keep_sending(const LegKeys& next, std::uint64_t now_ns);
  void send_with_keys_in_force();
  [[nodiscard]] proto::Endpoint signalled(Component component) const;
  [[nodiscard]] proto::Endpoint expected(Component component) const;
  LegIce& known_ice();
  void prepare_ice(std::uint64_t now_ns);
  void give_ports_ice(std::uint64_t now_ns);
  [[nodiscard]] proto::Endpoint place_on(std::uint8_t network, Component component) const;
  [[nodiscard]] LegPlaces places() const;
  [[nodiscard]] bool is_full_agent() const { return uses_ice() && ice_ && ice_->is_full(); }
  [[nodiscard]] sip::RemoteIce checkable(const sip::RemoteIce& remote) const;
  bool run_agent(std::uint64_t now_ns);
  void follow_agent(std::uint64_t now_ns);
  void lead_dtls(std::uint64_t now_ns);
  void lead_association();
  void tell_ports_of_ice(std::uint64_t now_ns);

  MediaEngine& engine_;
  Listener& listener_;
  MediaLegOptions options_;
  Side side_;
  std::array<std::unique_ptr<MediaPort>, 2> ports_;
  std::optional<RemoteMedia> remote_;
  std::array<proto::Endpoint, 2> learned_{};  ///< by component; port 0: nothing learned
  Boxed<LegIce> ice_;                         ///< empty: not spoken of yet
  std::vector<Fork> forks_;                   ///< the first to answer first
  AssociationId association_next_ = 1;
  std::optional<LegKeys> keys_;         ///< in force
  std::unique_ptr<KeysBefore> before_;  ///< null: those in force are sent with
  std::uint64_t keys_dialog_ = 0;       ///< whose they are
  std::uint32_t keys_version_ = 0;
  SecuredInfo secured_;
  bool secured_said_ = false;
  bool early_keys_ = false;                   ///< keys were in force of a party that had not won yet
  bool renews_ = false;                       ///< the next local_keys() are fresh ones
  bool turns_ = false;                        ///< they asked for the other role, and there is no answer yet
  std::string tls_id_;                        ///< ours, of the association in force or to come; empty: to be made
  std::string tls_id_next_;                   ///< of the one after it
  std::vector<sip::CryptoAttribute> crypto_;  ///< SDES keys of ours that were never used; empty: to be made
};

}  // namespace weir::controlplane
