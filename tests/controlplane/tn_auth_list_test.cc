// RFC 8226 section 9, beside the examples that its editors' own ASN.1 modules are tested with.
#include "controlplane/tn_auth_list.h"

#include <gtest/gtest.h>

#include "sip/base64.h"
#include "tests/support/stir_lab.h"

namespace weir::controlplane {
namespace {

using tests::tn_code;
using tests::tn_list;
using tests::tn_one;
using tests::tn_range;

proto::Result<TnAuthList> parsed(std::string_view der) {
  return TnAuthList::parse({reinterpret_cast<const std::uint8_t*>(der.data()), der.size()});
}

TEST(TnAuthListRfc, ACodeARangeAndANumberAreRead) {
  // SEQUENCE { [0] "bogus", [1] { "5715551212", 788 }, [2] "7035551212" }
  std::array<std::uint8_t, 64> der;
  const auto bytes = sip::decode_base64("MCugBxYFYm9ndXOhEjAQFgo1NzE1NTUxMjEyAgIDFKIMFgo3MDM1NTUxMjEy", der);
  const auto list = TnAuthList::parse({der.data(), *bytes});
  ASSERT_TRUE(list) << list.error();
  ASSERT_EQ(list->providers().size(), 1u);
  EXPECT_EQ(list->providers()[0].code, "bogus");
  ASSERT_EQ(list->ranges().size(), 2u);
  EXPECT_EQ(list->ranges()[0].first, "5715551212");
  EXPECT_EQ(list->ranges()[0].count, 788u);
  EXPECT_TRUE(list->covers("7035551212"));
  EXPECT_TRUE(list->covers("5715551999"));
  EXPECT_FALSE(list->covers("5715552000"));
  EXPECT_FALSE(list->covers("5715551211"));
}

TEST(TnAuthList, ARangeCountsUpFromItsFirstNumber) {
  const auto list = parsed(tn_list(tn_range("12155551000", 100) + tn_one("911") + tn_one("*67")));
  ASSERT_TRUE(list) << list.error();
  for (const std::string_view number : {"12155551000", "12155551099", "911", "*67"}) EXPECT_TRUE(list->covers(number));
  for (const std::string_view number :
       {"12155551100", "12155550999", "2155551000", "112155551000", "*68", "", "9110", "1215555100x", "+12155551000"}) {
    EXPECT_FALSE(list->covers(number)) << number;
  }
}

TEST(TnAuthList, ARangeNeverReachesNumbersOfAnotherLength) {
  const auto list = parsed(tn_list(tn_range("99", 1000) + tn_range("*1", 2)));
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->covers("99"));
  EXPECT_FALSE(list->covers("100"));
  EXPECT_FALSE(list->covers("*2"));
}

TEST(TnAuthList, ACodeCoversNoNumber) {
  const auto list = parsed(tn_list(tn_code("1234")));
  ASSERT_TRUE(list);
  EXPECT_FALSE(list->covers("1234"));
}

TEST(TnAuthList, ALongListIsRead) {
  std::string entries;
  for (int i = 0; i < 2000; ++i) entries += tn_one("1215555" + std::to_string(1000 + i));
  const auto list = parsed(tn_list(entries));
  ASSERT_TRUE(list) << list.error();
  EXPECT_TRUE(list->covers("12155552999"));
  for (int i = 0; i < 2100; ++i) entries += tn_one("1");
  EXPECT_FALSE(parsed(tn_list(entries)));
}

TEST(TnAuthList, WhatIsMalformedIsRefused) {
  using namespace std::string_literals;
  const std::string one = tn_one("911");
  for (const std::string& der :
       {""s, tn_list(""), tn_list(one) + "x", tn_list(one).substr(0, 5), one, tn_list("\x05\x00"s), tn_list(tn_one("")),
        tn_list(tn_one("12x")), tn_list(tn_one("+1215")), tn_list(tn_one(std::string(16, '1'))), tn_list(tn_code("")),
        tn_list(tn_code("a b")), tn_list(tn_code(std::string(65, 'a'))), tn_list(tn_range("12", 1)),
        tn_list(tn_range("12", 0)),
        tn_list("\xa3\x05\x16\x03"
                "911"),
        tn_list("\x82\x03"
                "911"),
        tn_list("\xa2\x07\x16\x03"
                "911\x05\x00"s),
        // Lengths that are longer than they need be, indefinite, or wrong.
        "\x30\x81\x07\xa2\x05\x16\x03"
        "911"s,
        "\x30\x80\xa2\x05\x16\x03"
        "911\x00\x00"s,
        "\x30\x08\xa2\x05\x16\x03"
        "911"s,
        "\x30\x84\xff\xff\xff\xff"s,
        // A count that is negative, has a zero too many, or is beyond 64 bits.
        "\x30\x0b\xa1\x09\x30\x07\x16\x02"
        "12\x02\x01\xff"s,
        "\x30\x0c\xa1\x0a\x30\x08\x16\x02"
        "12\x02\x02\x00\x05"s,
        "\x30\x13\xa1\x11\x30\x0f\x16\x02"
        "12\x02\x09\x7f\x00\x00\x00\x00\x00\x00\x00\x00"s,
        // Something behind the count.
        "\x30\x0d\xa1\x0b\x30\x09\x16\x02"
        "12\x02\x01\x05\x05\x00"s}) {
    EXPECT_FALSE(parsed(der));
  }
  EXPECT_TRUE(
      parsed("\x30\x0b\xa1\x09\x30\x07\x16\x02"
             "12\x02\x01\x05"s))
      << "but for that it is one";
}

}  // namespace
}  // namespace weir::controlplane
