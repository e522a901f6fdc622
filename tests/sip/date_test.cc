#include "sip/date.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>

namespace weir::sip {
namespace {

TEST(Date, IsReadAsSecondsAndWrittenBack) {
  // RFC 3261 section 20.17.
  EXPECT_EQ(parse_date("Sat, 13 Nov 2010 23:29:00 GMT"), 1289690940);
  EXPECT_EQ(write_date(1289690940), "Sat, 13 Nov 2010 23:29:00 GMT");
  EXPECT_EQ(write_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(parse_date(" sat, 13 nov 2010 23:29:00 gmt "), 1289690940) << "names compare without case";
  EXPECT_EQ(parse_date("Sat, 31 Dec 2016 23:59:60 GMT"), parse_date("Sun, 01 Jan 2017 00:00:00 GMT")) << "leap second";
}

TEST(Date, AgreesWithTheCLibrary) {
  for (std::int64_t day = -25'000; day < 50'000; day += 37) {
    const std::int64_t seconds = day * 86'400 + day * 7'919 % 86'400;
    const std::time_t time = seconds;
    std::tm broken{};
    ASSERT_NE(gmtime_r(&time, &broken), nullptr);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &broken);
    EXPECT_EQ(write_date(seconds), text);
    EXPECT_EQ(parse_date(text), seconds);
  }
}

TEST(Date, TheFarthestOnesAreNotBeyondFourDigits) {
  EXPECT_EQ(write_date(std::numeric_limits<std::int64_t>::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(write_date(std::numeric_limits<std::int64_t>::min()), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(Date, MalformedOnesAreNone) {
  for (const std::string_view text :
       {"", "Fri, 01 Jan 2010 16:00:00 EST", "Sat, 13 Nov 2010 23:29:00", "Sat 13 Nov 2010 23:29:00 GMT",
        "Sat, 3 Nov 2010 23:29:00 GMT", "Sat, 31 Nov 2010 23:29:00 GMT", "Sat, 29 Feb 2011 23:29:00 GMT",
        "Sat, 13 Nov 10 23:29:00 GMT", "Sat, 13 Nov 2010 24:00:00 GMT", "Sat, 13 Nov 2010 23:60:00 GMT",
        "Sat, 13 Nov 2010 23:29:61 GMT", "Sat, 13 Nov 2010 23:29 GMT", "Sat, 13 Nov 2010 23:29:00 GMT x",
        "Xyz, 13 Nov 2010 23:29:00 GMT", "Sat, 13 Xyz 2010 23:29:00 GMT", "Sat, 00 Nov 2010 23:29:00 GMT"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
}

}  // namespace
}  // namespace weir::sip
