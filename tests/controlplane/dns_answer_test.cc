// DNS responses as bytes: what is read of them, beside what c-ares reads of the same; and what is no response.
#include "controlplane/dns_answer.h"

#include <ares.h>
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

namespace weir::controlplane {
namespace {

using ::testing::ElementsAre;

constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kSoa = 6;

/// Writes one response: RFC 1035 section 4.
class Response {
 public:
  explicit Response(const std::string& name, DnsType type, std::uint16_t flags = 0x8180) {
    for (const std::uint16_t word :
         {std::uint16_t{7}, flags, std::uint16_t{1}, std::uint16_t{0}, std::uint16_t{0}, std::uint16_t{0}}) {
      u16(word);
    }
    this->name(name);
    u16(static_cast<std::uint16_t>(type));
    u16(1);
  }

  Response& u16(std::uint16_t value) {
    bytes += static_cast<char>(value >> 8);
    bytes += static_cast<char>(value & 0xff);
    return *this;
  }
  Response& u32(std::uint32_t value) {
    return u16(static_cast<std::uint16_t>(value >> 16)).u16(static_cast<std::uint16_t>(value & 0xffff));
  }
  Response& text(const std::string& value) {
    bytes += static_cast<char>(value.size());
    bytes += value;
    return *this;
  }
  Response& name(const std::string& value) {
    std::size_t at = 0;
    while (at < value.size()) {
      const std::size_t dot = std::min(value.find('.', at), value.size());
      text(value.substr(at, dot - at));
      at = dot + 1;
    }
    bytes += '\0';
    return *this;
  }
  /// The question's name, by a pointer.
  Response& same_name() { return u16(0xc00c); }

  /// Data follows between begin and end.
  Response& begin(const std::string& owner, std::uint16_t type, std::uint32_t ttl_s, bool authority = false) {
    bytes[authority ? 9 : 7] = static_cast<char>(bytes[authority ? 9 : 7] + 1);
    owner.empty() ? same_name() : name(owner);
    u16(type).u16(1).u32(ttl_s).u16(0);
    data_ = bytes.size();
    return *this;
  }
  Response& end() {
    const std::size_t length = bytes.size() - data_;
    bytes[data_ - 2] = static_cast<char>(length >> 8);
    bytes[data_ - 1] = static_cast<char>(length & 0xff);
    return *this;
  }
  [[nodiscard]] std::span<const std::uint8_t> span() const {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  }

  std::string bytes;

 private:
  std::size_t data_ = 0;
};

std::uint16_t number(DnsType type) {
  return static_cast<std::uint16_t>(type);
}

TEST(DnsAnswer, ServersOfAService) {
  Response response("_sip._udp.Example.com", DnsType::kSrv);
  response.begin("", number(DnsType::kSrv), 300).u16(1).u16(2).u16(5070).name("Server1.Example.com").end();
  response.begin("", number(DnsType::kSrv), 200).u16(3).u16(4).u16(5080).name("").end();
  const DnsAnswer answer = read_dns_answer(response.span(), "_SIP._udp.example.com.", DnsType::kSrv);
  ASSERT_EQ(answer.status, DnsStatus::kFound);
  EXPECT_THAT(answer.srv, ElementsAre(SrvRecord{1, 2, 5070, "server1.example.com"}, SrvRecord{3, 4, 5080, ""}));
  EXPECT_EQ(answer.ttl_s, 200u) << "the least of all";

  ares_srv_reply* oracle = nullptr;
  ASSERT_EQ(ares_parse_srv_reply(response.span().data(), static_cast<int>(response.bytes.size()), &oracle),
            ARES_SUCCESS);
  EXPECT_STRCASEEQ(oracle->host, answer.srv[0].target.c_str());
  EXPECT_EQ(oracle->port, answer.srv[0].port);
  EXPECT_EQ(oracle->weight, answer.srv[0].weight);
  EXPECT_EQ(oracle->priority, answer.srv[0].priority);
  ares_free_data(oracle);
}

TEST(DnsAnswer, ServicesOfADomain) {
  Response response("example.com", DnsType::kNaptr);
  response.begin("", number(DnsType::kNaptr), 300).u16(50).u16(60).text("s").text("SIPS+D2T").text("");
  response.name("_sips._tcp.example.com").end();
  response.begin("", number(DnsType::kNaptr), 300).u16(1).u16(2).text("u").text("E2U+sip").text("!^.*$!sip:x@y!");
  response.name("").end();
  response.begin("", number(DnsType::kNaptr), 300).u16(1).u16(2).text("s").text(std::string(200, 'x')).text("");
  response.name("").end();
  const DnsAnswer answer = read_dns_answer(response.span(), "example.com", DnsType::kNaptr);
  EXPECT_THAT(answer.naptr, ElementsAre(NaptrRecord{50, 60, "s", "SIPS+D2T", false, "_sips._tcp.example.com"},
                                        NaptrRecord{1, 2, "u", "E2U+sip", true, ""}));

  ares_naptr_reply* oracle = nullptr;
  ASSERT_EQ(ares_parse_naptr_reply(response.span().data(), static_cast<int>(response.bytes.size()), &oracle),
            ARES_SUCCESS);
  EXPECT_STREQ(reinterpret_cast<char*>(oracle->service), answer.naptr[0].service.c_str());
  EXPECT_STREQ(oracle->replacement, answer.naptr[0].replacement.c_str());
  EXPECT_EQ(oracle->order, answer.naptr[0].order);
  ares_free_data(oracle);
}

TEST(DnsAnswer, AddressesBehindAnAlias) {
  Response response("www.example.com", DnsType::kA);
  response.begin("", kCname, 60).name("host.example.net").end();
  response.begin("host.example.net", number(DnsType::kA), 300).u32(0xc6120102).end();
  response.begin("stranger.example", number(DnsType::kA), 300).u32(0xc6120109).end();
  const DnsAnswer answer = read_dns_answer(response.span(), "www.example.com", DnsType::kA);
  EXPECT_THAT(answer.addresses, ElementsAre(proto::parse_ip_address("198.18.1.2").value()))
      << "a record of a name nobody asked for is nobody's";
  EXPECT_EQ(answer.ttl_s, 60u);

  ares_addrttl oracle[4];
  int count = 4;
  ASSERT_EQ(
      ares_parse_a_reply(response.span().data(), static_cast<int>(response.bytes.size()), nullptr, oracle, &count),
      ARES_SUCCESS);
  EXPECT_EQ(ntohl(oracle[0].ipaddr.s_addr), answer.addresses[0].ipv4());
  EXPECT_EQ(oracle[0].ttl, 60);
}

TEST(DnsAnswer, SixteenBytesAreAnIpv6Address) {
  Response response("example.com", DnsType::kAaaa);
  response.begin("", number(DnsType::kAaaa), 300).u32(0x20010002).u32(0).u32(0).u32(1).end();
  const DnsAnswer answer = read_dns_answer(response.span(), "example.com", DnsType::kAaaa);
  EXPECT_THAT(answer.addresses, ElementsAre(proto::parse_ip_address("2001:2::1").value()));
}

TEST(DnsAnswer, AliasesThatGoRoundEnd) {
  Response response("a.example", DnsType::kA);
  response.begin("", kCname, 60).name("b.example").end();
  response.begin("b.example", kCname, 60).name("a.example").end();
  EXPECT_EQ(read_dns_answer(response.span(), "a.example", DnsType::kA).status, DnsStatus::kNothing);
}

TEST(DnsAnswer, NothingIsThereForAsLongAsTheZoneSays) {
  for (const std::uint16_t flags : {std::uint16_t{0x8180}, std::uint16_t{0x8183}}) {
    Response response("example.com", DnsType::kSrv, flags);
    response.begin("com", kSoa, 900, true).name("ns.com").name("root.com").u32(1).u32(2).u32(3).u32(4).u32(120).end();
    const DnsAnswer answer = read_dns_answer(response.span(), "example.com", DnsType::kSrv);
    EXPECT_EQ(answer.status, DnsStatus::kNothing);
    EXPECT_EQ(answer.ttl_s, 120u);
  }
  const Response bare("example.com", DnsType::kSrv, 0x8183);
  EXPECT_EQ(read_dns_answer(bare.span(), "example.com", DnsType::kSrv).ttl_s, 0u) << "no SOA, no memory (RFC 2308)";
}

TEST(DnsAnswer, MoreRecordsThanAnyServiceHasAreLeftOut) {
  Response response("example.com", DnsType::kA);
  for (std::uint32_t i = 0; i < 100; ++i) response.begin("", number(DnsType::kA), 300).u32(0xc6120000 + i).end();
  const DnsAnswer answer = read_dns_answer(response.span(), "example.com", DnsType::kA);
  EXPECT_EQ(answer.addresses.size(), kDnsRecordsMax);
}

TEST(DnsAnswer, WhatIsNoAnswerToTheQuestionIsAFailure) {
  Response good("example.com", DnsType::kA);
  good.begin("", number(DnsType::kA), 300).u32(0xc6120102).end();
  ASSERT_EQ(read_dns_answer(good.span(), "example.com", DnsType::kA).status, DnsStatus::kFound);
  EXPECT_EQ(read_dns_answer(good.span(), "example.net", DnsType::kA).status, DnsStatus::kFailed);
  EXPECT_EQ(read_dns_answer(good.span(), "example.com", DnsType::kAaaa).status, DnsStatus::kFailed);
  for (std::size_t length = 0; length < good.bytes.size(); ++length) {
    EXPECT_EQ(read_dns_answer(good.span().first(length), "example.com", DnsType::kA).status, DnsStatus::kFailed);
  }
  struct Row {
    const char* description;
    std::size_t at;
    char byte;
  };
  const Row kRows[] = {{"a question", 2, '\x01'},          {"SERVFAIL", 3, '\x82'},
                       {"two questions", 5, '\x02'},       {"a longer address", 40, '\x05'},
                       {"a shorter one", 40, '\x03'},      {"more records than are there", 7, '\x02'},
                       {"a pointer to itself", 30, '\x1d'}};
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    Response bad = good;
    bad.bytes[row.at] = row.byte;
    EXPECT_EQ(read_dns_answer(bad.span(), "example.com", DnsType::kA).status, DnsStatus::kFailed);
  }
}

TEST(DnsAnswer, NamesAreLettersDigitsHyphensAndDots) {
  EXPECT_EQ(dns_name("Example.COM."), "example.com");
  EXPECT_EQ(dns_name("_sip._udp.a-b.example"), "_sip._udp.a-b.example");
  EXPECT_TRUE(dns_name(std::string(63, 'a') + ".example"));
  for (const std::string& bad :
       {std::string(""), std::string("."), std::string("a..b"), std::string(".a"), std::string("a b"),
        std::string("a\0b", 3), std::string("ä.example"), std::string(64, 'a') + ".example", std::string(254, 'a')}) {
    EXPECT_EQ(dns_name(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace weir::controlplane
