#include "sip/trust.h"

#include <gtest/gtest.h>

#include "sip/parse.h"
#include "sip/write.h"

namespace weir::sip {
namespace {

TEST(Trust, NamesAreFoundInEverySpelling) {
  for (const std::string_view name : {"P-Asserted-Identity",
                                      "p-asserted-identity",
                                      "P-Preferred-Identity",
                                      "Identity",
                                      "y",
                                      "Y",
                                      "Identity-Info",
                                      "n",
                                      "Privacy",
                                      "Diversion",
                                      "CC-Diversion",
                                      "History-Info",
                                      "Remote-Party-ID",
                                      "RPID-Privacy",
                                      "P-Access-Network-Info",
                                      "P-Charging-Vector",
                                      "P-Never-Heard-Of",
                                      "X-Asserted-Identity",
                                      "x-anything",
                                      "P_Asserted_Identity",
                                      "PAssertedIdentity",
                                      "P%2DAsserted%2dIdentity",
                                      "%50-Foo",
                                      "p.a",
                                      "-P-Foo",
                                      "Remote_Party_ID",
                                      "remotepartyid",
                                      "History-Info'",
                                      "Attestation-Info",
                                      "P-"}) {
    EXPECT_TRUE(is_trust_header(name)) << name;
  }
  for (const std::string_view name : {"", "Via", "v", "From", "To", "Path", "Proxy-Require", "Priority", "PRACK", "X",
                                      "Xylophone", "Record-Route", "Reply-To", "Refer-To", "Reason", "i", "Identify"}) {
    EXPECT_FALSE(is_trust_header(name)) << name;
  }
}

TEST(Trust, EveryKnownHeaderIsJudgedByItsName) {
  for (std::size_t i = 1; i < kHeaderIdCount; ++i) {
    const auto id = static_cast<HeaderId>(i);
    const bool trust = id == HeaderId::kPAssertedIdentity || id == HeaderId::kPPreferredIdentity ||
                       id == HeaderId::kIdentity || id == HeaderId::kIdentityInfo || id == HeaderId::kPrivacy ||
                       id == HeaderId::kDiversion || id == HeaderId::kHistoryInfo || id == HeaderId::kRemotePartyId ||
                       id == HeaderId::kPAccessNetworkInfo || id == HeaderId::kPChargingVector;
    EXPECT_EQ(is_trust_header(to_string(id)), trust) << to_string(id);
  }
}

constexpr std::string_view kHead =
    "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=f\r\nTo: "
    "<sip:b@h>\r\n"
    "Call-ID: c\r\nCSeq: 1 OPTIONS\r\n";

/// What every one of these lines gets that smuggles a trust header's name past readers.
enum class Fate : std::uint8_t { kRefused, kRemoved };

struct Disguise {
  std::string_view what;
  std::string before;  ///< of the name
  std::string after;   ///< of the name: up to the value
  Fate fate;
};

std::vector<Disguise> disguises() {
  using std::string;
  return {
      {"as it is", "", ": ", Fate::kRemoved},
      {"space before the colon", "", " : ", Fate::kRemoved},
      {"tabs before the colon", "", "\t\t:", Fate::kRemoved},
      {"folded after the colon", "", ":\r\n ", Fate::kRemoved},
      {"folded before the colon", "", "\r\n : ", Fate::kRefused},
      {"folded in the middle of nothing", "", ":\r\n \r\n\t", Fate::kRemoved},
      {"control byte before the colon", "", "\x01: ", Fate::kRefused},
      {"vertical tab before the colon", "", "\v: ", Fate::kRefused},
      {"NUL before the colon", "", string("\0: ", 3), Fate::kRefused},
      {"quoted NUL before the colon", "", string("\\\0: ", 4), Fate::kRefused},
      {"no-break space before the colon", "", "\xc2\xa0: ", Fate::kRefused},
      {"invalid UTF-8 before the colon", "", "\xff: ", Fate::kRefused},
      {"byte order mark before the name", "\xef\xbb\xbf", ": ", Fate::kRefused},
      {"space before the name of the first header", "X-A: b\r\n ", "\r\n: ", Fate::kRefused},
      {"backspace before the name", "x\b", ": ", Fate::kRefused},
      {"no colon", "", " ", Fate::kRefused},
      {"after a bare LF", "Subject: a\n", ": ", Fate::kRefused},
      {"after a bare CR", "Subject: a\r", ": ", Fate::kRefused},
      {"after two LF", "Subject: a\n\n", ": ", Fate::kRefused},
      {"after LF CR", "Subject: a\n\r", ": ", Fate::kRefused},
      {"after a NUL", string("Subject: a\0", 11), ": ", Fate::kRefused},
      {"after a quoted CR", "Subject: \"a\\\r", ": ", Fate::kRefused},
      {"after a quoted LF", "Subject: \"a\\\n", ": ", Fate::kRefused},
      {"after a form feed", "Subject: a\f", ": ", Fate::kRefused},
      {"with a punctuation mark", "", "!: ", Fate::kRemoved},
      {"with an escape", "%2D", ": ", Fate::kRemoved},
  };
}

constexpr std::string_view kNames[] = {"P-Asserted-Identity",
                                       "P-Preferred-Identity",
                                       "Identity",
                                       "Privacy",
                                       "Diversion",
                                       "History-Info",
                                       "Remote-Party-ID",
                                       "P-Access-Network-Info",
                                       "P-Charging-Vector",
                                       "X-Authenticated-User",
                                       "y"};

TEST(Trust, NoDisguiseCrosses) {
  for (const std::string_view name : kNames) {
    for (const Disguise& disguise : disguises()) {
      // Those that add to the letters of a compact form make it another header.
      if (name == "y" && disguise.before == "%2D") continue;
      const std::string line = disguise.before + std::string(name) + disguise.after + "<sip:boss@h>\r\n";
      ParseResult result = parse_message(std::string(kHead) + line + "\r\n");
      EXPECT_EQ(result.ok(), disguise.fate == Fate::kRemoved) << name << ": " << disguise.what;
      if (!result.ok()) continue;
      remove_trust_headers(result.message());
      EXPECT_EQ(write(result.message()), std::string(kHead) + "Content-Length: 0\r\n\r\n")
          << name << ": " << disguise.what;
    }
  }
}

TEST(Trust, AllOfSeveralAreRemovedAndNothingElse) {
  ParseResult result = parse_message(std::string(kHead) +
                                     "P-Asserted-Identity: <sip:a@h>\r\nSubject: P-Asserted-Identity: <sip:a@h>\r\n"
                                     "y: a;info=b\r\nIdentity: c;info=d\r\np-asserted-identity : <tel:+1>\r\n"
                                     "Contact: <sip:a@h>;x=P-Asserted-Identity\r\nP-Asserted-Identity:\r\n"
                                     " <sip:b@h>\r\nUser-Agent: x\r\n\r\n");
  ASSERT_TRUE(result.ok());
  remove_trust_headers(result.message());
  EXPECT_EQ(write(result.message()),
            std::string(kHead) +
                "Subject: P-Asserted-Identity: <sip:a@h>\r\nContact: "
                "<sip:a@h>;x=P-Asserted-Identity\r\nUser-Agent: x\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace
}  // namespace weir::sip
