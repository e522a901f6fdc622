#include "controlplane/register_relay.h"

#include <algorithm>
#include <array>

#include "controlplane/call_control.h"
#include "controlplane/delivery.h"
#include "controlplane/leg.h"
#include "controlplane/places.h"
#include "controlplane/trunks.h"
#include "sip/limits.h"
#include "sip/retry_after.h"
#include "sip/text.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

namespace {

/// What crosses of the request, beside what every request has. Credentials are the party's and the registrar's.
constexpr std::array kRequestHeaders{HeaderId::kContact,
                                     HeaderId::kExpires,
                                     HeaderId::kAuthorization,
                                     HeaderId::kRequire,
                                     HeaderId::kProxyAuthorization,
                                     HeaderId::kAllow,
                                     HeaderId::kUserAgent,
                                     HeaderId::kPrivacy,
                                     HeaderId::kPAccessNetworkInfo};
/// And of the response.
constexpr std::array kResponseHeaders{HeaderId::kContact,
                                      HeaderId::kExpires,
                                      HeaderId::kMinExpires,
                                      HeaderId::kWwwAuthenticate,
                                      HeaderId::kPath,
                                      HeaderId::kServiceRoute,
                                      HeaderId::kProxyAuthenticate,
                                      HeaderId::kAuthenticationInfo,
                                      HeaderId::kSupported,
                                      HeaderId::kRequire,
                                      HeaderId::kUnsupported,
                                      HeaderId::kDate,
                                      HeaderId::kRetryAfter,
                                      HeaderId::kWarning,
                                      HeaderId::kReason};
constexpr std::array<std::string_view, 2> kResponseNames{"P-Associated-URI", "Flow-Timer"};

template <typename Ids>
void copy_headers(const Message& from, Message& to, const Ids& ids) {
  for (std::size_t i = 0; i < from.header_count(); ++i) {
    const sip::HeaderView header = from.header_at(i);
    if (std::find(ids.begin(), ids.end(), header.id) != ids.end()) to.add_header(header.id, header.value);
  }
}

}  // namespace

/// One REGISTER on its way. Owned by RegisterRelays, which keeps it until it is answered.
class RelayedRegister : private DeliveryOwner {
 public:
  RelayedRegister(CallContext& context, CallControl& control, RegisterRelays& home, std::uint64_t number,
                  sip::TransactionId id, const Message& request, RelayTerms terms, Destination destination)
      : context_(context),
        control_(control),
        home_(home),
        number_(number),
        id_(id),
        request_(request),
        terms_(std::move(terms)),
        delivery_(context, control, *this, std::move(destination)) {}

  void start() { delivery_.start(); }

 private:
  Message make_request(const Path& way, const Target& target) override;
  void on_delivered(const Delivered& delivered) override;
  void on_undelivered(const EndCause& cause, const Message* response) override;
  [[nodiscard]] std::string path_by(const Path& way) const;
  void answer(const Message& response);

  CallContext& context_;
  CallControl& control_;
  RegisterRelays& home_;
  std::uint64_t number_;
  sip::TransactionId id_;
  Message request_;
  RelayTerms terms_;
  Delivery delivery_;
};

/// RFC 5626 section 5.1: the first hop after the party says `ob`.
std::string RelayedRegister::path_by(const Path& way) const {
  sip::NameAddr path = Leg(Side::kCallee, way).contact();
  path.uri.user = terms_.token;
  path.uri.parameters.set("lr");
  path.uri.parameters.set("ob");
  return sip::write(path);
}

/// The Request-URI stays what it was: the credentials are for it.
Message RelayedRegister::make_request(const Path& way, const Target&) {
  Message out = Message::request("REGISTER", request_.request_uri_text());
  out.add_header(HeaderId::kVia, sip::write(Leg(Side::kCallee, way).make_via(context_.tokens)));
  const std::uint32_t hops = request_.max_forwards().value_or(sip::kMaxForwardsInitial);
  out.add_header(HeaderId::kMaxForwards, std::to_string(hops - 1));
  for (const HeaderId id : {HeaderId::kFrom, HeaderId::kTo, HeaderId::kCallId, HeaderId::kCSeq}) {
    out.add_header(id, request_.header(id).value_or(""));
  }
  copy_headers(request_, out, kRequestHeaders);
  out.add_header(HeaderId::kPath, path_by(way));
  copy_headers(request_, out, std::array{HeaderId::kPath, HeaderId::kSupported});
  if (!request_.lists(HeaderId::kSupported, "path")) out.add_header(HeaderId::kSupported, "path");
  return out;
}

void RelayedRegister::on_delivered(const Delivered& delivered) {
  home_.note(terms_.trunk, delivered.way.hop.remote.address);
  answer(delivered.response);
}

void RelayedRegister::on_undelivered(const EndCause& cause, const Message* response) {
  if (response != nullptr) return answer(*response);
  terms_.done(nullptr);
  control_.answer(id_, request_, cause.status == 408 ? 504 : 503, cause.text);
  home_.bury_later(number_);
}

void RelayedRegister::answer(const Message& response) {
  terms_.done(&response);
  Message out = sip::make_response(request_, response.status(), response.reason(), response.to_tag());
  copy_headers(response, out, kResponseHeaders);
  for (const std::string_view name : kResponseNames) {
    if (const auto value = response.header(name)) out.add_header(name, *value);
  }
  const bool outbound = response.status() < 300 && response.lists(HeaderId::kRequire, "outbound");
  if (outbound && !terms_.flow_timer.empty() && !response.header("Flow-Timer")) {
    out.add_header("Flow-Timer", terms_.flow_timer);
  }
  out.add_header(HeaderId::kServer, kSoftware);
  control_.respond(id_, out);
  home_.bury_later(number_);
}

RegisterRelays::RegisterRelays(CallContext& context, CallControl& control) : context_(context), control_(control) {}

RegisterRelays::~RegisterRelays() = default;

void RegisterRelays::relay(sip::TransactionId id, const Message& request, RelayTerms terms) {
  if (context_.trunks == nullptr) return control_.answer(id, request, 503, "there are no trunks");
  if (request.max_forwards() == 0) return control_.answer(id, request, 483, "");
  std::variant<std::vector<Target>, Refusal> found = context_.trunks->targets(terms.trunk, "", false);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return control_.answer(id, request, 503, refusal->reason);
  Destination destination;
  destination.targets = std::move(std::get<0>(found));
  // Not the trunk's members any more: its credentials are ours, and what is asked for is the party's.
  for (Target& target : destination.targets) target.member.reset();
  const auto trunk = std::find_if(context_.settings.trunks.begin(), context_.settings.trunks.end(),
                                  [&](const auto& one) { return one.name == terms.trunk; });
  if (trunk != context_.settings.trunks.end()) {
    destination.to_realm = context_.settings.realm_index(trunk->realm).value_or(0);
  }
  auto relayed = std::make_unique<RelayedRegister>(context_, control_, *this, ++number_last_, id, request,
                                                   std::move(terms), std::move(destination));
  relayed_.emplace(number_last_, std::move(relayed)).first->second->start();
}

bool RegisterRelays::is_upstream(std::string_view trunk, const proto::IpAddress& address) const {
  for (const proto::settings::TrunkSettings& one : context_.settings.trunks) {
    if (one.name != trunk) continue;
    for (const proto::settings::TrunkTarget& target : one.targets) {
      const std::optional<sip::Uri> uri = sip::parse_uri(target.uri);
      const auto host = uri ? proto::parse_ip_address(uri->host) : proto::Result<proto::IpAddress>{proto::Error{""}};
      if (host && *host == address) return true;
    }
  }
  return known_.contains({std::string(trunk), proto::to_string(address)});
}

void RegisterRelays::note(const std::string& trunk, const proto::IpAddress& address) {
  if (known_.size() >= kKnownMax) known_.erase(known_.begin());
  known_.emplace(trunk, proto::to_string(address));
}

void RegisterRelays::bury() {
  for (const std::uint64_t number : dead_) relayed_.erase(number);
  dead_.clear();
}

}  // namespace weir::controlplane
