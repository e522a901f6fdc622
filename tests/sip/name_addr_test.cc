#include "sip/name_addr.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

struct Row {
  std::string_view text;
  std::string_view display_name;
  std::string_view uri;
  std::string_view parameters;
};

TEST(NameAddr, EveryFormIsReadIntoItsParts) {
  for (const Row& row : {
           Row{"sip:alice@host", "", "sip:alice@host", ""},
           Row{"sip:alice@host;tag=88", "", "sip:alice@host", ";tag=88"},
           Row{"<sip:alice@host;lr>;tag=88", "", "sip:alice@host;lr", ";tag=88"},
           Row{"Alice <sip:alice@host>", "Alice", "sip:alice@host", ""},
           Row{"Alice B. <sip:alice@host> ; tag = 88 ;x", "Alice B.", "sip:alice@host", ";tag=88;x"},
           Row{"Alice<sip:alice@host>", "Alice", "sip:alice@host", ""},
           Row{R"("A, \"B\" <C>;" <sip:alice@host,x>)", "", "", ""},
           Row{R"("A, \"B\" <C>;" <sip:alice@host?a=b>;q=0.5)", "A, \"B\" <C>;", "sip:alice@host?a=b", ";q=0.5"},
           Row{R"(""<sip:alice@host>)", "", "sip:alice@host", ""},
           Row{R"(<sip:a@h>;+sip.instance="<urn:uuid:0;1>";reg-id=1)", "", "sip:a@h",
               R"(;+sip.instance="<urn:uuid:0;1>";reg-id=1)"},
           Row{"tel:+1201;tag=5", "", "tel:+1201", ";tag=5"},
           Row{"<tel:+1201;ext=4>;tag=5", "", "tel:+1201;ext=4", ";tag=5"},
           Row{"<sip:a@h>;x=[2001:2::1]", "", "sip:a@h", ";x=[2001:2::1]"},
       }) {
    const std::optional<NameAddr> parsed = parse_name_addr(row.text);
    EXPECT_EQ(parsed.has_value(), is_name_addr(row.text)) << row.text;
    if (row.uri.empty()) {
      EXPECT_FALSE(parsed) << row.text;
      continue;
    }
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(parsed->display_name, row.display_name) << row.text;
    EXPECT_EQ(write(parsed->uri), row.uri) << row.text;
    std::string parameters;
    append(parameters, parsed->parameters);
    EXPECT_EQ(parameters, row.parameters) << row.text;
  }
}

TEST(NameAddr, MalformedValuesAreRefused) {
  for (const std::string_view text : {"",
                                      " ",
                                      "*",
                                      "Alice",
                                      "<>",
                                      "<sip:alice@host",
                                      "sip:alice@host>",
                                      "\"Alice <sip:a@h>",
                                      "<sip:a@h>;",
                                      "<sip:a@h>;;x",
                                      "<sip:a@h>x",
                                      "<sip:a@h>;=5",
                                      "<sip:a@h>;tag=",
                                      "<sip:a@h>;tag=\"x",
                                      "sip:a@h?x=y",
                                      "sip:a@h,sip:b@h",
                                      "A, B <sip:a@h>",
                                      "< sip:a@h >",
                                      "<sip:a@h> <sip:b@h>",
                                      "\"a\" b <sip:a@h>",
                                      "\"\\\"<sip:a@h>",
                                      "\"a\\\nb\" <sip:a@h>"}) {
    EXPECT_FALSE(parse_name_addr(text)) << text;
    EXPECT_FALSE(is_name_addr(text)) << text;
    EXPECT_EQ(tag_of(text), "") << text;
  }
}

TEST(NameAddr, TagIsTheHeadersAndNotTheUris) {
  EXPECT_EQ(tag_of("<sip:a@h;tag=no>;Tag=yes"), "yes");
  EXPECT_EQ(tag_of("sip:a@h;tag=yes"), "yes");
  EXPECT_EQ(tag_of("<sip:a@h;tag=no>"), "");
  EXPECT_EQ(tag_of("\";tag=no\" <sip:a@h>"), "");
  EXPECT_EQ(tag_of("<sip:a@h>;tag;tag=second"), "");
}

TEST(NameAddr, WhatIsWrittenIsReadBack) {
  NameAddr name_addr;
  name_addr.display_name = "Q\"u\\o;t,e<d>\x01";
  name_addr.uri = make_sip_uri("alice", "198.18.0.1", 5060);
  name_addr.set_tag("t-1");
  const std::string text = write(name_addr);
  EXPECT_EQ(text, "\"Q\\\"u\\\\o;t,e<d>\\\x01\" <sip:alice@198.18.0.1:5060>;tag=t-1");
  EXPECT_EQ(parse_name_addr(text)->display_name, name_addr.display_name);
  EXPECT_EQ(tag_of(text), "t-1");
}

TEST(NameAddr, ADisplayNameCannotEndItsLine) {
  NameAddr name_addr;
  name_addr.display_name = "a\r\nVia: x";
  name_addr.uri = make_sip_uri("alice", "h");
  EXPECT_EQ(write(name_addr), "\"a  Via: x\" <sip:alice@h>");
}

}  // namespace
}  // namespace weir::sip
