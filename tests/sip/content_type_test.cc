#include "sip/content_type.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

TEST(ContentType, HasATypeASubtypeAndParameters) {
  const std::optional<ContentType> type = parse_content_type("Multipart / mixed ; boundary=\"a;b\";x=y");
  ASSERT_TRUE(type);
  EXPECT_TRUE(type->is("multipart/mixed"));
  EXPECT_FALSE(type->is("multipart/mix"));
  EXPECT_FALSE(type->is("multipart"));
  EXPECT_EQ(type->parameters.value("boundary"), "\"a;b\"");
  EXPECT_EQ(write(*type), "Multipart/mixed;boundary=\"a;b\";x=y");
  EXPECT_EQ(parse_content_type(write(*type)), type);
}

TEST(ContentType, MalformedOnesAreNone) {
  for (const std::string_view text : {"", "a", "a/", "/b", "a/b/c", "a/b;", "a/b;c=", "a/b, c/d", "a b/c"}) {
    EXPECT_FALSE(parse_content_type(text)) << text;
  }
}

TEST(ContentDisposition, SaysWhatForAndWhetherItMayBePassedOver) {
  const std::optional<ContentDisposition> optional = parse_content_disposition("Session ; Handling=OPTIONAL;x");
  ASSERT_TRUE(optional);
  EXPECT_TRUE(optional->is("session") && optional->optional);
  EXPECT_EQ(write(*optional), "Session;handling=optional;x");
  EXPECT_EQ(parse_content_disposition(write(*optional)), optional);
  EXPECT_FALSE(parse_content_disposition("render")->optional);
  EXPECT_FALSE(parse_content_disposition("render;handling=required")->optional);
  EXPECT_FALSE(parse_content_disposition("render;handling=perhaps")->optional) << "the default is required";
  for (const std::string_view text :
       {"", ";handling=optional", "a;handling=optional;handling=required", "a b", "a,b"}) {
    EXPECT_FALSE(parse_content_disposition(text)) << text;
  }
}

}  // namespace
}  // namespace weir::sip
