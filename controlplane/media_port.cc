#include "controlplane/media_port.h"

#include <utility>

#include "proto/assert.h"
#include "proto/demux.h"

namespace weir::controlplane {

MediaPort::MediaPort(DataplaneClient& client, const Place& place, Callbacks callbacks)
    : client_(client), place_(place), callbacks_(std::move(callbacks)) {}

MediaPort::~MediaPort() {
  close(now_ns_);
}

proto::Status MediaPort::reserve() {
  if (flow_) return proto::success();
  const proto::Result<proto::FlowId> flow = client_.reserve(place_.local_port, *this);
  if (!flow) return proto::Error{flow.error()};
  flow_ = *flow;
  return proto::success();
}

proto::Status MediaPort::open_dtls(DtlsContext& context, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (dtls_ != nullptr) return proto::success();
  if (proto::Status status = reserve(); !status) return status;
  proto::FlowSpec spec{};
  spec.cookie = place_.cookie;
  spec.network = place_.network;
  spec.local_port = place_.local_port;
  spec.punts = proto::kPuntDtls;
  spec.source_policy = proto::SourcePolicy::kLatch;  // the peer may speak before its SDP, and from behind a NAT
  spec.punts_per_s_max = place_.punts_per_s_max;
  proto::Status sent =
      client_.open(*flow_, spec, now_ns, [this](const proto::Status& status) { on_opened(status, now_ns_); });
  if (!sent) return sent;
  dtls_ = std::make_unique<DtlsEndpoint>(
      context, DtlsEndpoint::Callbacks{
                   // A full ring loses the datagram, as a network would: DTLS sends it again.
                   .send =
                       [this](const proto::Endpoint& destination, proto::Bytes datagram) {
                         if (flow_) static_cast<void>(client_.inject(*flow_, destination, datagram));
                       },
                   .secured = [this](const DtlsSecured& secured, std::uint64_t at) { on_dtls_secured(secured, at); },
                   .failed = [this](const std::string& reason, std::uint64_t at) { callbacks_.failed(reason, at); }});
  dtls_->listen();
  return sent;
}

void MediaPort::start_dtls(sip::DtlsRole role, const proto::Endpoint& signalled, std::vector<sip::Fingerprint> promised,
                           std::uint64_t now_ns) {
  WEIR_ASSERT(dtls_ != nullptr && !dtls_started_);
  now_ns_ = now_ns;
  dtls_started_ = true;
  start_ = Start{.role = role, .signalled = signalled, .promised = std::move(promised)};
  tell_peer(signalled);
  if (opened_) on_opened(proto::success(), now_ns);
}

void MediaPort::tell_peer(const proto::Endpoint& signalled) {
  if (!flow_ || signalled.port == 0) return;
  proto::FlowSpec spec{};
  spec.peer = signalled;
  // A full ring costs no more than the head start.
  static_cast<void>(client_.set_peer(*flow_, spec, now_ns_, [](const proto::Status&) {}));
}

void MediaPort::on_opened(const proto::Status& status, std::uint64_t now_ns) {
  if (!status) {
    callbacks_.failed("a media port cannot be opened: " + status.error(), now_ns);
    return;
  }
  opened_ = true;
  if (!start_) return;
  const Start start = *std::exchange(start_, std::nullopt);
  dtls_->start(start.role, start.signalled, start.promised, now_ns);
}

void MediaPort::on_dtls_secured(const DtlsSecured& secured, std::uint64_t now_ns) {
  if (!flow_) return;  // closed meanwhile
  secured_ = secured;
  callbacks_.secured(now_ns);
}

proto::Status MediaPort::install(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done) {
  now_ns_ = now_ns;
  if (proto::Status status = reserve(); !status) return status;
  proto::Status sent = client_.install(*flow_, spec, now_ns, std::move(done));
  install_sent_ = sent.ok();
  return sent;
}

proto::Status MediaPort::set_peer(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done) {
  now_ns_ = now_ns;
  WEIR_ASSERT(install_sent_);
  return client_.set_peer(*flow_, spec, now_ns, std::move(done));
}

void MediaPort::advance(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (flow_ && dtls_ != nullptr) dtls_->advance(now_ns);
}

void MediaPort::close(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (flow_) client_.remove(*std::exchange(flow_, std::nullopt), now_ns);
  start_.reset();
  secured_.reset();  // wipes the keys
  install_sent_ = false;
  // The endpoint stays: this may be one of its callbacks. Without the flow it hears and says nothing.
}

void MediaPort::on_flow_event(const proto::Event& event, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  callbacks_.event(event, now_ns);
}

void MediaPort::on_punt(const proto::Punt& punt, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  const proto::Bytes datagram(punt.data, punt.bytes);
  if (dtls_ == nullptr || proto::classify(datagram) != proto::PacketKind::kDtls) return;
  proto::Endpoint source = punt.source;
  source.reserved = 0;  // compared as a whole
  dtls_->receive(source, datagram, now_ns);
}

}  // namespace weir::controlplane
