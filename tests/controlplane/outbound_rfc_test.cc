// The registrations that RFC 5626 (section 9), RFC 7118 (section 8.1) and RFC 3327 (section 5.5.1) print, whole, as
// they reach the registrar. Nobody proves a password there, so nobody does here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "controlplane/registrar.h"
#include "sip/write.h"
#include "tests/support/registrar_lab.h"

namespace weir::controlplane {
namespace {

using sip::HeaderId;
using sip::Message;
using ::testing::ElementsAre;
using tests::kCallers;
using tests::RegistrarLab;

/// LF as CRLF, and the empty line.
std::string wire(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out + "\r\n";
}

constexpr std::string_view kPathOfEp1 = "<sip:VskztcQ/S8p4WPbOnHbuyh5iJvJIW3ib@ep1.example.com;lr;ob>";
constexpr std::string_view kPathOfEp2 = "<sip:wazHDLdIMtUg6r0I/oRZ15zx3zHE1w1Z@ep2.example.com;lr;ob>";
constexpr std::string_view kPathOfEp1Again = "<sip:3yJEbr1GYZK9cPYk5Snocez6DzO7w+AX@ep1.example.com;lr;ob>";

/// Messages 10, 14 and 39: Bob's messages 9, 13 and 38 as an edge proxy passes them on.
std::string of_bob(int reg_id, std::string_view tag, std::string_view call_id, int cseq, std::string_view path) {
  std::string text = "REGISTER sip:example.com SIP/2.0\n";
  text += "Via: SIP/2.0/TCP 192.0.2.15;branch=z9hG4bKnuiqisi" + std::to_string(reg_id * 10 + cseq) + "\n";
  text += "Via: SIP/2.0/TCP 192.0.2.2;branch=z9hG4bKnashds7\nMax-Forwards: 69\n";
  text += "From: Bob <sip:bob@example.com>;tag=" + std::string(tag) + "\nTo: Bob <sip:bob@example.com>\n";
  text += "Call-ID: " + std::string(call_id) + "\nCSeq: " + std::to_string(cseq) + " REGISTER\n";
  text += "Supported: path, outbound\n";
  if (!path.empty()) text += "Path: " + std::string(path) + "\n";
  text += "Contact: <sip:bob@192.0.2.2;transport=tcp>;reg-id=" + std::to_string(reg_id) +
          "\n ;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\"\nContent-Length: 0\n";
  return wire(text);
}

class OutboundRfc : public testing::Test {
 protected:
  static void open(proto::settings::Settings& settings) {
    settings.realms[kCallers].registrar.auth = false;
    settings.realms[kCallers].registrar.domains = {"example.com", "proxy.example.com", "examplehome.com",
                                                   "registrar.examplehome.com"};
  }
  Message answer_to(const std::string& request) {
    const std::optional<Message> answer = lab.deliver(request, way);
    EXPECT_TRUE(answer);
    return answer.value_or(Message());
  }
  Message through_ep1() { return answer_to(of_bob(1, "7F94778B653B", "16CB75F21C70", 1, kPathOfEp1)); }
  Message through_ep2() { return answer_to(of_bob(2, "755285EABDE2", "E05133BD26DD", 1, kPathOfEp2)); }
  static std::string parameter(const sip::NameAddr& contact, std::string_view name) {
    return std::string(contact.parameters.value(name).value_or("none"));
  }
  /// The Route of the INVITE that would follow the target.
  static std::string route(const Target& target) {
    return target.routes.size() == 1 ? "<" + sip::write(target.routes[0].uri) + ">" : "not one";
  }
  RegistrarLab lab{open};
  sip::Hop way = lab.calls().connect(kCallers, proto::settings::SipTransport::kTcp);  ///< from the edge proxies
};

TEST_F(OutboundRfc, Rfc5626Message11) {
  const Message answer = through_ep1();
  ASSERT_EQ(answer.status(), 200);
  EXPECT_TRUE(answer.lists(HeaderId::kRequire, "outbound")) << "the binding rules of section 6 were used";
  EXPECT_TRUE(answer.lists(HeaderId::kSupported, "path"));
  EXPECT_TRUE(answer.lists(HeaderId::kSupported, "outbound"));
  EXPECT_EQ(answer.header(HeaderId::kPath), kPathOfEp1);
  EXPECT_EQ(answer.values(HeaderId::kVia).size(), 2u);
  const auto contacts = answer.name_addrs(HeaderId::kContact);
  ASSERT_EQ(contacts.size(), 1u);
  EXPECT_EQ(sip::write(contacts[0].uri), "sip:bob@192.0.2.2;transport=tcp");
  EXPECT_EQ(parameter(contacts[0], "reg-id"), "1");
  EXPECT_EQ(parameter(contacts[0], "expires"), "3600");
  EXPECT_NE(parameter(contacts[0], "+sip.instance").find("<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"),
            std::string::npos);
}

TEST_F(OutboundRfc, Rfc5626Message16SaysBothFlowsAndThePathOfThisOne) {
  through_ep1();
  const Message answer = through_ep2();
  ASSERT_EQ(answer.status(), 200);
  EXPECT_TRUE(answer.lists(HeaderId::kRequire, "outbound"));
  EXPECT_EQ(answer.values(HeaderId::kPath), std::vector<std::string_view>{kPathOfEp2});
  const auto contacts = answer.name_addrs(HeaderId::kContact);
  ASSERT_EQ(contacts.size(), 2u) << "of one URI, but of two flows";
  EXPECT_EQ(parameter(contacts[0], "reg-id"), "1");
  EXPECT_EQ(parameter(contacts[1], "reg-id"), "2");
}

TEST_F(OutboundRfc, Rfc5626Section93ACallIsSentOverOneFlowAndHasTheOther) {
  through_ep1();
  lab.advance_s(1);
  through_ep2();
  const auto targets = lab.registrar().lookup(kCallers, "bob");
  ASSERT_EQ(targets.size(), 1u) << "one instance";
  EXPECT_EQ(sip::write(targets[0].uri), "sip:bob@192.0.2.2;transport=tcp") << "messages 22 and 24: the Request-URI";
  ASSERT_EQ(targets[0].other_flows.size(), 1u);
  EXPECT_THAT((std::vector<std::string>{route(targets[0]), route(targets[0].other_flows[0])}),
              testing::UnorderedElementsAre(kPathOfEp1, kPathOfEp2));
}

TEST_F(OutboundRfc, Rfc5626Section94ReRegistrationTakesTheFlowsPlace) {
  through_ep1();
  through_ep2();
  const Message answer = answer_to(of_bob(1, "7F94778B653B", "16CB75F21C70", 2, kPathOfEp1Again));
  ASSERT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.header(HeaderId::kPath), kPathOfEp1Again);
  EXPECT_EQ(answer.name_addrs(HeaderId::kContact).size(), 2u);
  const auto targets = lab.registrar().lookup(kCallers, "bob");
  ASSERT_EQ(targets.size(), 1u);
  ASSERT_EQ(targets[0].other_flows.size(), 1u);
  EXPECT_THAT((std::vector<std::string>{route(targets[0]), route(targets[0].other_flows[0])}),
              testing::UnorderedElementsAre(kPathOfEp1Again, kPathOfEp2));
}

TEST_F(OutboundRfc, Rfc5626Section6WithoutAPathThatSaysObTheFirstHopLacksIt) {
  EXPECT_EQ(answer_to(of_bob(1, "7F94778B653B", "16CB75F21C70", 1, "")).status(), 439);
  EXPECT_EQ(answer_to(of_bob(1, "7F94778B653B", "16CB75F21C70", 2, "<sip:ep1.example.com;lr>")).status(), 439);
  EXPECT_EQ(lab.registrar().bindings(), 0u);
}

TEST_F(OutboundRfc, Rfc7118Section81RegistrationOverAWebSocket) {
  way = lab.calls().connect(kCallers, proto::settings::SipTransport::kWss);
  const Message answer = answer_to(wire(R"(REGISTER sip:proxy.example.com SIP/2.0
Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKasudf
From: sip:alice@example.com;tag=65bnmj.34asd
To: sip:alice@example.com
Call-ID: aiuy7k9njasd
CSeq: 1 REGISTER
Max-Forwards: 70
Supported: path, outbound, gruu
Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>
  ;reg-id=1
  ;+sip.instance="<urn:uuid:f81-7dec-14a06cf1>"
)"));
  ASSERT_EQ(answer.status(), 200);
  EXPECT_TRUE(answer.lists(HeaderId::kSupported, "outbound"));
  EXPECT_TRUE(answer.lists(HeaderId::kSupported, "gruu"));
  const auto contacts = answer.name_addrs(HeaderId::kContact);
  ASSERT_EQ(contacts.size(), 1u);
  EXPECT_EQ(sip::write(contacts[0].uri), "sip:alice@df7jal23ls0d.invalid;transport=ws");
  EXPECT_EQ(parameter(contacts[0], "reg-id"), "1");
  EXPECT_EQ(parameter(contacts[0], "expires"), "3600");
  EXPECT_NE(parameter(contacts[0], "pub-gruu").find("sip:alice@example.com;gr=urn:uuid:f81-7dec-14a06cf1"),
            std::string::npos);
  EXPECT_NE(parameter(contacts[0], "temp-gruu").find("@example.com;gr"), std::string::npos);
  const auto targets = lab.registrar().lookup(kCallers, "alice");
  ASSERT_EQ(targets.size(), 1u);
  ASSERT_TRUE(targets[0].flow) << "the connection: nobody finds .invalid";
  EXPECT_EQ(targets[0].flow->hop, way);
  const auto reached =
      lab.registrar().resolve(sip::parse_uri("sip:alice@example.com;gr=urn:uuid:f81-7dec-14a06cf1").value());
  EXPECT_TRUE(std::holds_alternative<Instance>(reached)) << "section 8.2: the BYE's Request-URI";
}

TEST_F(OutboundRfc, Rfc3327Section551TheWholePathIsStoredAndAnswered) {
  way = {kCallers, {proto::parse_ip_address("19.31.97.3").value(), 0, 5060}, sip::Reliability::kUnreliable};
  const std::string path = "<sip:P3.EXAMPLEHOME.COM;lr>,<sip:P1.EXAMPLEVISITED.COM;lr>";
  const Message answer = answer_to(wire(R"(REGISTER sip:REGISTRAR.EXAMPLEHOME.COM SIP/2.0
Via: SIP/2.0/UDP 19.31.97.3:5060;branch=z9hG4bKp3wer654363
Via: SIP/2.0/UDP 178.73.76.230:5060;branch=z9hG4bKiokioukju908
Via: SIP/2.0/UDP 112.68.155.4:5060;branch=z9hG4bK34ghi7ab04
Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKnashds7
To: UA1 <sip:UA1@EXAMPLEHOME.COM>
From: UA1 <sip:UA1@EXAMPLEHOME.COM>;tag=456248
Call-ID: 843817637684230@998sdasdh09
CSeq: 1826 REGISTER
Contact: <sip:UA1@192.0.2.4>
Supported: path
Max-Forwards: 67
Path: )" + path + "\n"));
  ASSERT_EQ(answer.status(), 200);
  EXPECT_THAT(answer.values(HeaderId::kPath),
              ElementsAre("<sip:P3.EXAMPLEHOME.COM;lr>", "<sip:P1.EXAMPLEVISITED.COM;lr>"))
      << "message F6: as it came";
  EXPECT_EQ(answer.values(HeaderId::kVia).size(), 4u);
  EXPECT_FALSE(answer.has(HeaderId::kRequire)) << "no outbound";
  const auto targets = lab.registrar().lookup(kCallers, "UA1");
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(sip::write(targets[0].uri), "sip:UA1@192.0.2.4") << "section 5.5.2, message F3";
  ASSERT_EQ(targets[0].routes.size(), 2u);
  EXPECT_EQ(sip::write(targets[0].routes[0].uri), "sip:P3.EXAMPLEHOME.COM;lr");
  EXPECT_EQ(sip::write(targets[0].routes[1].uri), "sip:P1.EXAMPLEVISITED.COM;lr");
}

}  // namespace
}  // namespace weir::controlplane
