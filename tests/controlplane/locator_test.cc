// From URIs to addresses: RFC 3263 section 4 over a DNS of the test's own, RFC 2782's order, RFC 2308's silence; time
// is the test's.
#include "controlplane/locator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "controlplane/dns_cache.h"
#include "controlplane/places.h"

namespace weir::controlplane {
namespace {

using proto::Family;
using proto::settings::SipTransport;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

proto::IpAddress address(const char* text) {
  return proto::parse_ip_address(text).value();
}

/// A zone: what is not in it is not there. Answers wait for release() if told to.
class Zone : public Resolver {
 public:
  void naptr(const std::string& name, std::uint16_t order, const std::string& service, const std::string& replacement,
             const std::string& flags = "s", bool has_regexp = false) {
    at(name, DnsType::kNaptr).naptr.push_back({order, 0, flags, service, has_regexp, replacement});
  }
  void srv(const std::string& name, std::uint16_t priority, std::uint16_t weight, std::uint16_t port,
           const std::string& target) {
    at(name, DnsType::kSrv).srv.push_back({priority, weight, port, target});
  }
  void host(const std::string& name, const char* text) {
    const proto::IpAddress value = address(text);
    at(name, value.family == Family::kIpv4 ? DnsType::kA : DnsType::kAaaa).addresses.push_back(value);
  }
  void fail(const std::string& name, DnsType type) { at(name, type).status = DnsStatus::kFailed; }

  void query(const std::string& name, DnsType type, Answered answered) override {
    asked.push_back(name + "/" + std::to_string(static_cast<int>(type)));
    DnsAnswer answer;
    answer.status = DnsStatus::kNothing;
    answer.ttl_s = nothing_ttl_s;
    const auto known = answers_.find({name, type});
    if (known != answers_.end()) answer = known->second;
    if (!hold) return answered(answer);
    held_.push_back([answered, answer] { answered(answer); });
  }
  /// Answers what was held, the last question first.
  void release() {
    while (!held_.empty()) {
      const auto answer = held_.back();
      held_.pop_back();
      answer();
    }
  }

  bool hold = false;
  std::uint32_t ttl_s = 300;
  std::uint32_t nothing_ttl_s = 300;
  std::vector<std::string> asked;

 private:
  DnsAnswer& at(const std::string& name, DnsType type) {
    DnsAnswer& answer = answers_[{name, type}];
    answer.status = DnsStatus::kFound;
    answer.ttl_s = ttl_s;
    return answer;
  }
  std::map<std::pair<std::string, DnsType>, DnsAnswer> answers_;
  std::vector<std::function<void()>> held_;
};

const std::vector<Exit> kAllExits{{SipTransport::kUdp, Family::kIpv4}, {SipTransport::kTcp, Family::kIpv4},
                                  {SipTransport::kTls, Family::kIpv4}, {SipTransport::kUdp, Family::kIpv6},
                                  {SipTransport::kTcp, Family::kIpv6}, {SipTransport::kTls, Family::kIpv6}};

std::string text(const ServerAddress& server) {
  return std::string(to_string(server.transport)) + ":" + proto::to_string(server.endpoint) +
         (server.transport_by_default ? " by default" : "");
}

class LocatorTest : public testing::Test {
 protected:
  std::vector<std::string> locate(const std::string& uri, const std::vector<Exit>& exits = kAllExits) {
    std::optional<std::vector<std::string>> found;
    Locator(zone_, [](std::uint32_t) {
      return 0u;
    }).locate(sip::parse_uri(uri).value(), exits, [&](const std::vector<ServerAddress>& servers) {
      EXPECT_FALSE(found.has_value()) << "told twice";
      found.emplace();
      for (const ServerAddress& server : servers) found->push_back(text(server));
    });
    zone_.release();
    EXPECT_TRUE(found.has_value());
    return found.value_or(std::vector<std::string>{"never"});
  }

  Zone zone_;
};

TEST_F(LocatorTest, AnAddressNeedsNobody) {
  EXPECT_THAT(locate("sip:x@198.18.1.2"), ElementsAre("udp:198.18.1.2:5060 by default"));
  EXPECT_THAT(locate("sip:x@198.18.1.2:5070;transport=tcp"), ElementsAre("tcp:198.18.1.2:5070"));
  EXPECT_THAT(locate("sip:x@198.18.1.2;transport=tls"), ElementsAre("tls:198.18.1.2:5061"));
  EXPECT_THAT(locate("sips:x@[2001:2::1]"), ElementsAre("tls:[2001:2::1]:5061"));
  EXPECT_THAT(locate("sips:x@198.18.1.2;transport=tcp"), ElementsAre("tls:198.18.1.2:5061"));
  EXPECT_THAT(locate("sip:x@host.example;maddr=198.18.1.3"), ElementsAre("udp:198.18.1.3:5060 by default"));
  EXPECT_THAT(zone_.asked, IsEmpty());
}

TEST_F(LocatorTest, WhatNobodyHereSpeaksLeadsNowhere) {
  for (const char* uri : {"sip:x@198.18.1.2;transport=sctp", "sips:x@198.18.1.2;transport=udp", "tel:+15551234",
                          "sip:x@a_name_that.-is..none;transport=udp"}) {
    EXPECT_THAT(locate(uri), IsEmpty()) << uri;
  }
  EXPECT_THAT(zone_.asked, IsEmpty());
}

// RFC 6761 section 6.4, RFC 7118 section 5: browsers' names, and browsers.
TEST_F(LocatorTest, NobodyIsAskedForInvalidNamesAndNobodyIsCalledByWebSocket) {
  for (const char* uri :
       {"sip:x@df7jal23ls0d.invalid", "sip:x@df7jal23ls0d.invalid;transport=ws", "sip:x@a.INVALID.:5060",
        "sips:x@invalid", "sip:x@a.invalid;transport=tcp", "sip:x@host.example;maddr=b.invalid",
        "sip:x@198.18.1.2;transport=ws", "sips:x@198.18.1.2;transport=ws", "sip:x@host.example;transport=wss"}) {
    EXPECT_THAT(locate(uri), IsEmpty()) << uri;
  }
  EXPECT_THAT(zone_.asked, IsEmpty());
}

TEST_F(LocatorTest, NaptrThenSrvThenAddresses) {
  // RFC 3263 section 4.1's example.
  zone_.naptr("example.com", 90, "SIP+D2U", "_sip._udp.example.com");
  zone_.naptr("example.com", 50, "SIPS+D2T", "_sips._tcp.example.com");
  zone_.naptr("example.com", 60, "SIP+D2T", "_sip._tcp.example.com");
  zone_.srv("_sip._tcp.example.com", 0, 1, 5070, "server1.example.com");
  zone_.srv("_sip._tcp.example.com", 1, 2, 5080, "server2.example.com");
  zone_.host("server1.example.com", "198.18.1.1");
  zone_.host("server1.example.com", "2001:2::1");
  zone_.host("server2.example.com", "198.18.1.2");
  const std::vector<Exit> without_tls{
      {SipTransport::kUdp, Family::kIpv4}, {SipTransport::kTcp, Family::kIpv4}, {SipTransport::kTcp, Family::kIpv6}};
  EXPECT_THAT(locate("sip:x@Example.COM", without_tls),
              ElementsAre("tcp:198.18.1.1:5070", "tcp:[2001:2::1]:5070", "tcp:198.18.1.2:5080"));
  EXPECT_THAT(zone_.asked[1], "_sip._tcp.example.com/33") << "the best that can be used, not the best there is";
}

TEST_F(LocatorTest, ANaptrServiceWithoutServersGivesWayToTheNext) {
  zone_.naptr("example.com", 1, "SIP+D2T", "_sip._tcp.example.com");
  zone_.naptr("example.com", 2, "SIP+D2U", "_sip._udp.example.com");
  zone_.srv("_sip._udp.example.com", 0, 0, 5060, "host.example.com");
  zone_.host("host.example.com", "198.18.1.1");
  EXPECT_THAT(locate("sip:x@example.com"), ElementsAre("udp:198.18.1.1:5060"));
}

TEST_F(LocatorTest, NaptrRecordsOfOtherKindsAreNotFollowed) {
  zone_.naptr("example.com", 1, "SIP+D2T", "elsewhere.example", "s", true);
  zone_.naptr("example.com", 2, "SIP+D2T", "elsewhere.example", "u");
  zone_.naptr("example.com", 3, "E2U+sip", "elsewhere.example");
  zone_.naptr("example.com", 4, "SIP+D2T", "");
  zone_.srv("elsewhere.example", 0, 0, 5060, "host.example");
  zone_.host("host.example", "198.18.1.9");
  zone_.host("example.com", "198.18.1.1");
  EXPECT_THAT(locate("sip:x@example.com"), ElementsAre("udp:198.18.1.1:5060 by default"));
}

TEST_F(LocatorTest, WithoutNaptrTheServicesAreMadeUp) {
  zone_.srv("_sip._tcp.example.com", 0, 0, 5060, "host.example.com");
  zone_.host("host.example.com", "198.18.1.1");
  EXPECT_THAT(locate("sip:x@example.com"), ElementsAre("tcp:198.18.1.1:5060"));
  EXPECT_THAT(zone_.asked, ElementsAre("example.com/35", "_sip._udp.example.com/33", "_sip._tcp.example.com/33",
                                       "host.example.com/1", "host.example.com/28"));
}

TEST_F(LocatorTest, SipsGoesByTlsOnly) {
  zone_.naptr("example.com", 1, "SIP+D2U", "_sip._udp.example.com");
  zone_.srv("_sip._udp.example.com", 0, 0, 5060, "plain.example.com");
  zone_.srv("_sips._tcp.example.com", 0, 0, 5061, "host.example.com");
  zone_.host("plain.example.com", "198.18.1.9");
  zone_.host("host.example.com", "198.18.1.1");
  EXPECT_THAT(locate("sips:x@example.com"), ElementsAre("tls:198.18.1.1:5061"));
  zone_.host("bare.example", "198.18.1.2");
  EXPECT_THAT(locate("sips:x@bare.example"), ElementsAre("tls:198.18.1.2:5061"));
  EXPECT_THAT(locate("sips:x@example.com", {{SipTransport::kUdp, Family::kIpv4}}), IsEmpty());
}

TEST_F(LocatorTest, APortOrATransportCutsTheSearchShort) {
  zone_.naptr("example.com", 1, "SIP+D2T", "_sip._tcp.example.com");
  zone_.srv("_sip._tcp.example.com", 0, 0, 5080, "host.example.com");
  zone_.host("host.example.com", "198.18.1.1");
  zone_.host("example.com", "198.18.1.2");
  EXPECT_THAT(locate("sip:x@example.com:5090"), ElementsAre("udp:198.18.1.2:5090 by default"));
  EXPECT_THAT(zone_.asked, ElementsAre("example.com/1", "example.com/28")) << "section 4.2: a port, so addresses";
  zone_.asked.clear();
  EXPECT_THAT(locate("sip:x@example.com;transport=tcp"), ElementsAre("tcp:198.18.1.1:5080"));
  EXPECT_EQ(zone_.asked.front(), "_sip._tcp.example.com/33") << "section 4.1: a transport, so no NAPTR";
  EXPECT_THAT(locate("sip:x@example.com;transport=udp"), ElementsAre("udp:198.18.1.2:5060")) << "no SRV, so addresses";
}

TEST_F(LocatorTest, ADotMeansDecidedlyNot) {
  zone_.srv("_sip._udp.example.com", 0, 0, 0, "");
  zone_.host("example.com", "198.18.1.1");
  EXPECT_THAT(locate("sip:x@example.com"), IsEmpty());
}

TEST_F(LocatorTest, WhereNobodyAnswersTheSearchEnds) {
  zone_.fail("example.com", DnsType::kNaptr);
  zone_.host("example.com", "198.18.1.1");
  EXPECT_THAT(locate("sip:x@example.com"), IsEmpty());
  EXPECT_EQ(zone_.asked.size(), 1u);
}

TEST_F(LocatorTest, OneServerWithoutAnAddressLeavesTheOthers) {
  zone_.srv("_sip._udp.example.com", 0, 0, 5060, "gone.example.com");
  zone_.srv("_sip._udp.example.com", 1, 0, 5060, "host.example.com");
  zone_.host("host.example.com", "198.18.1.1");
  EXPECT_THAT(locate("sip:x@example.com"), ElementsAre("udp:198.18.1.1:5060"));
}

TEST_F(LocatorTest, ALargeZoneIsABoundedSearch) {
  for (std::uint16_t i = 0; i < 16; ++i) {
    const std::string host = "host" + std::to_string(i) + ".example.com";
    zone_.srv("_sip._udp.example.com", i, 0, 5060, host);
    for (int j = 0; j < 16; ++j) zone_.host(host, ("198.18.1." + std::to_string(j + 1)).c_str());
  }
  EXPECT_EQ(locate("sip:x@example.com").size(), Locator::kTargetsMax);
  EXPECT_EQ(zone_.asked.size(), 2 + 2 * Locator::kServersMax);
}

TEST_F(LocatorTest, AnswersThatComeLateAndBackwardsKeepTheirOrder) {
  zone_.hold = true;
  zone_.srv("_sip._udp.example.com", 0, 0, 5060, "first.example.com");
  zone_.srv("_sip._udp.example.com", 1, 0, 5060, "second.example.com");
  zone_.host("first.example.com", "198.18.1.1");
  zone_.host("second.example.com", "198.18.1.2");
  EXPECT_THAT(locate("sip:x@example.com"), ElementsAre("udp:198.18.1.1:5060", "udp:198.18.1.2:5060"));
}

TEST(SrvOrder, PriorityThenWeightAsRfc2782Draws) {
  const std::vector<SrvRecord> records{{2, 0, 1, "last"}, {1, 30, 1, "c"}, {1, 0, 1, "zero"}, {1, 10, 1, "a"}};
  const auto names = [&](std::vector<std::uint32_t> draws) {
    std::size_t next = 0;
    std::vector<std::string> order;
    for (const SrvRecord& record : order_srv(
             records, [&](std::uint32_t max) { return next < draws.size() ? std::min(draws[next++], max) : 0; })) {
      order.push_back(record.target);
    }
    return order;
  };
  // Candidates stand as zero, c, a: running sums 0, 30, 40.
  EXPECT_THAT(names({0, 0, 0}), ElementsAre("zero", "c", "a", "last"));
  EXPECT_THAT(names({1, 0, 0}), ElementsAre("c", "zero", "a", "last"));
  EXPECT_THAT(names({30, 10, 0}), ElementsAre("c", "a", "zero", "last"));
  EXPECT_THAT(names({31, 1, 0}), ElementsAre("a", "c", "zero", "last"));
}

TEST(SrvOrder, EveryWeightGetsItsShare) {
  // Every possible first draw once: 40 + 1 of them, of which "a" gets 10, "c" 30, "zero" one.
  std::map<std::string, int> first;
  for (std::uint32_t drawn = 0; drawn <= 40; ++drawn) {
    bool is_first = true;
    const auto order = order_srv({{1, 10, 1, "a"}, {1, 30, 1, "c"}, {1, 0, 1, "zero"}},
                                 [&](std::uint32_t) { return std::exchange(is_first, false) ? drawn : 0; });
    ++first[order.front().target];
  }
  EXPECT_EQ(first, (std::map<std::string, int>{{"a", 10}, {"c", 30}, {"zero", 1}}));
}

class DnsCacheTest : public testing::Test {
 protected:
  DnsStatus ask(const std::string& name, DnsType type = DnsType::kA) {
    DnsStatus status = DnsStatus::kFailed;
    cache_.query(name, type, [&](const DnsAnswer& answer) { status = answer.status; });
    return status;
  }
  void pass(std::uint64_t seconds) { now_ns_ += seconds * 1'000'000'000; }

  Zone zone_;
  proto::settings::DnsSettings settings_;
  std::uint64_t now_ns_ = 1'000'000'000;
  DnsCache cache_{zone_, settings_, [this] { return now_ns_; }};
};

TEST_F(DnsCacheTest, AnAnswerIsGoodForItsTtl) {
  zone_.host("a.example", "198.18.1.1");
  EXPECT_EQ(ask("a.example"), DnsStatus::kFound);
  pass(299);
  EXPECT_EQ(ask("a.example"), DnsStatus::kFound);
  EXPECT_EQ(zone_.asked.size(), 1u);
  pass(1);
  EXPECT_EQ(ask("a.example"), DnsStatus::kFound);
  EXPECT_EQ(zone_.asked.size(), 2u);
}

TEST_F(DnsCacheTest, NothingIsBelievedForLongerThanTheSettingsSay) {
  settings_.ttl_s_max = 10;
  zone_.host("a.example", "198.18.1.1");
  (void)ask("a.example");
  pass(10);
  (void)ask("a.example");
  EXPECT_EQ(zone_.asked.size(), 2u);
}

TEST_F(DnsCacheTest, ThatThereIsNothingIsKeptForAMinuteAtMost) {
  EXPECT_EQ(ask("a.example"), DnsStatus::kNothing);
  pass(DnsCache::kNothingSecondsMax - 1);
  EXPECT_EQ(ask("a.example"), DnsStatus::kNothing);
  EXPECT_EQ(zone_.asked.size(), 1u);
  pass(1);
  zone_.host("a.example", "198.18.1.1");
  EXPECT_EQ(ask("a.example"), DnsStatus::kFound);
}

TEST_F(DnsCacheTest, WhoDoesNotAnswerIsLeftInPeaceForAMoment) {
  zone_.fail("a.example", DnsType::kA);
  (void)ask("a.example");
  (void)ask("a.example");
  EXPECT_EQ(zone_.asked.size(), 1u);
  pass(DnsCache::kFailedSeconds);
  (void)ask("a.example");
  EXPECT_EQ(zone_.asked.size(), 2u);
}

TEST_F(DnsCacheTest, AnAnswerWithoutTtlIsNotKept) {
  zone_.ttl_s = 0;
  zone_.host("a.example", "198.18.1.1");
  (void)ask("a.example");
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(DnsCacheTest, TheOneLongestUnusedGoesFirst) {
  settings_.cache_entries_max = 16;
  for (int i = 0; i < 16; ++i) (void)ask("host" + std::to_string(i) + ".example");
  (void)ask("host0.example");
  (void)ask("new.example");
  EXPECT_EQ(cache_.size(), 16u);
  EXPECT_NE(cache_.find("host0.example", DnsType::kA), nullptr);
  EXPECT_EQ(cache_.find("host1.example", DnsType::kA), nullptr);
}

TEST_F(DnsCacheTest, WhoAsksTheSameWaitsForOneAnswer) {
  zone_.hold = true;
  zone_.host("a.example", "198.18.1.1");
  int told = 0;
  for (int i = 0; i < 3; ++i) cache_.query("a.example", DnsType::kA, [&](const DnsAnswer&) { ++told; });
  EXPECT_EQ(zone_.asked.size(), 1u);
  EXPECT_EQ(told, 0);
  zone_.release();
  EXPECT_EQ(told, 3);
}

TEST_F(DnsCacheTest, QuestionsUnderWayAreBounded) {
  zone_.hold = true;
  int failed = 0;
  for (std::size_t i = 0; i < DnsCache::kQuestionsMax + 5; ++i) {
    cache_.query("host" + std::to_string(i) + ".example", DnsType::kA,
                 [&](const DnsAnswer& answer) { failed += answer.status == DnsStatus::kFailed; });
  }
  EXPECT_EQ(failed, 5);
  EXPECT_EQ(zone_.asked.size(), DnsCache::kQuestionsMax);
  zone_.release();
}

TEST_F(DnsCacheTest, WhatIsKnownIsToldWithoutAsking) {
  zone_.host("a.example", "198.18.1.1");
  KnownAnswers known(cache_);
  DnsAnswer told;
  known.query("a.example", DnsType::kA, [&](const DnsAnswer& answer) { told = answer; });
  EXPECT_EQ(told.status, DnsStatus::kFailed);
  EXPECT_THAT(zone_.asked, IsEmpty());
  (void)ask("a.example");
  known.query("a.example", DnsType::kA, [&](const DnsAnswer& answer) { told = answer; });
  EXPECT_THAT(told.addresses, ElementsAre(address("198.18.1.1")));
}

}  // namespace
}  // namespace weir::controlplane
