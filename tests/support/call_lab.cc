#include "tests/support/call_lab.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proto/assert.h"
#include "proto/source_disguise.h"
#include "sip/parse.h"
#include "sip/text.h"
#include "sip/write.h"

namespace weir::tests {

using controlplane::Path;

namespace {

constexpr std::string_view kConfiguration = R"(
[[network]]
name = "outside"
device = "net_null0"
address = "198.18.1.10/24"
ports = "20000-20999"
[[network]]
name = "inside"
device = "net_null1"
address = "198.18.2.10/24"
ports = "30000-30999"
[[realm]]
name = "callers"
network = "outside"
listen = ["udp:198.18.1.1:5060"]
[[realm]]
name = "callees"
network = "inside"
listen = ["udp:198.18.2.1:5060"]
[[route]]
realm = "callers"
match = '^sip:(rtp-(\d+))@.*'
target = 'sip:\1@198.18.2.2:\2'
to_realm = "callees"
[[route]]
realm = "callers"
match = '^sip:(dtls-(\d+))@.*'
target = 'sip:\1@198.18.2.2:\2'
to_realm = "callees"
media = "dtls"
[[route]]
realm = "callers"
match = '^sip:loop@.*'
target = 'sip:loop@nowhere.invalid'
to_realm = "callees"
[control]
)";

constexpr std::array<const char*, 2> kLocal = {"198.18.1.1", "198.18.2.1"};
constexpr std::array<const char*, 2> kParty = {"198.18.1.2", "198.18.2.2"};
constexpr std::array<std::uint16_t, 2> kPartyPort = {5062, 5070};

proto::Endpoint endpoint(const char* address, std::uint16_t port) {
  return {proto::parse_ip_address(address).value(), 0, port};
}

std::string sdp(const std::string& address, std::uint16_t port, const std::string& protocol,
                const std::string& attributes) {
  const std::string where = (address.find(':') == std::string::npos ? "IN IP4 " : "IN IP6 ") + address;
  return "v=0\r\no=party 1 1 " + where + "\r\ns=-\r\nc=" + where + "\r\nt=0 0\r\nm=audio " + std::to_string(port) +
         " " + protocol + " 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000" + "\r\n" + attributes;
}

}  // namespace

std::string plain_sdp(const std::string& address, std::uint16_t port, const std::string& attributes) {
  return sdp(address, port, "RTP/AVP", attributes);
}

std::string secured_sdp(const std::string& address, std::uint16_t port, const std::string& attributes) {
  return sdp(address, port, "UDP/TLS/RTP/SAVP", attributes);
}

std::string sdp_value(std::string_view body, const std::string& prefix) {
  const std::size_t at = body.find("\n" + prefix);
  if (at == std::string_view::npos) return "";
  const std::size_t start = at + 1 + prefix.size();
  return std::string(body.substr(start, body.find('\r', start) - start));
}

CallLab::CallLab(const std::string& control, const std::string& callers, const std::string& callees)
    : worker_(directory_.path()) {
  for (const std::uint32_t realm : {kCallers, kCallees}) {
    party[realm] = {realm, endpoint(kParty[realm], kPartyPort[realm]), sip::Reliability::kUnreliable};
  }
  std::string configuration = std::string(kConfiguration) + control;
  for (const auto& [listen, added] : {std::pair{"listen = [\"udp:198.18.1.1:5060\"]\n", &callers},
                                      std::pair{"listen = [\"udp:198.18.2.1:5060\"]\n", &callees}}) {
    configuration.insert(configuration.find(listen) + std::string_view(listen).size(), *added + "\n");
  }
  auto reading = proto::settings::read_settings(configuration);
  WEIR_ASSERT(reading.mistakes.empty());
  settings_ = std::move(reading.settings);
  token_source_ = [this] { return "token" + std::to_string(++tokens_); };
  controlplane::TargetSources sources;
  sources.trunks = [this](std::string_view trunk, std::string_view user, bool is_call) {
    return trunks_->targets(trunk, user, is_call);
  };
  sources.registrar = [this](std::uint32_t, std::string_view) { return registered; };
  policy_.emplace(controlplane::Policy::create(settings_, std::move(sources)).value());
  start();
}

sip::Hop CallLab::connect(std::uint32_t realm, proto::settings::SipTransport transport) {
  party[realm] = {++connection_last_, endpoint(kParty[realm], 40'000), sip::Reliability::kReliable};
  connections_[connection_last_] =
      Path{party[realm], realm, transport, endpoint(kLocal[realm], 8443), false, /*of_peer=*/true};
  return party[realm];
}

CallLab::~CallLab() {
  trunks_.reset();  // it withdraws from the control
}

void CallLab::start() {
  auto region = proto::Region::attach(directory_.path());
  WEIR_ASSERT(region.ok());
  region_.emplace(std::move(region).value());
  auto journal = controlplane::CallJournal::open(directory_.path() + "/calls.journal", 8);
  WEIR_ASSERT(journal.ok());
  journal_.emplace(std::move(journal).value());
  client_ = std::make_unique<controlplane::DataplaneClient>(*region_);
  auto media = controlplane::MediaEngine::create(*client_, settings_);
  WEIR_ASSERT(media.ok());
  media_ = std::move(media).value();
  control_ = std::make_unique<controlplane::CallControl>(settings_, *media_, *this, *policy_, *this, token_source_,
                                                         &*journal_);
  trunks_ = std::make_unique<controlplane::Trunks>(controlplane::TrunkPorts{
      .paths = *this,
      .send = [this](controlplane::Requester& requester, sip::Message request,
                     const sip::Hop& hop) { return control_->request(requester, std::move(request), hop); },
      .disown = [this](sip::TransactionId id) { control_->disown(id); },
      .tokens = token_source_,
      .chance = [](std::uint32_t) { return 0u; }});
  trunks_->set(controlplane::plan_trunks(settings_).value());
  control_->set_trunks(*trunks_);
  control_->set_recorder(recorder_);
}

void CallLab::restart() {
  // Calls that are destroyed say nothing to their parties, as when their process is killed; the journal keeps them.
  // weir-media does not hear of it either.
  settle();
  trunks_.reset();
  control_.reset();
  media_.reset();
  worker_.forget_commands();
  client_.reset();
  journal_.reset();
  region_.reset();
  connections_.clear();
  start();
}

bool CallLab::turned_away(std::uint32_t realm, std::string_view datagram, std::uint64_t waited_ns, bool newcomers) {
  return control_->turn_away(now_ns, datagram, party[realm],
                             {.ns = waited_ns, .socket = realm, .newcomers = newcomers});
}

void CallLab::deliver(std::uint32_t realm, std::string_view bytes) {
  sip::ParseResult parsed = sip::parse_message(bytes);
  const sip::Hop hop = party[realm];
  if (!parsed.ok()) {
    if (!parsed.error().silent()) {
      control_->on_malformed(now_ns, parsed.error(), hop);
    }
    return;
  }
  sip::Message message = std::move(parsed.message());
  if (message.is_request()) {
    sip::Via via = message.top_via().value();
    via.set_source(kParty[realm], kPartyPort[realm]);
    message.set_top_via(via);
  }
  control_->on_message(now_ns, std::move(message), hop);
  settle();
}

void CallLab::caller_sends(const RequestText& request) {
  std::string text = request.method + " " + request.uri + " SIP/2.0\r\n";
  text += "Via: SIP/2.0/UDP 198.18.1.2:5062;branch=" + request.branch + ";rport\r\n";
  text += "Max-Forwards: " + request.max_forwards + "\r\n";
  text += "From: \"Alice\" <sip:alice@198.18.1.2>;tag=alicetag\r\n";
  text += "To: <sip:rtp-5070@198.18.1.1>" + (request.to_tag.empty() ? "" : ";tag=" + request.to_tag) + "\r\n";
  text += "Call-ID: secret-call-id@198.18.1.2\r\n";
  text += "CSeq: " + std::to_string(request.cseq) + " " + request.method + "\r\n" + request.headers;
  if (!request.body.empty()) text += "Content-Type: " + request.content_type + "\r\n";
  text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
  deliver(kCallers, text);
}

void CallLab::caller_sends_bare(const std::string& method, std::string_view to_tag) {
  RequestText request;
  request.method = method;
  request.to_tag = to_tag;
  caller_sends(request);
}

void CallLab::callee_answers(const sip::Message& request, std::uint16_t status, const std::string& body,
                             const std::string& tag, const std::string& headers) {
  sip::Message response = sip::make_response(request, status, "", tag);
  response.add_header(sip::HeaderId::kContact, "<sip:bob@198.18.2.2:5070>");
  for (std::string_view rest = headers; !rest.empty();) {
    std::string_view line = sip::take_until(rest, '\n');
    const std::string_view name = sip::take_until(line, ':');
    response.add_header(name, line.substr(0, line.find('\r')));
  }
  if (!body.empty()) response.set_body(body, "application/sdp");
  deliver(kCallees, sip::write(response));
}

void CallLab::callee_sends(const sip::Message& invite, const std::string& method, std::uint32_t cseq,
                           const std::string& body, const std::string& tag, const std::string& headers) {
  std::string text = method + " sip:weir@198.18.2.1:5060 SIP/2.0\r\n";
  text += "Via: SIP/2.0/UDP 198.18.2.2:5070;branch=z9hG4bK" + tag + method + std::to_string(cseq) + ";rport\r\n";
  text +=
      "Max-Forwards: 70\r\nFrom: " + std::string(invite.header(sip::HeaderId::kTo).value()) + ";tag=" + tag + "\r\n";
  text += "To: " + std::string(invite.header(sip::HeaderId::kFrom).value()) + "\r\n";
  text += "Call-ID: " + std::string(invite.call_id()) + "\r\nCSeq: " + std::to_string(cseq) + " " + method + "\r\n";
  text += "Contact: <sip:bob@198.18.2.2:5070>\r\n" + headers;
  if (!body.empty() && headers.find("Content-Type") == std::string::npos) text += "Content-Type: application/sdp\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  deliver(kCallees, text);
}

void CallLab::caller_answers(const sip::Message& request, std::uint16_t status, const std::string& body) {
  sip::Message response = sip::make_response(request, status, "", "");
  response.add_header(sip::HeaderId::kContact, "<sip:alice@198.18.1.2:5062>");
  if (!body.empty()) response.set_body(body, "application/sdp");
  deliver(kCallers, sip::write(response));
}

std::uint8_t CallLab::hiding_at(std::uint16_t port) {
  const FakeWorker::Flow* const flow = worker_.flow_at(port);
  if (flow == nullptr) return 0xff;
  return flow->spec.rewrite.strips_extensions & (proto::kHidesSources | proto::kFindsSources);
}

sip::Message CallLab::next(std::uint32_t realm) {
  if (sent_[realm].empty()) {
    ADD_FAILURE() << "nothing was sent to realm " << realm;
    return sip::Message::response(999, "nothing was sent");
  }
  sip::Message message = std::move(sent_[realm].front().message);
  last_hop = sent_[realm].front().hop;
  sent_[realm].pop_front();
  return message;
}

sip::Message CallLab::expect(std::uint32_t realm, std::string_view what) {
  sip::Message message = next(realm);
  const std::string got = message.is_request() ? std::string(message.method_name()) : std::to_string(message.status());
  EXPECT_EQ(got, what) << sip::write(message);
  return message;
}

void CallLab::establish(const RequestText& invite, const std::string& sdp) {
  caller_sends(invite);
  callee_invite = expect(kCallees, "INVITE");
  callee_answers(*callee_invite, 200, sdp);
  (void)expect(kCallees, "ACK");
  answer = expect(kCallers, "200");
  caller_sends(in_dialog("ACK", 1));
}

void CallLab::establish() {
  RequestText invite;
  invite.body = plain_sdp("198.18.1.2", 40000);
  caller_sends(invite);
  callee_invite = expect(kCallees, "INVITE");
  callee_answers(*callee_invite, 180);
  (void)expect(kCallers, "180");
  callee_answers(*callee_invite, 200, plain_sdp("198.18.2.2", 50000));
  (void)expect(kCallees, "ACK");
  answer = expect(kCallers, "200");
  caller_sends(in_dialog("ACK", 1));
  EXPECT_EQ(worker_.installed(), 4u);
}

RequestText CallLab::in_dialog(const std::string& method, std::uint32_t cseq) const {
  RequestText request;
  request.method = method;
  request.uri = "sip:weir@198.18.1.1:5060";
  request.cseq = cseq;
  request.branch = "z9hG4bKin" + method + std::to_string(cseq);
  request.to_tag = std::string(answer->to_tag());
  return request;
}

void CallLab::settle() {
  for (bool busy = true; busy;) {
    worker_.run();
    busy = control_->on_tick(now_ns);
  }
}

void CallLab::advance(std::uint64_t milliseconds) {
  const std::uint64_t end_ns = now_ns + milliseconds * 1'000'000;
  while (now_ns < end_ns) {
    now_ns =
        std::min({end_ns, now_ns + 100'000'000, std::max(control_->next_deadline_ns().value_or(end_ns), now_ns + 1)});
    settle();
  }
}

bool CallLab::nothing_left() {
  advance(80'000);
  EXPECT_EQ(control_->calls(), 0u);
  EXPECT_TRUE(control_->idle());
  EXPECT_EQ(worker_.flows(), 0u);
  EXPECT_EQ(media_->ports().in_use(0), 0u);
  EXPECT_EQ(media_->ports().in_use(1), 0u);
  EXPECT_EQ(journal_->used(), 0u);
  return !testing::Test::HasFailure();
}

std::optional<Path> CallLab::arrival(const sip::Hop& hop) const {
  if (hop.reliability == sip::Reliability::kReliable) {
    const auto connection = connections_.find(hop.handle);
    return connection == connections_.end() ? std::nullopt : std::optional(connection->second);
  }
  const auto realm = static_cast<std::uint32_t>(hop.handle);
  return Path{hop, realm, proto::settings::SipTransport::kUdp, endpoint(kLocal[realm], 5060)};
}

std::optional<Path> CallLab::heir(const sip::Hop& hop) const {
  const std::optional<sip::Hop> heir = heirs.find(hop.handle);
  return heir ? arrival(*heir) : std::nullopt;
}

std::optional<Path> CallLab::left(std::uint32_t realm, proto::settings::SipTransport transport,
                                  const sip::Hop& hop) const {
  return Path{hop, realm, transport, endpoint(kLocal[realm], 8443), false, /*of_peer=*/true};
}

std::optional<Path> CallLab::towards(std::uint32_t realm, const sip::Uri& uri, const Path*) {
  const auto address = proto::parse_ip_address(uri.host);
  if (!address) return std::nullopt;
  const sip::Hop hop{realm, {*address, 0, uri.port.value_or(5060)}, sip::Reliability::kUnreliable};
  return arrival(hop);
}

bool CallLab::send(const sip::Hop& hop, std::string_view bytes) {
  sip::ParseResult parsed = sip::parse_message(bytes);
  EXPECT_TRUE(parsed.ok()) << "Weir sent what it would not take: " << bytes;
  const std::optional<Path> way = arrival(hop);
  if (!way) return false;
  if (parsed.ok()) sent_[way->realm].push_back({std::move(parsed.message()), hop});
  return true;
}

}  // namespace weir::tests
