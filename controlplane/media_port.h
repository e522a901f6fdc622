// One local port of a leg: its flow in weir-media, and the DTLS associations that are made over it. There may be
// several at once: those of the forks that have answered, and one that is to take the place of the one in force (RFC
// 8842). Of an association that is over only its keys remain; its OpenSSL objects go when the peer can have no more to
// repeat.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/dataplane_client.h"
#include "controlplane/dtls.h"
#include "controlplane/ice_spec.h"
#include "proto/flow.h"
#include "proto/result.h"

namespace weir::controlplane {

/// Which of a leg's two ports.
enum class Component : std::uint8_t { kRtp = 0, kRtcp = 1 };

/// A leg's own number for an association on its ports; 0: none.
using AssociationId = std::uint32_t;

class MediaPort : public FlowHandler {
 public:
  /// What the port tells its leg. Called as the last thing a member function does; all of the port may be used then.
  class Listener {
   public:
    /// The association is up and its certificate matched: see secured().
    virtual void on_port_secured(AssociationId association, std::uint64_t now_ns) = 0;
    /// The association will not come to be; 0: the port itself cannot be opened.
    virtual void on_port_failed(AssociationId association, const std::string& reason, std::uint64_t now_ns) = 0;
    /// Whether it may, of this association: its new keys would be put in force.
    virtual bool may_renegotiate(AssociationId association) = 0;
    /// The peer redoes the association's handshake: the port's timers have work.
    virtual void on_port_renegotiates(std::uint64_t now_ns) = 0;
    /// It has, with a certificate that matched: see secured().
    virtual void on_port_renegotiated(AssociationId association, Component component, std::uint64_t now_ns) = 0;
    /// It has not, and may not any more. What was in force is.
    virtual void on_port_gave_up(AssociationId association, const std::string& reason, std::uint64_t now_ns) = 0;
    /// A STUN message, a response perhaps: nobody has verified it.
    virtual void on_port_stun(Component component, const proto::Endpoint& source, proto::Bytes datagram,
                              std::uint64_t now_ns) = 0;
    /// RTP or RTCP of the association's party: authentic, for its certificate matched. Nothing ends in here.
    virtual void on_port_media(Component component, AssociationId association, proto::Bytes media) = 0;
    /// RTP or RTCP that came here is to leave by an association of the other leg's. Nothing ends in here.
    virtual void on_port_leaving(Component component, proto::Bytes media) = 0;
    virtual void on_port_event(Component component, const proto::Event& event, std::uint64_t now_ns) = 0;

   protected:
    ~Listener() = default;
  };
  /// What a flow needs to be opened.
  struct Place {
    std::uint64_t cookie = 0;
    std::uint8_t network = 0;
    std::optional<std::uint8_t> also_network = {};
    std::uint16_t local_port = 0;
    std::uint32_t punts_per_s_max = 0;
    bool renegotiates = false;   ///< the peer may redo its handshakes: their associations are kept for it
    bool rtp_over_dtls = false;  ///< see sip::SecurityPolicy
  };

  /// `client`, `listener` and `certificate` outlive the port. `certificate`: ours in its associations; null: the DTLS
  /// context's.
  MediaPort(DataplaneClient& client, Component component, const Place& place, const Certificate* certificate,
            Listener& listener);
  ~MediaPort() override;

  [[nodiscard]] std::uint16_t local_port() const { return place_.local_port; }
  /// Says where the flow's packets arrive.
  void write_place(proto::FlowSpec& spec) const;
  [[nodiscard]] std::optional<proto::FlowId> flow() const { return flow_; }

  /// Whose ICE checks are answered on the port from now on, and then nobody else's DTLS is heard; none: ICE is not
  /// spoken. An installed flow is told by set_peer().
  void set_ice(const IceSpec& ice, std::uint64_t now_ns);
  /// Where the peer turned out to be, for a flow that is open: what it is punted from, too.
  void expect(const proto::Endpoint& peer, std::uint64_t now_ns);
  /// weir-media knows the flow, or will before it gets what is sent now.
  [[nodiscard]] bool is_open() const { return flow_ && (open_sent_ || install_sent_); }
  /// Sends a datagram from here. A full ring loses it, as a network would.
  void send(const proto::Endpoint& destination, proto::Bytes datagram);
  /// Opens the flow, so that DTLS arrives here, and answers as a server. Idempotent; an installed flow is open.
  /// Errors: weir-media's table or command ring is full.
  proto::Status open_dtls(DtlsContext& context, std::uint64_t now_ns);
  /// The peer is known. After open_dtls; a client's first flight leaves once weir-media has opened the flow. What was
  /// answered before anybody was known belongs to the first association.
  void start_dtls(AssociationId association, sip::DtlsRole role, const proto::Endpoint& signalled,
                  std::vector<sip::Fingerprint> promised, std::uint64_t now_ns);
  /// Ours in associations that begin from now on; outlives the port.
  void use_certificate(const Certificate& certificate);
  /// Its handshake goes on at another place of the peer's. See DtlsEndpoint::follow.
  void follow_dtls(AssociationId association, const proto::Endpoint& peer);
  /// The association's keys, from on_port_secured until they are forgotten; else nullptr.
  [[nodiscard]] const DtlsSecured* secured(AssociationId association) const;
  /// The leg has the keys: they are wiped.
  void forget_keys(AssociationId association);
  /// The leg wants no more of it: its keys are wiped. An association that is not over, or waits for the peer's next
  /// handshake, ends; one that carries media ends when the peer can have no more under way.
  void forget_dtls(AssociationId association);
  /// Sends RTP or RTCP as the association's application data. Lost if it is no more.
  void send_media(AssociationId association, proto::Bytes media);
  /// Media that came in one is the flow's from here on.
  void return_media(proto::Bytes media);
  /// OpenSSL's objects that are alive: for tests and for people.
  [[nodiscard]] std::size_t handshakes() const;

  /// Takes over a flow that is in force already; new associations may be made over it.
  void adopt(const FlowFound& flow, DtlsContext& context);

  /// Puts the flow into force; `spec` is complete. Errors: weir-media's table or command ring is full.
  proto::Status install(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);
  [[nodiscard]] bool install_sent() const { return install_sent_; }
  /// weir-media has said so.
  [[nodiscard]] bool installed() const { return installed_; }
  /// New peer, exits and terms of an installed flow.
  proto::Status set_peer(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);
  /// New transforms of an installed flow.
  proto::Status update_keys(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);

  /// DTLS timers. True: there is more to come.
  bool advance(std::uint64_t now_ns);
  /// Removes the flow and forgets the keys. Idempotent.
  void close(std::uint64_t now_ns);

  void on_flow_event(const proto::Event& event, std::uint64_t now_ns) override;
  void on_punt(const proto::Punt& punt, std::uint64_t now_ns) override;

 private:
  struct Start {
    sip::DtlsRole role;
    proto::Endpoint signalled;
    std::vector<sip::Fingerprint> promised;
  };
  struct Association {
    AssociationId id = 0;                    ///< 0: answers before anybody is known
    proto::Endpoint signalled{};             ///< where the peer's SDP says it is
    std::optional<Start> start;              ///< waits for the flow to be open
    std::unique_ptr<DtlsEndpoint> endpoint;  ///< none: over, and the peer has nothing to repeat
    std::unique_ptr<DtlsSecured> secured;    ///< until forget_dtls
    std::uint64_t over_ns = 0;               ///< when it was up; 0: it is not
    bool carries = false;                    ///< media is its application data: it is kept for as long
  };

  proto::Status reserve();
  Association& add_association();
  [[nodiscard]] Association* find(AssociationId id) const;
  [[nodiscard]] Association* association_for(const proto::Endpoint& source) const;
  /// Whom the open flow's handshake is expected from: weir-media resolves that next hop before our first datagram needs
  /// it, and keeps part of the punt rate for that source.
  void tell_peer();
  void on_opened(const proto::Status& status, std::uint64_t now_ns);
  void on_dtls_secured(Association& association, const DtlsSecured& secured, std::uint64_t now_ns);
  void follow_renegotiations(Association& association, DtlsEndpoint::Callbacks& callbacks);
  [[nodiscard]] bool is_renegotiating() const;
  [[nodiscard]] bool lingers(const Association& association, std::uint64_t now_ns) const;
  [[nodiscard]] bool is_busy(std::uint64_t now_ns) const;
  std::function<void(proto::Bytes)> media_taker(const Association& association);
  void receive_media(const proto::Endpoint& source, proto::Bytes datagram, std::uint64_t now_ns);
  void end_what_is_over(std::uint64_t now_ns);
  void bury(Association& association);

  DataplaneClient& client_;
  Listener& listener_;
  DtlsContext* context_ = nullptr;
  const Certificate* certificate_;
  Place place_;
  Component component_;
  IceSpec ice_{};
  proto::Endpoint expected_{};  ///< as the open flow was told; port 0: nobody yet
  bool open_sent_ = false;
  bool opened_ = false;
  bool install_sent_ = false;
  bool installed_ = false;
  std::optional<proto::FlowId> flow_;
  std::vector<std::unique_ptr<Association>> associations_;  ///< the latest last
  std::vector<std::unique_ptr<Association>> buried_;  ///< ended in what may be one of their callbacks: freed later
  std::uint64_t now_ns_ = 0;
};

}  // namespace weir::controlplane
