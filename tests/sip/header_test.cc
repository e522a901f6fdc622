#include "sip/header.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sip/status.h"

namespace weir::sip {
namespace {

TEST(Header, EveryNameIsFoundInAnyCase) {
  for (std::size_t i = 1; i < kHeaderIdCount; ++i) {
    const auto id = static_cast<HeaderId>(i);
    std::string name(to_string(id));
    EXPECT_EQ(header_by_name(name), id) << name;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    EXPECT_EQ(header_by_name(name), id) << name;
  }
}

TEST(Header, CompactFormsAreTheRegistrys) {
  struct Row {
    std::string_view compact;
    HeaderId id;
  };
  for (const Row& row : {Row{"v", HeaderId::kVia},
                         Row{"F", HeaderId::kFrom},
                         Row{"t", HeaderId::kTo},
                         Row{"i", HeaderId::kCallId},
                         Row{"m", HeaderId::kContact},
                         Row{"l", HeaderId::kContentLength},
                         Row{"c", HeaderId::kContentType},
                         Row{"k", HeaderId::kSupported},
                         Row{"s", HeaderId::kSubject},
                         Row{"e", HeaderId::kContentEncoding},
                         Row{"o", HeaderId::kEvent},
                         Row{"u", HeaderId::kAllowEvents},
                         Row{"r", HeaderId::kReferTo},
                         Row{"b", HeaderId::kReferredBy},
                         Row{"x", HeaderId::kSessionExpires},
                         Row{"a", HeaderId::kAcceptContact},
                         Row{"j", HeaderId::kRejectContact},
                         Row{"d", HeaderId::kRequestDisposition},
                         Row{"y", HeaderId::kIdentity},
                         Row{"z", HeaderId::kUnknown},
                         Row{"1", HeaderId::kUnknown}}) {
    EXPECT_EQ(header_by_name(row.compact), row.id) << row.compact;
  }
}

TEST(Header, OtherNamesAreUnknown) {
  for (const std::string_view name : {"", "X-Foo", "Viaa", "Vi", "Content-Lengthy", "C%6Fntact"}) {
    EXPECT_EQ(header_by_name(name), HeaderId::kUnknown) << name;
  }
}

TEST(List, CommasSplitOutsideQuotesAndAnglesOnly) {
  using Elements = std::vector<std::string_view>;
  EXPECT_EQ(split_list("a, b ,c"), (Elements{"a", "b", "c"}));
  EXPECT_EQ(split_list(R"("x, \", y" <sip:a,b@h>;q="1,2" , <sip:c@h>)"),
            (Elements{R"("x, \", y" <sip:a,b@h>;q="1,2")", "<sip:c@h>"}));
  EXPECT_EQ(split_list(""), Elements{});
  EXPECT_EQ(split_list(" , ,, "), Elements{});
  EXPECT_EQ(split_list("\"unbalanced, a"), Elements{"\"unbalanced, a"});
  EXPECT_EQ(split_list("\"ends in \\"), Elements{"\"ends in \\"});
  EXPECT_EQ(split_list("<sip:a\"b@h>, c"), (Elements{"<sip:a\"b@h>", "c"}));
}

TEST(Status, EveryCodeHasAReason) {
  EXPECT_EQ(reason_phrase(180), "Ringing");
  EXPECT_EQ(reason_phrase(488), "Not Acceptable Here");
  EXPECT_EQ(reason_phrase(499), "Bad Request");
  EXPECT_EQ(reason_phrase(699), "Busy Everywhere");
  EXPECT_EQ(reason_phrase(99), "");
  EXPECT_EQ(reason_phrase(700), "");
}

}  // namespace
}  // namespace weir::sip
