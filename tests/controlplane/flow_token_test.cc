// Flow tokens: nobody else makes one, and each names one flow.
#include "controlplane/flow_token.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::controlplane {
namespace {

constexpr std::array<std::uint8_t, 4> kSecret = {1, 2, 3, 4};

sip::Hop hop(sip::Reliability reliability, const char* address = "198.18.1.2") {
  return {0x1234'5678'9abcull, {proto::parse_ip_address(address).value(), 0, 5062}, reliability};
}

proto::settings::Settings listening(std::uint16_t port) {
  proto::settings::Settings settings;
  settings.realms.resize(1);
  settings.realms[0].listeners = {
      {proto::settings::SipTransport::kUdp, {proto::parse_ip_address("198.18.1.1").value(), 0, port}}};
  return settings;
}

TEST(FlowToken, NamesItsFlowAndNoOther) {
  const FlowTokens tokens({7});
  for (const sip::Hop& flow : {hop(sip::Reliability::kReliable), hop(sip::Reliability::kUnreliable),
                               hop(sip::Reliability::kReliable, "2001:2::5")}) {
    const std::string token = tokens.make(flow);
    EXPECT_TRUE(FlowTokens::is_shaped(token));
    EXPECT_EQ(tokens.read(token), flow);
    std::string shouted = token;
    std::transform(shouted.begin(), shouted.end(), shouted.begin(),
                   [](char c) { return static_cast<char>(std::toupper(c)); });
    EXPECT_EQ(tokens.read(shouted), flow);
  }
}

TEST(FlowToken, ThatIsChangedAnywhereIsNone) {
  const FlowTokens tokens({7});
  const std::string token = tokens.make(hop(sip::Reliability::kReliable));
  for (std::size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = changed[at] == '0' ? '1' : '0';
    EXPECT_FALSE(tokens.read(changed)) << at;
  }
  EXPECT_FALSE(tokens.read(token.substr(1)));
  EXPECT_FALSE(tokens.read(token + "00"));
  EXPECT_FALSE(tokens.read(""));
  EXPECT_FALSE(FlowTokens({8}).read(token)) << "another key";
}

TEST(FlowToken, OfAnotherConfigurationIsNone) {
  const std::string token = FlowTokens(kSecret, listening(5060)).make(hop(sip::Reliability::kUnreliable));
  EXPECT_TRUE(FlowTokens(kSecret, listening(5060)).read(token)) << "another process";
  EXPECT_FALSE(FlowTokens(kSecret, listening(5080)).read(token));
}

}  // namespace
}  // namespace weir::controlplane
