// One local port of a leg: its flow in weir-media and, on a secured leg, its DTLS endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/dataplane_client.h"
#include "controlplane/dtls.h"
#include "proto/flow.h"
#include "proto/result.h"

namespace weir::controlplane {

class MediaPort : public FlowHandler {
 public:
  /// What the port tells its leg. Called as the last thing a member function does.
  struct Callbacks {
    std::function<void(std::uint64_t now_ns)> secured;
    std::function<void(const std::string& reason, std::uint64_t now_ns)> failed;
    std::function<void(const proto::Event& event, std::uint64_t now_ns)> event;
  };
  /// What a flow needs to be opened.
  struct Place {
    std::uint64_t cookie = 0;
    std::uint8_t network = 0;
    std::uint16_t local_port = 0;
    std::uint32_t punts_per_s_max = 0;
  };

  /// `client` outlives the port.
  MediaPort(DataplaneClient& client, const Place& place, Callbacks callbacks);
  ~MediaPort() override;

  [[nodiscard]] std::uint16_t local_port() const { return place_.local_port; }
  [[nodiscard]] std::optional<proto::FlowId> flow() const { return flow_; }

  /// Opens the flow, so that DTLS arrives here, and answers as a server. Idempotent.
  /// Errors: weir-media's table or command ring is full.
  proto::Status open_dtls(DtlsContext& context, std::uint64_t now_ns);
  /// The peer is known. After open_dtls; a client's first flight leaves once weir-media has opened the flow.
  void start_dtls(sip::DtlsRole role, const proto::Endpoint& signalled, std::vector<sip::Fingerprint> promised,
                  std::uint64_t now_ns);
  [[nodiscard]] bool dtls_started() const { return dtls_started_; }

  /// The association, once its certificate matched.
  [[nodiscard]] const std::optional<DtlsSecured>& secured() const { return secured_; }

  /// Puts the flow into force; `spec` is complete. Errors: weir-media's table or command ring is full.
  proto::Status install(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);
  [[nodiscard]] bool install_sent() const { return install_sent_; }
  /// New peer and exits of an installed flow.
  proto::Status set_peer(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);

  /// DTLS timers.
  void advance(std::uint64_t now_ns);
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

  proto::Status reserve();
  /// Whom the open flow's handshake is expected from: weir-media resolves that next hop before our first datagram needs
  /// it, and keeps part of the punt rate for that source.
  void tell_peer(const proto::Endpoint& signalled);
  void on_opened(const proto::Status& status, std::uint64_t now_ns);
  void on_dtls_secured(const DtlsSecured& secured, std::uint64_t now_ns);

  DataplaneClient& client_;
  Place place_;
  Callbacks callbacks_;
  std::optional<proto::FlowId> flow_;
  std::unique_ptr<DtlsEndpoint> dtls_;
  std::optional<Start> start_;  ///< waits for the flow to be open
  std::optional<DtlsSecured> secured_;
  bool opened_ = false;
  bool dtls_started_ = false;
  bool install_sent_ = false;
  std::uint64_t now_ns_ = 0;
};

}  // namespace weir::controlplane
