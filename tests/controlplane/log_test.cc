#include "controlplane/log.h"

#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

TEST(Log, PlainValuesStandAsTheyAreAndOthersInQuotes) {
  EXPECT_EQ(log_line("sip", {{"call", 7}, {"uri", "sip:a@198.18.0.1:5060"}, {"reason", "Not Found"}, {"empty", ""}}),
            R"(sip call=7 uri=sip:a@198.18.0.1:5060 reason="Not Found" empty="")");
}

TEST(Log, NoByteEndsTheLineOrForgesAField) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = std::string("a") + static_cast<char>(byte) + "b";
    const std::string line = log_line("call", {{"from", value}});
    for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << byte;
  }
  EXPECT_EQ(log_line("call", {{"from", "x\r\n2026 call verdict=match"}}),
            R"(call from="x\x0d\x0a2026 call verdict=match")");
  EXPECT_EQ(log_line("call", {{"from", "x\" verdict=\"match"}}), R"(call from="x\" verdict=\"match")");
}

TEST(Log, ALongValueIsCut) {
  const std::string line = log_line("call", {{"from", std::string(10'000, 'x')}});
  EXPECT_LT(line.size(), kLogValueBytesMax + 20);
  EXPECT_TRUE(line.ends_with("..."));
}

TEST(Log, OnlyKnownLevelsAreTaken) {
  for (const char* level : {"debug", "info", "warning", "error"}) EXPECT_TRUE(start_log(level).ok()) << level;
  EXPECT_FALSE(start_log("verbose").ok());
}

}  // namespace
}  // namespace weir::controlplane
