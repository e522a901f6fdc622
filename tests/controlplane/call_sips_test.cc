// Calls to SIPS URIs: by secured transports on both sides, or not at all; no branch and no transfer goes below that.
// RFC 5630, RFC 3261 section 26.2.2.
#include <gtest/gtest.h>

#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using proto::settings::Sips;
using proto::settings::SipTransport;
using sip::HeaderId;

constexpr const char* kRoutes = R"(
[[route]]
realm = "callers"
match = '^sips?:bob@.*'
registrar = true
to_realm = "callees"
[[route]]
realm = "callees"
match = '^sips?:(carol)@.*'
target = 'sip:\1@198.18.2.3:5070'
to_realm = "callees"
)";

class CallSips : public testing::Test {
 protected:
  /// bob's contact; with a connection of bob's, by that.
  void registers(const char* uri, std::optional<SipTransport> connection) {
    controlplane::Target target{sip::parse_uri(uri).value(), {}, std::nullopt};
    if (connection) {
      controlplane::Path way;
      way.hop = lab.connect(kCallees, *connection);
      way.realm = kCallees;
      way.transport = *connection;
      way.local = {proto::parse_ip_address("198.18.2.1").value(), 0, 5061};
      target.flow = way;
    }
    lab.registered.push_back(std::move(target));
  }
  void call(const std::string& uri) {
    RequestText request;
    request.uri = uri;
    request.headers = "Contact: <sips:alice@198.18.1.2:5062>\r\n";
    request.body = plain_sdp("198.18.1.2", 40000);
    lab.caller_sends(request);
  }
  void established() {
    lab.callee_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*lab.callee_invite, 200, plain_sdp("198.18.2.2", 50000));
    (void)lab.expect(kCallees, "ACK");
    lab.answer = lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 1));
  }

  CallLab lab{kRoutes, "", "registrar = { domain = \"example.com\", auth = false }\n"};
};

TEST_F(CallSips, ItGoesOnAsSipsOverTlsAndContactsSaySoOnBothSides) {
  lab.connect(kCallers, SipTransport::kTls);
  registers("sip:bob@198.18.2.2:5070;transport=tls", SipTransport::kTls);
  call("sips:bob@198.18.1.1");
  established();
  EXPECT_TRUE(lab.callee_invite->request_uri_text().starts_with("sips:bob@"));
  EXPECT_TRUE(lab.callee_invite->header(HeaderId::kTo)->starts_with("<sips:"));
  const std::string contact(lab.callee_invite->header(HeaderId::kContact).value());
  EXPECT_TRUE(contact.starts_with("<sips:weir@198.18.2.1")) << contact;
  EXPECT_EQ(contact.find("transport"), std::string::npos) << "deprecated in SIPS URIs";
  EXPECT_TRUE(lab.answer->header(HeaderId::kContact)->starts_with("<sips:weir@198.18.1.1"));
  EXPECT_TRUE(lab.answer->header(HeaderId::kContact)->find("transport") == std::string_view::npos);
}

TEST_F(CallSips, WhatBelongsToItComesBySecuredTransportsButForItsEnd) {
  lab.connect(kCallers, SipTransport::kTls);
  registers("sip:bob@198.18.2.2:5070;transport=tls", SipTransport::kTls);
  call("sips:bob@198.18.1.1");
  established();
  lab.connect(kCallers, SipTransport::kTcp);
  RequestText again = lab.in_dialog("INVITE", 2);
  again.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(again);
  const sip::Message refused = lab.expect(kCallers, "403");
  EXPECT_EQ(refused.body(), "");
  lab.caller_sends(lab.in_dialog("BYE", 3));
  (void)lab.expect(kCallers, "200");
}

TEST_F(CallSips, WhereNoSecuredWayLeadsItIsRefusedAndNobodyIsAsked) {
  lab.connect(kCallers, SipTransport::kTls);
  registers("sip:bob@198.18.2.2:5070", std::nullopt);
  registers("sip:bob@198.18.2.2:5070", SipTransport::kTcp);
  registers("sip:bob@198.18.2.2:5070", SipTransport::kWs);
  call("sips:bob@198.18.1.1");
  (void)lab.expect(kCallers, "480");
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST_F(CallSips, OfSeveralContactsOnlyTheSecuredOnesAreAsked) {
  lab.connect(kCallers, SipTransport::kTls);
  registers("sip:bob@198.18.2.3:5070", std::nullopt);
  registers("sip:bob@bob.invalid;transport=ws", SipTransport::kWss);
  call("sips:bob@198.18.1.1");
  established();
  EXPECT_EQ(lab.callee_invite->request_uri()->host, "bob.invalid");
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST_F(CallSips, ARealmThatRequiresItTakesNothingElse) {
  lab.settings().realms[kCallers].policy.sips = Sips::kRequire;
  const std::tuple<const char*, std::optional<SipTransport>, const char*> rows[] = {
      {"sip:bob@198.18.1.1", std::nullopt, "403"},
      {"sips:bob@198.18.1.1", std::nullopt, "403"},
      {"sip:bob@198.18.1.1", SipTransport::kTls, "403"},
      {"sips:bob@198.18.1.1", SipTransport::kTcp, "403"},
  };
  for (const auto& [uri, transport, status] : rows) {
    SCOPED_TRACE(uri);
    CallLab fresh(kRoutes, "", "registrar = { domain = \"example.com\", auth = false }\n");
    fresh.settings().realms[kCallers].policy.sips = Sips::kRequire;
    if (transport) fresh.connect(kCallers, *transport);
    RequestText request;
    request.uri = uri;
    request.body = plain_sdp("198.18.1.2", 40000);
    fresh.caller_sends(request);
    EXPECT_TRUE(fresh.expect(kCallers, status).has(HeaderId::kReason));
  }
  lab.connect(kCallers, SipTransport::kTls);
  registers("sip:bob@198.18.2.2:5070", SipTransport::kTls);
  call("sips:bob@198.18.1.1");
  established();
}

TEST_F(CallSips, WhatLeadsToARealmThatRequiresItIsMadeSips) {
  lab.settings().realms[kCallees].policy.sips = Sips::kRequire;
  registers("sip:bob@198.18.2.2:5070", SipTransport::kTls);
  call("sip:bob@198.18.1.1");
  established();
  EXPECT_TRUE(lab.callee_invite->request_uri_text().starts_with("sips:bob@"));
  EXPECT_TRUE(lab.answer->header(HeaderId::kContact)->starts_with("<sip:weir@")) << "the caller has asked for no SIPS";
}

/// Of alice's subscription to bob.
void notifies(CallLab& lab, const sip::Message& subscribe, std::uint32_t cseq) {
  lab.callee_sends(subscribe, "NOTIFY", cseq, "<presence/>", "callee",
                   "Event: presence\r\nSubscription-State: active\r\nContent-Type: application/pidf+xml\r\n");
}

TEST_F(CallSips, WhatBelongsToASubscriptionComesBySecuredTransportsToo) {
  lab.settings().realms[kCallers].policy.outside.subscriptions = true;
  lab.connect(kCallers, SipTransport::kTls);
  registers("sip:bob@198.18.2.2:5070;transport=tls", SipTransport::kTls);
  RequestText request;
  request.method = "SUBSCRIBE";
  request.uri = "sips:bob@198.18.1.1";
  request.headers = "Contact: <sips:alice@198.18.1.2:5062>\r\nEvent: presence\r\nExpires: 600\r\n";
  lab.caller_sends(request);
  const sip::Message subscribe = lab.expect(kCallees, "SUBSCRIBE");
  const sip::Hop by_tls = lab.party[kCallees];
  const sip::Hop by_tcp = lab.connect(kCallees, SipTransport::kTcp);
  notifies(lab, subscribe, 1);
  (void)lab.expect(kCallees, "403");
  EXPECT_TRUE(lab.silent(kCallers)) << "whoever knows the tag but came in clear is not the notifier";
  lab.party[kCallees] = by_tls;
  notifies(lab, subscribe, 2);
  lab.caller_answers(lab.expect(kCallers, "NOTIFY"), 200);
  (void)lab.expect(kCallees, "200");
  lab.party[kCallees] = by_tcp;
  notifies(lab, subscribe, 3);
  (void)lab.expect(kCallees, "403");
  lab.party[kCallees] = by_tls;
  lab.callee_answers(subscribe, 200, "", "callee", "Expires: 600\r\n");
  const std::string to_tag(lab.expect(kCallers, "200").to_tag());

  lab.connect(kCallers, SipTransport::kTcp);
  request.cseq = 2;
  request.branch = "z9hG4bKrefresh";
  request.to_tag = to_tag;
  lab.caller_sends(request);
  (void)lab.expect(kCallers, "403");
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST_F(CallSips, ATransferDoesNotLeadBelowIt) {
  lab.connect(kCallers, SipTransport::kTls);
  registers("sip:bob@198.18.2.2:5070", SipTransport::kTls);
  call("sips:bob@198.18.1.1");
  established();
  lab.callee_sends(*lab.callee_invite, "REFER", 1, "", "callee", "Refer-To: <sip:carol@198.18.2.1>\r\n");
  (void)lab.expect(kCallees, "202");
  std::string told;
  while (!lab.silent(kCallees)) {
    const sip::Message message = lab.next(kCallees);
    ASSERT_EQ(message.method(), sip::Method::kNotify) << "carol has no secured way";
    told = message.body();
  }
  EXPECT_TRUE(told.starts_with("SIP/2.0 480")) << told;
}

}  // namespace
}  // namespace weir::tests
