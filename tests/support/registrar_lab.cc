#include "tests/support/registrar_lab.h"

#include <gtest/gtest.h>

#include <fstream>

#include "controlplane/digest_response.h"
#include "proto/assert.h"
#include "sip/digest.h"
#include "sip/parse.h"
#include "sip/write.h"

namespace weir::tests {

using controlplane::Path;
using sip::HeaderId;

namespace {

bool is_host(const proto::Endpoint& there) {
  const std::string text = proto::to_string(there.address);
  return !text.starts_with("127.") && !text.starts_with("224.") && text != "198.18.1.1" && text != "255.255.255.255";
}

}  // namespace

RegistrarLab::RegistrarLab(const std::function<void(proto::settings::Settings&)>& adjust) {
  phone = {kCallers, {proto::parse_ip_address("198.18.1.2").value(), 0, 5062}, sip::Reliability::kUnreliable};
  settings.realms.resize(2);
  settings.realms[kCallers].name = "callers";
  settings.realms[kCallers].registrar.domains = {"example.com", "198.18.1.1"};
  settings.realms[kCallees].name = "callees";
  settings.registrar.users = directory_.path() + "/users.toml";
  std::ofstream(settings.registrar.users) << R"(
[[user]]
name = "alice"
domain = "example.com"
password = "wonderland"
may_register = ["alice", "+441632960123"]
[[user]]
name = "bob"
domain = "example.com"
password = "builder"
)";
  if (adjust) adjust(settings);
  if (settings.registrar.store == "here") settings.registrar.store = directory_.path() + "/r.db";
  start();
}

void RegistrarLab::start() {
  auto made = controlplane::Registrar::create(
      {.settings = settings,
       .paths = paths_,
       .may_be_sent_to = is_host,
       .respond = [this](sip::TransactionId id,
                         const sip::Message& response) { calls_.control().respond(id, response); },
       .tokens = [this] { return "lab" + std::to_string(++branch_last_); },
       .unix_time_s = [this] { return unix_time_s; }},
      calls_.now_ns);
  WEIR_ASSERT(made.ok());
  registrar_ = std::move(made).value();
  calls_.control().set_handler(sip::Method::kRegister, *registrar_);
}

void RegistrarLab::restart() {
  registrar_.reset();
  start();
}

void RegistrarLab::advance_s(std::uint64_t seconds) {
  calls_.advance(seconds * 1000);
  unix_time_s += static_cast<std::int64_t>(seconds);
  registrar_->on_tick(calls_.now_ns);
}

std::string RegistrarLab::write(RegisterText& text, const sip::Message* challenge, std::uint32_t nonce_count) {
  if (text.cseq == 0) text.cseq = cseq_last_ + 1;
  cseq_last_ = text.cseq;
  const std::string aor = text.to.empty() ? "sip:" + text.user + "@example.com" : text.to;
  const std::string cseq = std::to_string(text.cseq);
  std::string out = "REGISTER " + text.uri + " SIP/2.0\r\n";
  out += "Via: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKr" + std::to_string(++branch_last_) + ";rport\r\n";
  if (!text.via_below.empty()) out += "Via: " + text.via_below + "\r\n";
  out += "Max-Forwards: 70\r\nFrom: <" + aor + ">;tag=f\r\nTo: <" + aor + ">\r\n";
  out += "Call-ID: " + text.call_id + "\r\nCSeq: " + cseq + " REGISTER\r\nUser-Agent: lab phone\r\n" + text.headers;
  for (const std::string& contact : text.contacts) out += "Contact: " + contact + "\r\n";
  if (challenge != nullptr) {
    const auto challenges = sip::digest_challenges(*challenge, HeaderId::kWwwAuthenticate);
    const sip::DigestChallenge* const chosen = controlplane::answerable(challenges);
    WEIR_ASSERT(chosen != nullptr);
    out += "Authorization: " +
           sip::write(controlplane::answer_challenge(*chosen, {text.name, text.password}, text.uri, {"REGISTER", ""},
                                                     "cnonce", nonce_count)) +
           "\r\n";
  }
  return out + "Content-Length: 0\r\n\r\n";
}

std::optional<sip::Message> RegistrarLab::deliver(const std::string& bytes, const sip::Hop& hop) {
  registrar_->on_tick(calls_.now_ns);
  sip::ParseResult parsed = sip::parse_message(bytes);
  WEIR_ASSERT(parsed.ok());
  calls_.control().on_message(calls_.now_ns, std::move(parsed.message()), hop);
  if (calls_.silent(kCallers)) return std::nullopt;
  sip::Message answer = calls_.next(kCallers);
  EXPECT_TRUE(calls_.silent(kCallers)) << "more than one answer";
  return answer;
}

sip::Message RegistrarLab::ask(RegisterText text) {
  return deliver(write(text, nullptr), phone).value();
}

sip::Message RegistrarLab::register_with(RegisterText text) {
  const sip::Message challenge = ask(text);
  if (challenge.status() != 401) return challenge;
  if (text.cseq != 0) ++text.cseq;
  return deliver(write(text, &challenge), phone).value();
}

std::vector<std::string> RegistrarLab::contacts_of(const sip::Message& response) {
  std::vector<std::string> list;
  for (const sip::NameAddr& contact : response.name_addrs(HeaderId::kContact)) {
    list.push_back(sip::write(contact.uri) + " " + std::string(contact.parameters.value("expires").value_or("-")));
  }
  return list;
}

std::optional<Path> RegistrarLab::Paths::arrival(const sip::Hop& hop) const {
  return lab.connection_gone ? std::nullopt : static_cast<const controlplane::PathFinder&>(lab.calls_).arrival(hop);
}

std::optional<Path> RegistrarLab::Paths::towards(std::uint32_t realm, const sip::Uri& uri, const Path* like) {
  return static_cast<controlplane::PathFinder&>(lab.calls_).towards(realm, uri, like);
}

}  // namespace weir::tests
