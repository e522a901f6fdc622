#include "controlplane/locator.h"

#include <algorithm>
#include <memory>

#include "controlplane/places.h"
#include "sip/hop.h"
#include "sip/text.h"

namespace weir::controlplane {

using proto::settings::SipTransport;

std::optional<SipTransport> transport_of(const sip::Uri& uri, SipTransport otherwise) {
  const bool secure = uri.scheme == sip::Scheme::kSips;
  if (!uri.is_sip()) return std::nullopt;
  const std::optional<std::string_view> asked = uri.transport();
  if (!asked) return secure ? SipTransport::kTls : otherwise;
  // RFC 3261 section 26.2.2: a sips URI's transport=tcp is TLS over TCP; transport=tls is how everybody writes it.
  if (sip::equals_without_case(*asked, "tls")) return SipTransport::kTls;
  if (sip::equals_without_case(*asked, "tcp")) return secure ? SipTransport::kTls : SipTransport::kTcp;
  if (sip::equals_without_case(*asked, "udp") && !secure) return SipTransport::kUdp;
  return std::nullopt;
}

namespace {

/// A name with SRV records: of a NAPTR record, or as RFC 3263 section 4.1 makes it up.
struct Service {
  SipTransport transport;
  std::string name;
};

struct Server {
  std::string name;
  std::uint16_t port;
};

/// What browsers call themselves: names that nobody may look up (RFC 6761 section 6.4, RFC 7118 section 5).
bool is_nowhere(std::string_view name) {
  return name == "invalid" || name.ends_with(".invalid");
}

std::uint16_t default_port(SipTransport transport) {
  return transport == SipTransport::kTls ? sip::kSipsPort : sip::kSipPort;
}

/// RFC 3263 section 4.1, RFC 3261 section 19.1.2.
std::string service_name(SipTransport transport, const std::string& host) {
  switch (transport) {
    case SipTransport::kUdp:
      return "_sip._udp." + host;
    case SipTransport::kTcp:
      return "_sip._tcp." + host;
    case SipTransport::kTls:
      return "_sips._tcp." + host;
    case SipTransport::kWs:
    case SipTransport::kWss:
      break;  // nobody is called by opening a WebSocket (RFC 7118 section 5)
  }
  return {};
}

std::optional<SipTransport> transport_of_naptr(std::string_view service) {
  if (sip::equals_without_case(service, "SIP+D2U")) return SipTransport::kUdp;
  if (sip::equals_without_case(service, "SIP+D2T")) return SipTransport::kTcp;
  if (sip::equals_without_case(service, "SIPS+D2T")) return SipTransport::kTls;
  return std::nullopt;
}

/// One URI's way through the DNS. Kept alive by the questions it has asked.
class Search : public std::enable_shared_from_this<Search> {
 public:
  Search(Resolver& resolver, const Chance& draw, std::vector<Exit> exits, Locator::Found found)
      : resolver_(resolver), draw_(draw), exits_(std::move(exits)), found_(std::move(found)) {}

  void begin(const sip::Uri& uri);

 private:
  [[nodiscard]] bool can_use(SipTransport transport) const;
  void on_naptr(const DnsAnswer& answer);
  void ask_next_service();
  void on_srv(const Service& service, const DnsAnswer& answer);
  void ask_addresses(SipTransport transport, const std::vector<Server>& servers);
  void on_addresses_complete();
  void finish() { found_(std::move(targets_)); }

  Resolver& resolver_;
  Chance draw_;
  std::vector<Exit> exits_;
  Locator::Found found_;
  std::string host_;
  bool secure_ = false;
  SipTransport otherwise_ = SipTransport::kUdp;  ///< if the DNS says nothing of transports
  bool by_default_ = false;                      ///< nor does the URI
  bool named_by_naptr_ = false;
  bool refused_ = false;                           ///< an SRV record said that there is decidedly no such service
  std::vector<Service> services_;                  ///< the next one last
  std::vector<std::vector<ServerAddress>> slots_;  ///< by question for addresses, in the order they are tried
  std::size_t unanswered_ = 0;
  std::vector<ServerAddress> targets_;
};

void Search::begin(const sip::Uri& uri) {
  // A way that was not asked for by name is UDP's, or for sips TLS.
  secure_ = uri.scheme == sip::Scheme::kSips;
  by_default_ = !secure_ && !uri.transport();
  const std::optional<SipTransport> transport = transport_of(uri, SipTransport::kUdp);
  if (!transport) return finish();
  otherwise_ = *transport;
  const std::string target(uri.parameters.value("maddr").value_or(uri.host));
  const std::uint16_t port = uri.port.value_or(default_port(otherwise_));
  const std::string_view literal = target.starts_with('[') && target.ends_with(']')
                                       ? std::string_view(target).substr(1, target.size() - 2)
                                       : std::string_view(target);
  if (const proto::Result<proto::IpAddress> address = proto::parse_ip_address(literal)) {
    targets_ = {{otherwise_, {*address, 0, port}, by_default_}};
    return finish();
  }
  const std::optional<std::string> name = dns_name(target);
  if (!name || is_nowhere(*name)) return finish();
  host_ = *name;
  if (uri.port) return ask_addresses(otherwise_, {{host_, port}});
  if (uri.transport()) {
    services_ = {{otherwise_, service_name(otherwise_, host_)}};
    return ask_next_service();
  }
  resolver_.query(host_, DnsType::kNaptr,
                  [self = shared_from_this()](const DnsAnswer& answer) { self->on_naptr(answer); });
}

bool Search::can_use(SipTransport transport) const {
  if (secure_ && transport != SipTransport::kTls) return false;
  return std::any_of(exits_.begin(), exits_.end(), [&](const Exit& exit) { return exit.transport == transport; });
}

void Search::on_naptr(const DnsAnswer& answer) {
  if (answer.status == DnsStatus::kFailed) return finish();
  std::vector<NaptrRecord> records = answer.naptr;
  std::stable_sort(records.begin(), records.end(), [](const NaptrRecord& a, const NaptrRecord& b) {
    return std::pair(a.order, a.preference) < std::pair(b.order, b.preference);
  });
  for (const NaptrRecord& record : records) {
    const std::optional<SipTransport> transport = transport_of_naptr(record.service);
    const std::optional<std::string> name = dns_name(record.replacement);
    const bool leads_to_srv = sip::equals_without_case(record.flags, "s") && !record.has_regexp && name;
    if (!leads_to_srv || !transport || !can_use(*transport)) continue;
    if (services_.size() < Locator::kServicesMax) services_.push_back({*transport, *name});
  }
  named_by_naptr_ = !services_.empty();
  if (services_.empty()) {
    for (const SipTransport transport : {SipTransport::kUdp, SipTransport::kTcp, SipTransport::kTls}) {
      if (can_use(transport)) services_.push_back({transport, service_name(transport, host_)});
    }
  }
  std::reverse(services_.begin(), services_.end());
  ask_next_service();
}

void Search::ask_next_service() {
  if (services_.empty()) {
    // Section 4.2: no SRV records, then addresses and the default port; but not where somebody said "not here".
    if (named_by_naptr_ || refused_) return finish();
    return ask_addresses(otherwise_, {{host_, default_port(otherwise_)}});
  }
  const Service service = services_.back();
  services_.pop_back();
  resolver_.query(service.name, DnsType::kSrv,
                  [self = shared_from_this(), service](const DnsAnswer& answer) { self->on_srv(service, answer); });
}

void Search::on_srv(const Service& service, const DnsAnswer& answer) {
  if (answer.status == DnsStatus::kFailed) return finish();
  std::vector<Server> servers;
  for (const SrvRecord& record : order_srv(answer.srv, draw_)) {
    const std::optional<std::string> name = dns_name(record.target);
    if (name && servers.size() < Locator::kServersMax) servers.push_back({*name, record.port});
    refused_ = refused_ || record.target.empty();
  }
  if (servers.empty()) return ask_next_service();
  by_default_ = false;
  ask_addresses(service.transport, servers);
}

void Search::ask_addresses(SipTransport transport, const std::vector<Server>& servers) {
  struct Question {
    std::string name;
    DnsType type;
  };
  std::vector<Question> questions;
  slots_.clear();
  std::vector<std::uint16_t> ports;
  for (const Server& server : servers) {
    for (const Exit& exit : exits_) {
      if (exit.transport != transport) continue;
      questions.push_back({server.name, exit.family == proto::Family::kIpv4 ? DnsType::kA : DnsType::kAaaa});
      ports.push_back(server.port);
    }
  }
  slots_.resize(questions.size());
  unanswered_ = questions.size();
  if (questions.empty()) return finish();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    resolver_.query(questions[i].name, questions[i].type,
                    [self = shared_from_this(), i, transport, port = ports[i]](const DnsAnswer& answer) {
                      for (const proto::IpAddress& address : answer.addresses) {
                        self->slots_[i].push_back({transport, {address, 0, port}, self->by_default_});
                      }
                      if (--self->unanswered_ == 0) self->on_addresses_complete();
                    });
  }
}

void Search::on_addresses_complete() {
  for (const std::vector<ServerAddress>& slot : slots_) {
    for (const ServerAddress& target : slot) {
      if (targets_.size() < Locator::kTargetsMax) targets_.push_back(target);
    }
  }
  if (targets_.empty() && !services_.empty()) return ask_next_service();
  finish();
}

}  // namespace

void Locator::locate(const sip::Uri& uri, std::vector<Exit> exits, Found found) {
  std::make_shared<Search>(resolver_, draw_, std::move(exits), std::move(found))->begin(uri);
}

}  // namespace weir::controlplane
