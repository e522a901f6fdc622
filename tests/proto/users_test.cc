// The users file: what a good one gives, that every mistake is named with its line, and that none shows a secret.
#include "proto/settings/users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace weir::proto::settings {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kMd5 = "939e7578ed9e3c518a452acee763bce9";
constexpr const char* kSha256 = "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232";

Settings settings() {
  Settings settings;
  settings.realms.emplace_back();
  settings.realms.back().registrar.domains = {"example.com", "198.18.1.1"};
  return settings;
}

TEST(Users, AreReadWithPasswordOrHashes) {
  const UsersReading reading =
      read_users(std::string(R"([[user]]
name = "alice"
domain = "Example.com"
password = "secret"
[[user]]
name = "bob"
domain = "example.com"
ha1_md5 = ")") + "939E7578ed9e3c518a452acee763bce9" +
                     "\"\nha1_sha256 = \"" + kSha256 + "\"\nmay_register = [\"bob\", \"+441632960123\"]\n",
                 settings());
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  ASSERT_EQ(reading.users.size(), 2u);
  EXPECT_EQ(reading.users[0].domain, "example.com");
  EXPECT_EQ(reading.users[0].password, "secret");
  EXPECT_EQ(reading.users[0].may_register, std::vector<std::string>{"alice"});
  EXPECT_EQ(reading.users[1].ha1[0], kMd5);
  EXPECT_EQ(reading.users[1].ha1[1], kSha256);
  EXPECT_EQ(reading.users[1].may_register, (std::vector<std::string>{"bob", "+441632960123"}));
}

TEST(Users, MistakesAreNamedAndShowNoSecret) {
  struct Row {
    std::string text;
    const char* reason;
  };
  const Row rows[] = {
      {"name = \"a\"\ndomain = \"other.com\"\npassword = \"hush\"",
       "f:1: user 'a': no realm's registrar has 'other.com'"},
      {"name = \"a\"\ndomain = \"example.com\"\nha1_sha256 = \"hush\"", "must be 64 hexadecimal digits"},
      {std::string("name = \"a\"\ndomain = \"example.com\"\nha1_md5 = \"") + kMd5 + "\"",
       "user 'a': has no ha1_sha256 and no password"},
      {"name = \"a\"\ndomain = \"example.com\"", "has no ha1_md5 and no password"},
      {"name = \"a:b\"\ndomain = \"example.com\"\npassword = \"hush\"", "holds a colon, a quote or a backslash"},
      {std::string("name = \"a\"\ndomain = \"example.com\"\npassword = \"hush\"\nha1_md5 = \"") + kMd5 + "\"",
       "one of them"},
      {"name = \"a\"\ndomain = \"example.com\"\npassword = \"hush\"\n[[user]]\nname = \"a\"\ndomain = \"EXAMPLE.com\"\n"
       "password = \"hush\"",
       "f:5: user 'a' of example.com is there twice"},
      {"name = \"a\"\ndomain = \"example.com\"\npassword = \"hush", "is no TOML"},
      {"domain = \"example.com\"\npassword = \"hush\"", "[[user]] name: is missing"},
      {"name = \"a\"\ndomain = \"example.com\"\npassword = \"hush\"\nother = 1", "has no key 'other'"},
  };
  for (const Row& row : rows) {
    const std::string said = to_string("f", read_users("[[user]]\n" + row.text, settings()).mistakes);
    EXPECT_THAT(said, HasSubstr(row.reason));
    EXPECT_THAT(said, Not(HasSubstr("hush")));
    EXPECT_THAT(said, Not(HasSubstr(kMd5)));
  }
}

TEST(UsersFile, IsReadOrSaysWhyNot) {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/users.toml";
  EXPECT_THAT(to_string("f", read_users_file(path, settings()).mistakes), HasSubstr("No such file"));
  std::ofstream(path) << "[[user]]\nname = \"a\"\ndomain = \"example.com\"\npassword = \"p\"\n";
  const UsersReading reading = read_users_file(path, settings());
  EXPECT_EQ(to_string("f", reading.mistakes), "");
  EXPECT_EQ(reading.users.size(), 1u);
}

}  // namespace
}  // namespace weir::proto::settings
