// What makes bytes a message, beside the torture messages of message_rfc_test.cc: limits, smuggling, silence.
#include "sip/parse.h"

#include <gtest/gtest.h>

#include "sip/write.h"
#include "tests/sip/torture_messages.h"

namespace weir::sip {
namespace {

constexpr std::string_view kHead =
    "Via: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=f\r\nTo: <sip:b@h>\r\nCall-ID: c\r\n";

std::string options(std::string_view more, std::string_view body = "") {
  return "OPTIONS sip:b@h SIP/2.0\r\n" + std::string(kHead) + "CSeq: 1 OPTIONS\r\n" + std::string(more) + "\r\n" +
         std::string(body);
}

struct Refusal {
  std::uint16_t status;
  std::string_view reason;
  bool operator==(const Refusal&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
  return out << refusal.status << " " << refusal.reason;
}

/// {0, ""} if it is no refusal at all.
Refusal refusal(std::string_view bytes) {
  const ParseResult result = parse_message(bytes);
  return result.ok() ? Refusal{0, ""} : Refusal{result.error().status, result.error().reason};
}

TEST(Parse, AMinimalRequestIsTaken) {
  EXPECT_EQ(refusal(options("")), (Refusal{0, ""}));
  EXPECT_EQ(refusal("\r\n\r\n" + options("Content-Length: 0\r\n")), (Refusal{0, ""}));
}

TEST(Parse, WithoutContentLengthTheBodyIsTheRestOfTheDatagram) {
  EXPECT_EQ(parse_message(options("", "rest")).message().body(), "rest");
  EXPECT_EQ(parse_message(options("l: 2\r\n", "rest")).message().body(), "re");
}

TEST(Parse, BodiesMayHoldAnyByte) {
  std::string body;
  for (int i = 0; i < 256; ++i) body += static_cast<char>(i);
  const ParseResult result = parse_message(options("", body));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.message().body(), body);
  EXPECT_EQ(parse_message(write(result.message())).message().body(), body);
}

TEST(Parse, KeepAlivesAreSilent) {
  for (const std::string_view bytes : {std::string_view(""), std::string_view("\r\n"), std::string_view("\r\n\r\n"),
                                       std::string_view("\0\0\0\0", 4), std::string_view("\0", 1)}) {
    EXPECT_EQ(refusal(bytes).status, 0) << bytes.size();
    EXPECT_FALSE(parse_message(bytes).ok());
  }
}

TEST(Parse, ControlCharactersInTheHeadAreRefused) {
  const Refusal control{400, "Control Character In Header"};
  EXPECT_EQ(refusal(options("Subject: a\nX: b\r\n")), control);
  EXPECT_EQ(refusal(options("Subject: a\rX: b\r\n")), control);
  EXPECT_EQ(refusal(options("Subject: a\r\r\n")), control);
  EXPECT_EQ(refusal(options(std::string_view("Subject: a\0b\r\n", 14))), control);
  EXPECT_EQ(refusal(options("Subject: a\n\nINVITE sip:x SIP/2.0\r\n")), control);
  for (int c = 1; c < 256; ++c) {
    const std::string value = "Subject: an even longer text than one step is " + std::string(1, static_cast<char>(c));
    const bool bad = (c < 0x20 && c != '\t') || c == 0x7f;
    EXPECT_EQ(refusal(options(value + "b\r\n")), bad ? control : (Refusal{0, ""})) << c;
    EXPECT_EQ(refusal(options(value.substr(0, value.size() - 1) + '\\' + value.back() + "b\r\n")),
              c == '\r' || c == '\n' ? control : (Refusal{0, ""}))
        << "quoted " << c;
  }
}

TEST(Parse, HeaderLinesHaveANameAndAColon) {
  const Refusal malformed{400, "Malformed Header Line"};
  EXPECT_EQ(refusal(options("NoColon\r\n")), malformed);
  EXPECT_EQ(refusal(options(": value\r\n")), malformed);
  EXPECT_EQ(refusal(options("Two Words: value\r\n")), malformed);
  EXPECT_EQ(refusal(options("Name\x01: value\r\n")), malformed);
  EXPECT_EQ(refusal("OPTIONS sip:b@h SIP/2.0\r\n folded: x\r\n" + std::string(kHead) + "CSeq: 1 OPTIONS\r\n\r\n"),
            malformed);
  EXPECT_EQ(refusal(options("Subject \t : value\r\n")), (Refusal{0, ""}));
}

TEST(Parse, ASecondSingleHeaderIsRefusedInEitherForm) {
  const Refusal repeated{400, "Repeated Header"};
  for (const std::string_view line :
       {"From: <sip:a@h>;tag=f\r\n", "f: <sip:a@h>\r\n", "t: <sip:b@h>\r\n", "i: c\r\n", "CSEQ: 1 OPTIONS\r\n",
        "Content-Length: 0\r\nl: 0\r\n", "Max-Forwards: 1\r\nMax-Forwards: 1\r\n", "c: a/b\r\nContent-Type: a/b\r\n"}) {
    EXPECT_EQ(refusal(options(line)), repeated) << line;
  }
}

TEST(Parse, EveryMandatoryHeaderIsMissedByName) {
  struct Row {
    std::string_view name;
    Refusal refusal;
  };
  for (const Row& row : {Row{"Via", {0, "Missing Via Header"}}, Row{"From", {400, "Missing From Header"}},
                         Row{"To", {400, "Missing To Header"}}, Row{"Call-ID", {400, "Missing Call-ID Header"}},
                         Row{"CSeq", {400, "Missing CSeq Header"}}}) {
    std::string text = options("");
    const std::size_t at = text.find("\r\n" + std::string(row.name) + ":") + 2;
    text.erase(at, text.find("\r\n", at) + 2 - at);
    EXPECT_EQ(refusal(text), row.refusal);
  }
}

TEST(Parse, MalformedNumbersAreRefused) {
  EXPECT_EQ(refusal(options("Max-Forwards: 256\r\n")).reason, "Malformed Max-Forwards Header");
  EXPECT_EQ(refusal(options("Max-Forwards: 7 0\r\n")).reason, "Malformed Max-Forwards Header");
  for (const std::string_view value : {"", "-1", "+1", "0x0", "0,0", "0 0", "65536", "99999999999999999999999"}) {
    EXPECT_EQ(refusal(options("Content-Length: " + std::string(value) + "\r\n")).reason,
              "Malformed Content-Length Header")
        << value;
  }
}

TEST(Parse, MalformedCallIdsAndRoutesAreRefused) {
  for (const std::string_view value : {"", "a b", "a@b@c", "@b", "a@", "a,b;c"}) {
    std::string text = options("");
    text.replace(text.find("Call-ID: c"), 10, "Call-ID: " + std::string(value));
    EXPECT_EQ(refusal(text).reason, "Malformed Call-ID Header") << value;
  }
  EXPECT_EQ(refusal(options("Route: <sip:a@h;lr>, x\r\n")).reason, "Malformed Route Header");
  EXPECT_EQ(refusal(options("Record-Route: <sip:a@h;lr\r\n")).reason, "Malformed Record-Route Header");
  EXPECT_EQ(refusal(options("Contact: *\r\n")), (Refusal{0, ""}));
}

TEST(Parse, AnEmptyTopViaIsAnsweredByNobody) {
  std::string text = options("");
  for (const std::string_view empty : {"Via:\r\n", "Via: , ,\r\n"}) {
    std::string with_empty = text;
    with_empty.insert(text.find("Via:"), empty);
    EXPECT_EQ(refusal(with_empty), (Refusal{0, "Malformed Via Header"}));
  }
}

TEST(Parse, FromAndToHaveAtMostOneTagAndThatWithAValue) {
  for (const std::string_view tags : {";tag", ";tag=a;tag=b", ";tag;tag=a", ";tag=a;TAG=a"}) {
    std::string text = options("");
    text.insert(text.find("<sip:b@h>") + 9, tags);
    EXPECT_EQ(refusal(text), (Refusal{400, "Malformed To Header"})) << tags;
  }
}

TEST(Parse, StartLinesAreJudged) {
  const auto with = [](std::string_view line) {
    return refusal(std::string(line) + "\r\n" + std::string(kHead) + "CSeq: 1 OPTIONS\r\n\r\n");
  };
  EXPECT_EQ(with("OPTIONS sip:b@h SIP/3.0"), (Refusal{505, "Version Not Supported"}));
  EXPECT_EQ(with("OPTIONS sip:b@h sip/2.0"), (Refusal{0, ""}));
  EXPECT_EQ(with("OPTIONS sip:b@h HTTP/1.1"), (Refusal{400, "Malformed Request Line"}));
  EXPECT_EQ(with("OPTIONS sip:b@h"), (Refusal{400, "Malformed Request Line"}));
  EXPECT_EQ(with("OPTIONS"), (Refusal{400, "Malformed Request Line"}));
  EXPECT_EQ(with("").status, 0) << "an empty line is skipped: the Via is read as a start line, and missed";
  EXPECT_EQ(with("OPT@IONS sip:b@h SIP/2.0"), (Refusal{400, "Malformed Request Line"}));
  EXPECT_EQ(with("OPTIONS x SIP/2.0"), (Refusal{400, "Malformed Request-URI"}));
}

TEST(Parse, MalformedResponsesAndAcksAreSilent) {
  const auto silent = [](std::string_view bytes) { return !parse_message(bytes).ok() && refusal(bytes).status == 0; };
  const std::string ack = "ACK sip:b@h SIP/2.0\r\n" + std::string(kHead) + "CSeq: 1 INVITE\r\n\r\n";
  EXPECT_TRUE(silent(ack));
  for (const std::string_view line : {"SIP/2.0 99 x", "SIP/2.0 700 x", "SIP/2.0 2000 x", "SIP/3.0 200 OK", "SIP/2.0",
                                      "SIP/2.0  200 OK", "SIP/2.0 20x OK", "SIP/2.0 200OK"}) {
    EXPECT_TRUE(silent(std::string(line) + "\r\n" + std::string(kHead) + "CSeq: 1 OPTIONS\r\n\r\n")) << line;
  }
  EXPECT_EQ(refusal("SIP/2.0 200\r\n" + std::string(kHead) + "CSeq: 1 OPTIONS\r\n\r\n"), (Refusal{0, ""}));
}

TEST(Parse, LimitsAreKept) {
  std::string many;
  for (std::size_t i = 0; i < kHeadersMax; ++i) many += "X-A: y\r\n";
  EXPECT_EQ(refusal(options(many)), (Refusal{513, "Too Many Headers"}));
  std::string vias;
  for (std::size_t i = 0; i < kViasMax - 1; ++i) vias += "v: SIP/2.0/UDP h\r\n";
  EXPECT_EQ(refusal(options(vias)), (Refusal{0, ""}));
  EXPECT_EQ(refusal(options(vias + "v: SIP/2.0/UDP h\r\n")), (Refusal{400, "Too Many Via Headers"}));
  EXPECT_EQ(refusal(options("X-A: " + std::string(kHeaderLineBytesMax, 'x') + "\r\n")),
            (Refusal{400, "Header Line Too Long"}));
  std::string big;
  while (big.size() < kHeadBytesMax) big += "X-A: " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(refusal(options(big)), (Refusal{513, "Headers Too Large"}));
  EXPECT_EQ(refusal(options("", std::string(kMessageBytesMax, 'x'))), (Refusal{513, "Message Too Large"}));
}

TEST(Parse, EveryTruncationOfAMessageIsRefusedOrShorterInItsBody) {
  const std::string whole = torture("wsinv");
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_FALSE(parse_message(std::string_view(whole).substr(0, bytes)).ok()) << bytes;
  }
}

TEST(Parse, UnfoldedValuesHoldNoLineEnds) {
  const ParseResult result = parse_message(options("Subject: a\r\n b\r\n\t\r\n c\r\nX-A:\r\n  \r\n"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.message().header(HeaderId::kSubject), "a   b  \t   c");
  EXPECT_EQ(result.message().header("X-A"), "");
}

}  // namespace
}  // namespace weir::sip
