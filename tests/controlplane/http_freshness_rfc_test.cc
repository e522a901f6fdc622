// Lifetimes of HTTP answers as RFC 9111 section 4.2 counts them.
#include "controlplane/http_freshness.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace weir::controlplane {
namespace {

struct Row {
  const char* description;
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<std::uint32_t> seconds;
};

constexpr std::int64_t kNow = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr char kDate[] = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(HttpFreshnessRfc9111, LifetimesAreWhatTheServerSays) {
  const Row kRows[] = {
      {"nothing said", {}, std::nullopt},
      {"max-age", {{"Cache-Control", "max-age=600"}}, 600},
      {"max-age among others", {{"Cache-Control", "public, Max-Age=600 , must-revalidate"}}, 600},
      {"max-age, quoted", {{"Cache-Control", "max-age=\"600\""}}, 600},
      {"a comma in a quoted string", {{"Cache-Control", "private=\"a, max-age=1\", max-age=600"}}, 600},
      {"max-age in a second line", {{"Cache-Control", "public"}, {"Cache-Control", "max-age=600"}}, 600},
      {"two that disagree", {{"Cache-Control", "max-age=600, max-age=60"}}, 60},
      {"s-maxage is for shared caches", {{"Cache-Control", "s-maxage=5, max-age=600"}}, 600},
      {"less its age", {{"Cache-Control", "max-age=600"}, {"Age", "100"}}, 500},
      {"older than its age", {{"Cache-Control", "max-age=600"}, {"Age", "601"}}, 0},
      {"an age that is none", {{"Cache-Control", "max-age=600"}, {"Age", "-5"}}, 600},
      {"no-store", {{"Cache-Control", "no-store, max-age=600"}}, 0},
      {"no-cache", {{"Cache-Control", "no-cache"}}, 0},
      {"max-age is no number", {{"Cache-Control", "max-age=soon"}}, 0},
      {"max-age is negative", {{"Cache-Control", "max-age=-1"}}, 0},
      {"max-age is empty", {{"Cache-Control", "max-age"}}, 0},
      {"more than fits", {{"Cache-Control", "max-age=99999999999999999999"}}, std::uint32_t{1} << 31},
      {"max-age before Expires", {{"Cache-Control", "max-age=5"}, {"Expires", kDate}}, 5},
      {"Expires less Date",
       {{"Date", "Sun, 06 Nov 1994 08:00:00 GMT"}, {"Expires", "Sun, 06 Nov 1994 09:00:00 GMT"}},
       3600},
      {"Expires without Date", {{"Expires", "Sun, 06 Nov 1994 08:49:47 GMT"}}, 10},
      {"Expires has passed", {{"Date", kDate}, {"Expires", "Sun, 06 Nov 1994 08:49:36 GMT"}}, 0},
      {"Expires is no date", {{"Date", kDate}, {"Expires", "0"}}, 0},
      {"an unfinished string", {{"Cache-Control", "private=\"max-age=5"}}, std::nullopt},
      {"an unfinished escape", {{"Cache-Control", "private=\"\\"}}, std::nullopt},
      {"commas alone", {{"Cache-Control", ",,,"}}, std::nullopt},
  };
  for (const Row& row : kRows) {
    boost::beast::http::fields head;
    for (const auto& [name, value] : row.fields) head.insert(name, value);
    EXPECT_EQ(fresh_for_s(head, kNow), row.seconds) << row.description;
  }
}

}  // namespace
}  // namespace weir::controlplane
