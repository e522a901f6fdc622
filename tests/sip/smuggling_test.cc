// Whatever disguise a trust header comes in, another reader finds none in what goes on: libosip2's parser, which
// forgives much, reads our serialisation of what we took and stripped.
#include <gtest/gtest.h>
#include <osipparser2/osip_parser.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sip/parse.h"
#include "sip/trust.h"
#include "sip/write.h"

namespace weir::sip {
namespace {

constexpr std::string_view kNames[] = {"p-asserted-identity",
                                       "p-preferred-identity",
                                       "identity",
                                       "privacy",
                                       "diversion",
                                       "history-info",
                                       "remote-party-id",
                                       "p-charging-vector",
                                       "p-access-network-info"};

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

template <typename Pieces>
std::string one_of(Random& random, const Pieces& pieces) {
  return std::string(pieces[below(random, std::size(pieces))]);
}

std::string in_random_case(Random& random, std::string text) {
  for (char& c : text) {
    if (below(random, 2) == 0) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return text;
}

/// The usual first one two times of three, so that most headers are disguised in one place or two.
template <typename Pieces>
std::string mostly_first(Random& random, const Pieces& pieces) {
  return below(random, 3) != 0 ? std::string(pieces[0]) : one_of(random, pieces);
}

/// A trust header under a disguise: bytes before it that pretend to be something else, in its name, before its colon,
/// before its value, and after it.
std::string disguised(Random& random) {
  using namespace std::string_view_literals;
  constexpr std::string_view kBefore[] = {""sv,
                                          " "sv,
                                          "\t"sv,
                                          "X: y\r\n"sv,
                                          "X: y\n"sv,
                                          "X: y\r"sv,
                                          "X: y\0"sv,
                                          "X: \\"sv,
                                          "X: \"\r\n"sv,
                                          "X: y\r\n "sv,
                                          "X: y\r\n\t"sv,
                                          "X:\r\n"sv,
                                          "X: y\\\n"sv,
                                          "X: y\\\r"sv,
                                          "X: y\v"sv,
                                          "X: y\f"sv,
                                          "X: y\x85"sv,
                                          "X: y\xe2\x80\xa8"sv,
                                          "\xef\xbb\xbf"sv,
                                          "\r\n"sv,
                                          "\n"sv,
                                          "\n\n"sv,
                                          "a,"sv,
                                          "\x08"sv,
                                          ":"sv,
                                          "%0d%0a"sv,
                                          "X: <\n>"sv};
  constexpr std::string_view kColon[] = {":"sv,     " :"sv,  "\t:"sv,       "  \t :"sv, "\r\n :"sv, "\0:"sv, "\\\0:"sv,
                                         "\x01:"sv, "\v:"sv, "\xc2\xa0:"sv, "\xff:"sv,  "::"sv,     ""sv,    " "sv,
                                         "=:"sv,    "!:"sv,  "':"sv,        "\\:"sv,    "\n:"sv,    "\r:"sv};
  constexpr std::string_view kValue[] = {" "sv,   ""sv,   "\r\n "sv, "\r\n\t"sv, "\t"sv,
                                         "\n "sv, "\0"sv, "\\\0"sv,  "\xff"sv};
  constexpr std::string_view kEnd[] = {"\r\n"sv, "\n"sv, "\r"sv, "\r\n\r\n"sv, "\r\n \r\n"sv, "\0\r\n"sv, "\\\r\n"sv};
  std::string name = in_random_case(random, one_of(random, kNames));
  if (below(random, 12) == 0) name = below(random, 2) == 0 ? "y" : "Y";
  if (below(random, 12) == 0) name.insert(below(random, name.size() + 1), one_of(random, kColon));
  return mostly_first(random, kBefore) + name + mostly_first(random, kColon) + mostly_first(random, kValue) +
         "<sip:boss@h>" + mostly_first(random, kEnd);
}

/// An OPTIONS with one to three of them somewhere among its headers.
std::string smuggler(Random& random) {
  std::vector<std::string> lines{"Via: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKa\r\n",
                                 "From: <sip:a@h>;tag=f\r\n",
                                 "To: \"x\\\" y\" <sip:b@h>\r\n",
                                 "Call-ID: c\r\n",
                                 "CSeq: 1 OPTIONS\r\n",
                                 "Subject: hello\r\n",
                                 "Contact: <sip:a@h>\r\n"};
  for (std::size_t count = 1 + below(random, 2); count > 0; --count) {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(below(random, lines.size() + 1)), disguised(random));
  }
  std::string text = "OPTIONS sip:b@h SIP/2.0\r\n";
  for (const std::string& line : lines) text += line;
  return text + "\r\n";
}

/// Whether another parser sees a trust header in these bytes; false too if it refuses them.
bool osip_sees_trust(const std::string& text) {
  osip_message_t* message = nullptr;
  EXPECT_EQ(osip_message_init(&message), 0);
  const std::unique_ptr<osip_message_t, decltype(&osip_message_free)> owned(message, &osip_message_free);
  if (osip_message_parse(message, text.data(), text.size()) != 0) return false;
  for (int i = 0; i < osip_list_size(&message->headers); ++i) {
    const auto* const header = static_cast<const osip_header_t*>(osip_list_get(&message->headers, i));
    std::string name(header->hname == nullptr ? "" : header->hname);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    name.erase(std::remove_if(name.begin(), name.end(), [](unsigned char c) { return std::isspace(c); }), name.end());
    if (name == "y" || std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames)) return true;
  }
  return false;
}

TEST(Smuggling, AnotherReaderFindsNoTrustHeaderInWhatWeSend) {
  ASSERT_EQ(parser_init(), 0);
  osip_trace_initialize_func(TRACE_LEVEL0, [](const char*, int, osip_trace_level_t, const char*, va_list) {});
  constexpr std::size_t kMessages = 50'000;
  Random random(3325);
  std::size_t seen_in_original = 0;
  std::size_t seen_before_removal = 0;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < kMessages; ++i) {
    const std::string text = smuggler(random);
    seen_in_original += osip_sees_trust(text) ? 1 : 0;
    ParseResult result = parse_message(text);
    if (!result.ok()) continue;
    ++taken;
    seen_before_removal += osip_sees_trust(write(result.message())) ? 1 : 0;
    remove_trust_headers(result.message());
    const std::string written = write(result.message());
    ASSERT_FALSE(osip_sees_trust(written)) << testing::PrintToString(text) << "\n" << testing::PrintToString(written);
  }
  // The disguises are real ones, and not all of them are refused outright.
  EXPECT_GT(seen_in_original, kMessages / 4);
  EXPECT_GT(seen_before_removal, kMessages / 10);
  EXPECT_GT(taken, kMessages / 5);
  RecordProperty("seen_in_original", static_cast<int>(seen_in_original));
  RecordProperty("taken", static_cast<int>(taken));
}

}  // namespace
}  // namespace weir::sip
