// RFC 4475 and RFC 5118: every message gets what its section says, as a datagram and as a stream.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sip/framer.h"
#include "sip/multipart.h"
#include "sip/parse.h"
#include "sip/sdp_parse.h"
#include "sip/write.h"
#include "tests/sip/torture_messages.h"

namespace weir::sip {
namespace {

/// What the framer makes of a message that comes as a stream.
enum class Stream : std::uint8_t {
  kMessage,  ///< the message, whole; what parse_message says of it is the same as of the datagram
  kCut,      ///< the message as its Content-Length has it, shorter than the datagram
  kWaits,    ///< Content-Length says more than there is: the rest may still come
  kRefused,  ///< its length cannot be known: the connection ends
};

constexpr std::uint16_t kTaken = 0;
constexpr std::uint16_t kSilent = 1;  ///< a malformed response: nothing to answer

struct Row {
  std::string_view section;
  std::string_view name;
  std::uint16_t status = kTaken;
  std::string_view reason = {};
  Stream stream = Stream::kMessage;
};

/// Section numbers are RFC 4475's. Where a section leaves it open, the stricter reading is here; what a message that is
/// taken gets from the layers above (415, 416, 420, 483, ...) is theirs to show.
constexpr Row kRfc4475[] = {
    {"3.1.1.1", "wsinv"},
    {"3.1.1.2", "intmeth"},
    {"3.1.1.3", "esc01"},
    {"3.1.1.4", "escnull"},
    {"3.1.1.5", "esc02"},
    {"3.1.1.6", "lwsdisp"},
    {"3.1.1.7", "longreq"},
    {"3.1.1.8", "dblreq", kTaken, "", Stream::kCut},
    {"3.1.1.9", "semiuri"},
    {"3.1.1.10", "transports"},
    {"3.1.1.11", "mpart01"},
    {"3.1.1.12", "unreason"},
    {"3.1.1.13", "noreason"},
    {"3.1.2.1", "badinv01", 400, "Malformed Via Header"},
    {"3.1.2.2", "clerr", 400, "Body Shorter Than Content-Length", Stream::kWaits},
    {"3.1.2.3", "ncl", 400, "Malformed Content-Length Header", Stream::kRefused},
    {"3.1.2.4", "scalar02", 400, "Malformed CSeq Header"},
    {"3.1.2.5", "scalarlg", kSilent, "Malformed CSeq Header"},
    {"3.1.2.6", "quotbal", 400, "Malformed To Header"},
    {"3.1.2.7", "ltgtruri", 400, "Malformed Request-URI"},
    {"3.1.2.8", "lwsruri", 400, "Malformed Request-URI"},
    {"3.1.2.9", "lwsstart", 400, "Malformed Request-URI"},
    {"3.1.2.10", "trws", 400, "Malformed Request Line"},
    {"3.1.2.11", "escruri", 400, "Malformed Request-URI"},
    {"3.1.2.12", "baddate"},
    {"3.1.2.13", "regbadct", 400, "Malformed Contact Header"},
    {"3.1.2.14", "badaspec", 400, "Malformed To Header"},
    {"3.1.2.15", "baddn", 400, "Malformed From Header"},
    {"3.1.2.16", "badvers", 505, "Version Not Supported"},
    {"3.1.2.17", "mismatch01", 400, "CSeq Method Mismatch"},
    {"3.1.2.18", "mismatch02", 400, "CSeq Method Mismatch"},
    {"3.1.2.19", "bigcode", kSilent, "Malformed Status Line"},
    {"3.2.1", "badbranch"},
    {"3.3.1", "insuf", 400, "Missing From Header"},
    {"3.3.2", "unkscm"},
    {"3.3.3", "novelsc"},
    {"3.3.4", "unksm2"},
    {"3.3.5", "bext01"},
    {"3.3.6", "invut"},
    {"3.3.7", "regaut01"},
    {"3.3.8", "multi01", 400, "Repeated Header", Stream::kWaits},  // its Content-Length is two too many
    {"3.3.9", "mcl01", 400, "Repeated Header", Stream::kRefused},
    {"3.3.10", "bcast"},
    {"3.3.11", "zeromf"},
    {"3.3.12", "cparam01"},
    {"3.3.13", "cparam02"},
    {"3.3.14", "regescrt"},
    {"3.3.15", "sdp01"},
    {"3.4.1", "inv2543", kTaken, "", Stream::kRefused},
};

/// And RFC 5118's.
constexpr Row kRfc5118[] = {
    {"4.1", "ipv6-good"},
    {"4.2", "ipv6-bad", 400, "Malformed Request-URI"},
    {"4.3", "port-ambiguous"},
    {"4.4", "port-unambiguous"},
    {"4.5", "via-received-param-with-delim"},
    {"4.5", "via-received-param-no-delim"},
    {"4.6", "ipv6-in-sdp"},
    {"4.7", "mult-ip-in-header"},
    {"4.8", "mult-ip-in-sdp"},
    {"4.9", "ipv4-mapped-ipv6"},
    {"4.10", "ipv6-bug-abnf-3-colons"},
    {"4.10", "ipv6-correct-abnf-2-colons"},
};

std::vector<Row> all_rows() {
  std::vector<Row> rows(std::begin(kRfc4475), std::end(kRfc4475));
  rows.insert(rows.end(), std::begin(kRfc5118), std::end(kRfc5118));
  return rows;
}

class TortureMessage : public testing::TestWithParam<Row> {};

TEST(TortureList, EveryMessageAndEverySectionIsThere) {
  std::set<std::string> names;
  for (const Row& row : all_rows()) names.emplace(row.name);
  const std::vector<std::string> messages = torture_names();
  EXPECT_EQ(std::vector<std::string>(names.begin(), names.end()), messages);
  std::vector<std::string> sections;
  const auto count = [&sections](const std::string& chapter, int last) {
    for (int i = 1; i <= last; ++i) sections.push_back(chapter + std::to_string(i));
  };
  // As RFC 4475's table of contents has them.
  count("3.1.1.", 13);
  count("3.1.2.", 19);
  count("3.2.", 1);
  count("3.3.", 15);
  count("3.4.", 1);
  std::vector<std::string> rows;
  for (const Row& row : kRfc4475) rows.emplace_back(row.section);
  EXPECT_EQ(rows, sections);
  sections.clear();
  count("4.", 10);
  rows.clear();
  for (const Row& row : kRfc5118) rows.emplace_back(row.section);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  EXPECT_EQ(rows, sections);
}

TEST_P(TortureMessage, TheDatagramGetsWhatItsSectionSays) {
  const Row& row = GetParam();
  const ParseResult result = parse_message(torture(row.name));
  if (row.status == kTaken) {
    ASSERT_TRUE(result.ok()) << result.error().reason;
    return;
  }
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason, row.reason);
  EXPECT_EQ(result.error().status, row.status == kSilent ? 0 : row.status);
  if (result.error().silent()) return;
  const Message answer = make_response(result.error().fragment, row.status, row.reason, "t1");
  EXPECT_TRUE(answer.top_via()) << "it can be answered";
  EXPECT_FALSE(write(answer).empty());
}

/// The first frame of a stream that comes in chunks of that size; nothing to follow is kNone.
struct FirstFrame {
  FrameKind kind = FrameKind::kNone;
  std::string bytes;
  std::string reason;
  bool operator==(const FirstFrame&) const = default;
};

FirstFrame first_frame(std::string_view stream, std::size_t chunk_bytes) {
  Framer framer;
  for (; !stream.empty(); stream.remove_prefix(std::min(chunk_bytes, stream.size()))) {
    framer.feed(stream.substr(0, chunk_bytes));
    const Frame frame = framer.next();
    if (frame.kind != FrameKind::kNone) return {frame.kind, std::string(frame.bytes), std::string(frame.reason)};
  }
  return {};
}

TEST_P(TortureMessage, TheStreamIsCutTheSameWhateverItsChunks) {
  const std::string text = torture(GetParam().name);
  const FirstFrame whole = first_frame(text, text.size());
  for (const std::size_t chunk_bytes : {1u, 2u, 3u, 7u, 100u}) EXPECT_EQ(first_frame(text, chunk_bytes), whole);
  switch (GetParam().stream) {
    case Stream::kMessage:
      EXPECT_EQ(whole.kind, FrameKind::kMessage) << whole.reason;
      EXPECT_EQ(whole.bytes, text);
      return;
    case Stream::kCut:
      EXPECT_EQ(whole.kind, FrameKind::kMessage) << whole.reason;
      EXPECT_LT(whole.bytes.size(), text.size());
      EXPECT_TRUE(text.starts_with(whole.bytes));
      return;
    case Stream::kWaits:
      EXPECT_EQ(whole.kind, FrameKind::kNone);
      return;
    case Stream::kRefused:
      EXPECT_EQ(whole.kind, FrameKind::kError);
      return;
  }
}

TEST_P(TortureMessage, TheStreamsMessageGetsWhatTheDatagramGets) {
  const Row& row = GetParam();
  const std::string text = torture(row.name);
  const FirstFrame frame = first_frame(text, 1);
  if (frame.kind != FrameKind::kMessage) return;
  const ParseResult of_stream = parse_message(frame.bytes);
  const ParseResult of_datagram = parse_message(text);
  ASSERT_EQ(of_stream.ok(), of_datagram.ok());
  if (of_stream.ok()) {
    EXPECT_EQ(write(of_stream.message()), write(of_datagram.message()));
  } else {
    EXPECT_EQ(of_stream.error().reason, of_datagram.error().reason);
  }
}

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.section << " " << row.name;
}

INSTANTIATE_TEST_SUITE_P(Rfc, TortureMessage, testing::ValuesIn(all_rows()),
                         [](const testing::TestParamInfo<Row>& row) {
                           std::string name(row.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

Message parsed(std::string_view name) {
  ParseResult result = parse_message(torture(name));
  EXPECT_TRUE(result.ok()) << name;
  return result.ok() ? std::move(result.message()) : Message{};
}

TEST(TortureIpv6, AReferenceIsAHostAndItsPortStandsOutside) {
  EXPECT_EQ(parsed("ipv6-good").request_uri()->host, "2001:db8::10");
  EXPECT_EQ(parsed("ipv6-good").top_via()->host, "2001:db8::9:1");
  EXPECT_EQ(parsed("port-ambiguous").request_uri()->host, "2001:db8::10:5070");
  EXPECT_FALSE(parsed("port-ambiguous").request_uri()->port);
  EXPECT_EQ(parsed("port-unambiguous").request_uri()->host, "2001:db8::10");
  EXPECT_EQ(parsed("port-unambiguous").request_uri()->port, 5070);
}

TEST(TortureIpv6, ReceivedIsReadWithBracketsAndWithout) {
  EXPECT_EQ(parsed("via-received-param-with-delim").top_via()->received(), "2001:db8::9:255");
  EXPECT_EQ(parsed("via-received-param-no-delim").top_via()->received(), "2001:db8::9:255");
  EXPECT_EQ(parsed("via-received-param-no-delim").top_via()->branch(), "z9hG4bKas3");
}

TEST(TortureIpv6, AddressesOfBothFamiliesStandSideBySide) {
  const std::vector<Via> vias = parsed("mult-ip-in-header").vias();
  ASSERT_EQ(vias.size(), 3u);
  EXPECT_EQ(vias[0].host, "2001:db8::9:1");
  EXPECT_EQ(vias[0].port, 6050);
  EXPECT_EQ(vias[1].host, "192.0.2.1");
  EXPECT_EQ(vias[2].received(), "192.0.2.200");
  EXPECT_EQ(parsed("ipv4-mapped-ipv6").top_via()->host, "::ffff:192.0.2.10");
  EXPECT_EQ(parsed("ipv4-mapped-ipv6").contact()->uri.host, "::ffff:192.0.2.2");
  for (const std::string_view name : {"ipv6-in-sdp", "mult-ip-in-sdp", "ipv4-mapped-ipv6"}) {
    EXPECT_EQ(parse_sdp(sdp_body(parsed(name))).index(), 0u) << name;
  }
}

TEST(TortureIpv6, ThreeColonsBeforeAnIpv4AddressMeanTwo) {
  const Uri bug = *parsed("ipv6-bug-abnf-3-colons").request_uri();
  EXPECT_EQ(bug.host, "2001:db8::192.0.2.1");
  EXPECT_TRUE(equivalent(bug, *parsed("ipv6-correct-abnf-2-colons").request_uri()));
  EXPECT_EQ(parse_via("SIP/2.0/UDP [:::192.0.2.1]:5060")->host, "::192.0.2.1");
  for (const std::string_view uri : {"sip:[2001:db8:::1]", "sip:[::::192.0.2.1]", "sip:[1::2:::192.0.2.1]", "sip:[:::]",
                                     "sip:[2001:db8:::192.0.2]", "sip:[:::1.2.3.4:5]"}) {
    EXPECT_FALSE(parse_uri(uri)) << uri;
  }
}

}  // namespace
}  // namespace weir::sip
