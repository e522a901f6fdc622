#include "dataplane/options.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::dataplane {
namespace {

std::variant<Options, int> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "weir-media");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return parse_options(static_cast<int>(pointers.size()), pointers.data());
}

TEST(Options, DefaultsAreThoseOfAnInstalledSystem) {
  const auto parsed = parse({});
  const Options* options = std::get_if<Options>(&parsed);
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->config, "/etc/weir/weir.toml");
  EXPECT_EQ(options->log_level, "info");
  EXPECT_FALSE(options->check);
  EXPECT_FALSE(options->discard_region);
}

TEST(Options, EachOptionIsTaken) {
  const auto parsed = parse({"--config", "x.toml", "--check", "--discard-region", "--log-level", "debug"});
  const Options* options = std::get_if<Options>(&parsed);
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->config, "x.toml");
  EXPECT_EQ(options->log_level, "debug");
  EXPECT_TRUE(options->check);
  EXPECT_TRUE(options->discard_region);
}

TEST(Options, HelpAndVersionEndWellAndMistakesDoNot) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const auto help = parse({"--help"});
  const auto version = parse({"--version"});
  const auto unknown = parse({"--no-such-option"});
  const auto level = parse({"--log-level", "loud"});
  const std::string printed = testing::internal::GetCapturedStdout();
  const std::string complained = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::get<int>(help), 0);
  EXPECT_EQ(std::get<int>(version), 0);
  EXPECT_NE(std::get<int>(unknown), 0);
  EXPECT_NE(std::get<int>(level), 0);
  for (const char* word : {"--config", "--check", "--discard-region", "SIGTERM", "weir-media "}) {
    EXPECT_NE(printed.find(word), std::string::npos) << word;
  }
  EXPECT_NE(complained.find("no-such-option"), std::string::npos) << complained;
}

}  // namespace
}  // namespace weir::dataplane
