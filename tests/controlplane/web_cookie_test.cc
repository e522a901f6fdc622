// Which cookie is meant, and that there is one alone. RFC 6265.
#include "controlplane/web_cookie.h"

#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

struct Row {
  std::string_view header;
  CookieCount count;
  std::string_view value;
};

TEST(WebCookie, IsFoundByItsWholeName) {
  const Row rows[] = {
      {"weir=abc", CookieCount::kOne, "abc"},
      {"a=1; weir=abc; b=2", CookieCount::kOne, "abc"},
      {"a=1;weir=abc;", CookieCount::kOne, "abc"},
      {"weir=\"abc\"", CookieCount::kOne, "abc"},
      {"weir=\"", CookieCount::kOne, "\""},
      {"weir=a=b", CookieCount::kOne, "a=b"},
      {"weir=", CookieCount::kOne, ""},
      {"weir", CookieCount::kNone, ""},
      {"Weir=abc", CookieCount::kNone, ""},
      {"xweir=abc; weirx=abc", CookieCount::kNone, ""},
      {"a=weir=abc", CookieCount::kNone, ""},
      {"", CookieCount::kNone, ""},
      {";;= ;", CookieCount::kNone, ""},
  };
  for (const Row& row : rows) {
    std::string_view value;
    EXPECT_EQ(find_cookie(row.header, "weir", value), row.count) << row.header;
    EXPECT_EQ(value, row.value) << row.header;
  }
}

TEST(WebCookie, TwoOfOneNameAreNeither) {
  std::string_view value;
  EXPECT_EQ(find_cookie("weir=a; weir=b", "weir", value), CookieCount::kSeveral);
  EXPECT_EQ(find_cookie("weir=a; x=1; weir=a", "weir", value), CookieCount::kSeveral);
}

}  // namespace
}  // namespace weir::controlplane
