#include "sip/dtls_attributes.h"

#include <gtest/gtest.h>

#include <string>

#include "sip/sdp_parse.h"

namespace weir::sip {
namespace {

using Kind = FingerprintFault::Kind;

std::string digest_text(std::size_t bytes, std::string_view pair = "4A") {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) out += (i == 0 ? "" : ":") + std::string(pair);
  return out;
}

Fingerprint taken(std::string_view value) {
  auto parsed = parse_fingerprint(value);
  if (const auto* fault = std::get_if<FingerprintFault>(&parsed)) ADD_FAILURE() << value << ": " << fault->reason;
  return std::holds_alternative<Fingerprint>(parsed) ? std::get<Fingerprint>(parsed) : Fingerprint{};
}

std::variant<DtlsAttributes, SdpRefusal> read(std::string_view session_lines, std::string_view section_lines) {
  const auto parsed = parse_sdp("v=0\r\no=- 1 1 IN IP4 198.18.0.1\r\ns=-\r\nt=0 0\r\n" + std::string(session_lines) +
                                "m=audio 4000 UDP/TLS/RTP/SAVP 0\r\n" + std::string(section_lines));
  const auto& session = std::get<SessionDescription>(parsed);
  return read_dtls_attributes(session, session.media.front());
}

DtlsAttributes accepted(std::string_view session_lines, std::string_view section_lines) {
  auto result = read(session_lines, section_lines);
  if (const auto* refusal = std::get_if<SdpRefusal>(&result)) ADD_FAILURE() << refusal->reason;
  return std::holds_alternative<DtlsAttributes>(result) ? std::get<DtlsAttributes>(result) : DtlsAttributes{};
}

std::uint16_t refused_status(std::string_view section_lines) {
  const auto result = read("", section_lines);
  return std::holds_alternative<SdpRefusal>(result) ? std::get<SdpRefusal>(result).status : std::uint16_t{0};
}

/// What is left of a section's fingerprints where only these hashes are accepted.
std::variant<DtlsAttributes, SdpRefusal> read_by_policy(const std::vector<std::pair<std::string, std::size_t>>& said,
                                                        const std::vector<FingerprintHash>& hashes) {
  std::string lines;
  for (const auto& [name, bytes] : said) lines += "a=fingerprint:" + name + " " + digest_text(bytes) + "\r\n";
  const auto parsed =
      parse_sdp("v=0\r\no=- 1 1 IN IP4 198.18.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 UDP/TLS/RTP/SAVP 0\r\n" + lines);
  const auto& session = std::get<SessionDescription>(parsed);
  return read_dtls_attributes(session, session.media.front(), hashes);
}

TEST(Fingerprint, HashesThatPolicyDoesNotAcceptArePassedOver) {
  const auto read = read_by_policy({{"sha-1", 20}, {"sha-512", 64}, {"sha-256", 32}},
                                   {FingerprintHash::kSha256, FingerprintHash::kSha384});
  const auto& dtls = std::get<DtlsAttributes>(read);
  ASSERT_EQ(dtls.fingerprints.size(), 1u);
  EXPECT_EQ(dtls.fingerprints.front().hash, FingerprintHash::kSha256);
}

TEST(Fingerprint, WhereNoneIsLeftTheReasonNamesTheHash) {
  const auto read = read_by_policy({{"sha-1", 20}}, {FingerprintHash::kSha256});
  const auto& refusal = std::get<SdpRefusal>(read);
  EXPECT_EQ(refusal.status, 488);
  EXPECT_NE(refusal.reason.find("sha-1 is not accepted"), std::string::npos) << refusal.reason;
}

TEST(Fingerprint, TheStrongestOfThoseThatAreAcceptedCounts) {
  const auto read = read_by_policy({{"sha-1", 20}, {"sha-512", 64}, {"sha-256", 32}},
                                   {FingerprintHash::kSha1, FingerprintHash::kSha256});
  const auto left = fingerprints_to_match(std::get<DtlsAttributes>(read).fingerprints);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.front().hash, FingerprintHash::kSha256);
}

TEST(Fingerprint, EveryHashIsReadAndWrittenBack) {
  for (const auto& [name, bytes] : {std::pair<std::string, std::size_t>{"sha-1", 20},
                                    {"sha-224", 28},
                                    {"sha-256", 32},
                                    {"sha-384", 48},
                                    {"sha-512", 64}}) {
    const std::string text = name + " " + digest_text(bytes);
    EXPECT_EQ(write_fingerprint(taken(text)), text);
    EXPECT_EQ(taken(text).bytes().size(), bytes);
  }
}

TEST(Fingerprint, CaseOfNameAndDigitsDoesNotMatter) {
  const Fingerprint upper = taken("sha-1 " + digest_text(20, "AF"));
  EXPECT_EQ(taken("SHA-1 " + digest_text(20, "af")), upper);
  EXPECT_EQ(taken("Sha-1 " + digest_text(20, "aF")), upper);
  EXPECT_EQ(taken(" SHA-1 " + digest_text(20, "AF")), upper) << "RFC 5763 section 7.1 writes a space after the colon";
  EXPECT_NE(taken("sha-1 " + digest_text(20, "AE")), upper);
}

TEST(Fingerprint, EachLengthButTheRightOneIsRefused) {
  for (std::size_t bytes = 1; bytes <= 80; ++bytes) {
    const auto parsed = parse_fingerprint("sha-256 " + digest_text(bytes));
    if (bytes == 32) {
      EXPECT_TRUE(std::holds_alternative<Fingerprint>(parsed));
      continue;
    }
    ASSERT_TRUE(std::holds_alternative<FingerprintFault>(parsed)) << bytes;
    EXPECT_EQ(std::get<FingerprintFault>(parsed).kind, Kind::kWrongLength) << bytes;
  }
}

TEST(Fingerprint, WithdrawnAndUnknownHashesAreNotUsable) {
  for (const std::string& text : {"md5 " + digest_text(16), "md2 " + digest_text(16), "MD5 " + digest_text(16),
                                  "sha3-256 " + digest_text(32), "sha256 " + digest_text(32)}) {
    const auto parsed = parse_fingerprint(text);
    ASSERT_TRUE(std::holds_alternative<FingerprintFault>(parsed)) << text;
    EXPECT_EQ(std::get<FingerprintFault>(parsed).kind, Kind::kNotUsable) << text;
  }
}

TEST(Fingerprint, BrokenSyntaxIsToldFromTheRest) {
  const std::string good = "sha-1 " + digest_text(20);
  for (const std::string& text :
       {std::string(), std::string("sha-1"), std::string("sha-1 "), digest_text(20), good + ":", good + ":4",
        "sha-1 4G" + digest_text(19).substr(2), "sha-1 :" + digest_text(20), good + " x", good + ",",
        "sha-1 " + digest_text(20, "4a").replace(2, 1, "-"), std::string("sha-1 4A4A"), "sha_1 " + digest_text(20),
        "sha-1\t" + digest_text(20)}) {
    const auto parsed = parse_fingerprint(text);
    ASSERT_TRUE(std::holds_alternative<FingerprintFault>(parsed)) << text;
    EXPECT_EQ(std::get<FingerprintFault>(parsed).kind, Kind::kSyntax) << text;
  }
}

TEST(Fingerprint, EveryWrongCharacterIsNoticed) {
  const std::string good = "sha-1 " + digest_text(20, "12");
  const Fingerprint original = taken(good);
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = changed[at] == 'x' ? 'y' : 'x';
    const auto parsed = parse_fingerprint(changed);
    EXPECT_FALSE(std::holds_alternative<Fingerprint>(parsed)) << changed;
  }
  EXPECT_EQ(original.bytes()[0], 0x12);
}

TEST(Fingerprint, OnlyTheStrongestHashIsMatchedAgainst) {
  const Fingerprint sha1 = taken("sha-1 " + digest_text(20));
  const Fingerprint one = taken("sha-256 " + digest_text(32, "01"));
  const Fingerprint two = taken("sha-256 " + digest_text(32, "02"));
  EXPECT_EQ(fingerprints_to_match({sha1, one, two}), (std::vector<Fingerprint>{one, two}));
  EXPECT_EQ(fingerprints_to_match({one, sha1, two}), (std::vector<Fingerprint>{one, two}));
  EXPECT_EQ(fingerprints_to_match({sha1}), std::vector<Fingerprint>{sha1});
  EXPECT_TRUE(fingerprints_to_match({}).empty());
}

TEST(TlsId, FollowsItsGrammar) {
  EXPECT_TRUE(is_tls_id("abc3de65cddef001be82"));
  EXPECT_TRUE(is_tls_id("ABCxyz0189+/-_ABCxyz"));
  EXPECT_TRUE(is_tls_id(std::string(255, 'a')));
  EXPECT_FALSE(is_tls_id(std::string(256, 'a')));
  EXPECT_FALSE(is_tls_id(std::string(19, 'a')));
  EXPECT_FALSE(is_tls_id(""));
  EXPECT_FALSE(is_tls_id("abc3de65cddef001be8 "));
  EXPECT_FALSE(is_tls_id("abc3de65cddef001be8="));
}

TEST(DtlsAttributes, SectionValuesOverrideTheSession) {
  const std::string sha1 = "a=fingerprint:sha-1 " + digest_text(20) + "\r\n";
  const std::string sha256 = "a=fingerprint:sha-256 " + digest_text(32) + "\r\n";
  const std::string session = "a=setup:actpass\r\na=connection:new\r\n" + sha1;
  const DtlsAttributes inherited = accepted(session, "");
  EXPECT_EQ(inherited.setup, DtlsSetup::kActpass);
  EXPECT_EQ(inherited.connection, DtlsConnection::kNew);
  ASSERT_EQ(inherited.fingerprints.size(), 1u);
  const DtlsAttributes own =
      accepted(session, "a=setup:passive\r\na=connection:existing\r\na=tls-id:abc3de65cddef001be82\r\n" + sha256);
  EXPECT_EQ(own.setup, DtlsSetup::kPassive);
  EXPECT_EQ(own.connection, DtlsConnection::kExisting);
  ASSERT_EQ(own.fingerprints.size(), 1u);
  EXPECT_EQ(own.fingerprints[0].hash, FingerprintHash::kSha256);
  EXPECT_EQ(own.tls_id, "abc3de65cddef001be82");
}

TEST(DtlsAttributes, TlsIdIsMediaLevelOnly) {
  EXPECT_EQ(accepted("a=tls-id:abc3de65cddef001be82\r\n", "").tls_id, std::nullopt);
}

TEST(DtlsAttributes, SeveralFingerprintsAreKeptAndUnknownHashesPassedOver) {
  const DtlsAttributes dtls =
      accepted("", "a=fingerprint:sha-1 " + digest_text(20) + "\r\na=fingerprint:sha3-512 " + digest_text(64) +
                       "\r\na=fingerprint:sha-256 " + digest_text(32) + "\r\n");
  ASSERT_EQ(dtls.fingerprints.size(), 2u);
  EXPECT_EQ(dtls.fingerprints[1].hash, FingerprintHash::kSha256);
}

TEST(DtlsAttributes, NothingAtAllIsNotRefusedHere) {
  EXPECT_EQ(accepted("", ""), DtlsAttributes{});
}

TEST(DtlsAttributes, FaultsHaveTheirStatus) {
  EXPECT_EQ(refused_status("a=fingerprint:sha-1 xx\r\n"), 400);
  EXPECT_EQ(refused_status("a=fingerprint\r\n"), 400);
  EXPECT_EQ(refused_status("a=fingerprint:sha-256 " + digest_text(20) + "\r\n"), 488);
  EXPECT_EQ(refused_status("a=fingerprint:md5 " + digest_text(16) + "\r\n"), 488);
  EXPECT_EQ(refused_status("a=setup:both\r\n"), 488);
  EXPECT_EQ(refused_status("a=setup\r\n"), 488);
  EXPECT_EQ(refused_status("a=connection:old\r\n"), 488);
  EXPECT_EQ(refused_status("a=tls-id:short\r\n"), 488);
  EXPECT_EQ(refused_status("a=tls-id\r\n"), 488);
  EXPECT_EQ(refused_status("a=fingerprint:sha-256 " + digest_text(32) + "\r\na=fingerprint:sha-1 zz\r\n"), 400)
      << "one broken line breaks the whole";
}

TEST(DtlsAttributes, AreWrittenAsTheyAreRead) {
  DtlsAttributes dtls;
  dtls.setup = DtlsSetup::kHoldconn;
  dtls.connection = DtlsConnection::kExisting;
  dtls.fingerprints = {taken("sha-256 " + digest_text(32)), taken("sha-1 " + digest_text(20))};
  dtls.tls_id = "abc3de65cddef001be82";
  SessionDescription session;
  append_dtls_attributes(dtls, session.media.emplace_back());
  EXPECT_EQ(std::get<DtlsAttributes>(read_dtls_attributes(session, session.media[0])), dtls);
  EXPECT_EQ(session.media[0].attributes.size(), 5u);
}

constexpr auto kActive = DtlsSetup::kActive;
constexpr auto kPassive = DtlsSetup::kPassive;
constexpr auto kActpass = DtlsSetup::kActpass;
constexpr auto kHoldconn = DtlsSetup::kHoldconn;

TEST(DtlsRole, EveryPairOfOfferAndAnswerHasItsVerdict) {
  struct Row {
    DtlsSetup offered;
    DtlsSetup answered;
    bool valid;
    std::optional<DtlsRole> offerer;
  };
  // RFC 4145 section 4.1, table of allowed answers.
  const Row rows[] = {
      {kActive, kActive, false, {}},
      {kActive, kPassive, true, DtlsRole::kClient},
      {kActive, kActpass, false, {}},
      {kActive, kHoldconn, true, {}},
      {kPassive, kActive, true, DtlsRole::kServer},
      {kPassive, kPassive, false, {}},
      {kPassive, kActpass, false, {}},
      {kPassive, kHoldconn, true, {}},
      {kActpass, kActive, true, DtlsRole::kServer},
      {kActpass, kPassive, true, DtlsRole::kClient},
      {kActpass, kActpass, false, {}},
      {kActpass, kHoldconn, true, {}},
      {kHoldconn, kActive, false, {}},
      {kHoldconn, kPassive, false, {}},
      {kHoldconn, kActpass, false, {}},
      {kHoldconn, kHoldconn, true, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(to_string(row.offered)) + " -> " + std::string(to_string(row.answered)));
    EXPECT_EQ(is_setup_answer(row.offered, row.answered), row.valid);
    if (!row.valid) continue;
    EXPECT_EQ(our_dtls_role(row.offered, row.answered), row.offerer) << "we offered";
    const auto answerer = our_dtls_role(row.answered, row.offered);
    ASSERT_EQ(answerer.has_value(), row.offerer.has_value());
    if (answerer) {
      EXPECT_NE(*answerer, *row.offerer) << "the two ends have different roles";
    }
  }
}

TEST(DtlsRole, TwoOfTheSameKindHaveNoRole) {
  for (const DtlsSetup setup : {kActive, kPassive, kActpass, kHoldconn}) {
    EXPECT_EQ(our_dtls_role(setup, setup), std::nullopt);
  }
}

TEST(DtlsRole, OurAnswerIsPassiveTowardsAnOpenOfferer) {
  EXPECT_EQ(setup_to_answer(kActpass), kPassive);
  EXPECT_EQ(setup_to_answer(kActive), kPassive);
  EXPECT_EQ(setup_to_answer(kPassive), kActive);
  EXPECT_EQ(setup_to_answer(kHoldconn), kHoldconn);
  for (const DtlsSetup offered : {kActive, kPassive, kActpass, kHoldconn}) {
    EXPECT_TRUE(is_setup_answer(offered, setup_to_answer(offered)));
  }
}

TEST(DtlsRole, AnOpenReofferKeepsTheRoleOfTheAssociation) {
  EXPECT_EQ(setup_to_answer(kActpass, DtlsRole::kClient), kActive);
  EXPECT_EQ(setup_to_answer(kActpass, DtlsRole::kServer), kPassive);
  EXPECT_EQ(setup_to_answer(kActive, DtlsRole::kClient), kPassive) << "the offerer insists: roles change";
  EXPECT_EQ(setup_to_answer(kPassive, DtlsRole::kServer), kActive);
}

DtlsAssociationTerms terms() {
  DtlsAssociationTerms terms;
  terms.our_fingerprints = {taken("sha-256 " + digest_text(32, "01"))};
  terms.their_fingerprints = {taken("sha-256 " + digest_text(32, "02")), taken("sha-1 " + digest_text(20))};
  terms.our_transport = {proto::IpAddress::from_ipv4(0xc6120001), 0, 20000};
  terms.their_transport = {proto::IpAddress::from_ipv4(0xc6120002), 0, 30000};
  return terms;
}

TEST(DtlsAssociation, TheSameTermsKeepIt) {
  EXPECT_FALSE(needs_new_association(terms(), terms()));
  DtlsAssociationTerms now = terms();
  std::swap(now.their_fingerprints[0], now.their_fingerprints[1]);
  EXPECT_FALSE(needs_new_association(terms(), now)) << "a set has no order";
}

TEST(DtlsAssociation, AnyChangedTermNeedsANewOne) {
  DtlsAssociationTerms now = terms();
  now.our_role = DtlsRole::kClient;
  EXPECT_TRUE(needs_new_association(terms(), now));
  now = terms();
  now.their_fingerprints.pop_back();
  EXPECT_TRUE(needs_new_association(terms(), now)) << "removed";
  EXPECT_TRUE(needs_new_association(now, terms())) << "added";
  now = terms();
  now.our_fingerprints[0].digest[31] ^= 1;
  EXPECT_TRUE(needs_new_association(terms(), now)) << "modified";
  now = terms();
  now.their_tls_id = "abc3de65cddef001be82";
  EXPECT_TRUE(needs_new_association(terms(), now)) << "appeared";
  EXPECT_TRUE(needs_new_association(now, terms())) << "vanished";
}

TEST(DtlsAssociation, TransportCountsOnlyWithoutTlsIdAndIce) {
  DtlsAssociationTerms before = terms();
  DtlsAssociationTerms now = terms();
  now.their_transport.port = 31000;
  EXPECT_TRUE(needs_new_association(before, now));
  now.ice = true;
  EXPECT_FALSE(needs_new_association(before, now));
  now.ice = false;
  before.our_tls_id = now.our_tls_id = "abc3de65cddef001be82";
  EXPECT_TRUE(needs_new_association(before, now)) << "only one side says tls-id";
  before.their_tls_id = now.their_tls_id = "dbc8de77cddef001be90";
  EXPECT_FALSE(needs_new_association(before, now));
  now.their_tls_id.back() = '1';
  EXPECT_TRUE(needs_new_association(before, now));
}

}  // namespace
}  // namespace weir::sip
