// [control] fifo: what a good one gives, and that every mistake is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proto/settings/settings.h"

namespace weir::proto::settings {
namespace {

using ::testing::HasSubstr;

std::string said(const std::string& fifo) {
  return to_string("f", read_settings("[control]\nfifo = " + fifo).mistakes);
}

TEST(FifoSettings, AreRead) {
  const FifoSettings fifo = read_settings(
                                R"([control]
fifo = { request = "/run/a", response = "/run/b", mode = "0620", owner = "weir", group = "ops" })")
                                .settings.control.fifo;
  EXPECT_EQ(fifo.request, "/run/a");
  EXPECT_EQ(fifo.response, "/run/b");
  EXPECT_EQ(fifo.mode, 0620u);
  EXPECT_EQ(fifo.owner, "weir");
  EXPECT_EQ(fifo.group, "ops");
}

TEST(FifoSettings, MistakesAreNamedWithTheirLine) {
  EXPECT_THAT(said(R"({ request = "/a" })"), HasSubstr("f:2: [fifo] response: is missing"));
  EXPECT_THAT(said(R"({ request = "a", response = "/b" })"), HasSubstr("'a' is not an absolute path"));
  EXPECT_THAT(said(R"({ request = "/a", response = "/a" })"), HasSubstr("is the request pipe itself"));
  EXPECT_THAT(said(R"({ request = "/a", response = "/b", other = 1 })"), HasSubstr("has no key 'other'"));
  for (const char* mode : {"660x", "8", "7777", "1660", "06600"}) {
    EXPECT_THAT(said(R"({ request = "/a", response = "/b", mode = ")" + std::string(mode) + "\" }"),
                HasSubstr("is no mode like \"0660\""))
        << mode;
  }
}

}  // namespace
}  // namespace weir::proto::settings
