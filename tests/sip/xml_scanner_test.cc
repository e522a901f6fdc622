#include "sip/xml_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::sip {
namespace {

/// A document as its steps: "(a" begins, ")a" ends, text as it stands, "." is the end, "!reason" the refusal.
std::string steps(std::string_view document) {
  using Step = XmlScanner::Step;
  XmlScanner scanner(document);
  std::string out;
  while (true) {
    const Step step = scanner.next();
    switch (step) {
      case Step::kBegins:
      case Step::kEnds:
        out += (step == Step::kBegins ? "(" : ")") + std::string(scanner.name_at(scanner.depth() - 1));
        break;
      case Step::kText:
        out += scanner.text();
        break;
      case Step::kOver:
      case Step::kMalformed:
        EXPECT_EQ(scanner.next(), step) << "it stays that";
        return out + (step == Step::kOver ? "." : "!" + std::string(scanner.reason()));
    }
  }
}

TEST(XmlScanner, HandsOutTagsAndTextsInTheirOrder) {
  EXPECT_EQ(steps("<a/>"), "(a)a.");
  EXPECT_EQ(steps("<a></a>"), "(a)a.");
  EXPECT_EQ(steps(" <a>x<b/>y<c>z</c ></a>\r\n"), "(ax(b)by(cz)c)a.");
  EXPECT_EQ(steps("<?xml version=\"1.0\" encoding='utf-8' ?>\n<a k = \"1\"  l='\"&amp;'/>"), "(a)a.");
  EXPECT_EQ(steps("<!-- 1 --><a><!-- <b> -->x<!----></a><!-- 2 --> "), "(ax)a.");
  EXPECT_EQ(steps("<a>&lt;&#65;&#x41;&apos;</a>"), "(a&lt;&#65;&#x41;&apos;)a.");
  EXPECT_EQ(steps("<n:a-1.b\xc3\xa9/>"), "(n:a-1.b\xc3\xa9)n:a-1.b\xc3\xa9.");
}

TEST(XmlScanner, RefusesWhatIsNoDocumentOrMoreThanOne) {
  const char* const broken[] = {
      "",
      "x",
      "<",
      "<a",
      "<a>",
      "</a>",
      "<a></b>",
      "<a><b></a></b>",
      "<a/><b/>",
      "<a/>x",
      "<1/>",
      "<a b/>",
      "<a b=1/>",
      "<a b='/>",
      "<a b='<'/>",
      "<a b='&x;'/>",
      "<a / >",
      "< a/>",
      "<a>&",
      "<a>&;",
      "<a>&#;",
      "<a>&#g;</a>",
      "<a>&#xg;",
      "<a>&lt",
      "<a>\x01",
      "<a b='1'c='2'/>",
      "<!-- -- --><a/>",
      "<!--",
      "<?xml?",
      "<?xml ><a/>",
      "<?php ?><a/>",
      "<a",
  };
  for (const char* document : broken) EXPECT_NE(steps(document).find('!'), std::string::npos) << document;
}

TEST(XmlScanner, TakesNoDocumentTypesNoEntitiesAndNoInstructions) {
  EXPECT_EQ(steps("<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>"), "!a document type declaration");
  EXPECT_EQ(steps("<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"), "!a document type declaration");
  EXPECT_EQ(steps("<a>&b;</a>"), "(a!an entity or a character that is not taken");
  EXPECT_EQ(steps("<a><![CDATA[x]]></a>"), "(a!CDATA, or an instruction");
  EXPECT_EQ(steps("<a><?x y?></a>"), "(a!CDATA, or an instruction");
}

TEST(XmlScanner, BoundsDepthAndElements) {
  std::string deep;
  for (std::size_t i = 0; i <= kXmlDepthMax; ++i) deep += "<a>";
  EXPECT_NE(steps(deep).find("!too many elements"), std::string::npos);
  std::string wide = "<a>";
  for (std::size_t i = 1; i < kXmlElementsMax; ++i) wide += "<b/>";
  EXPECT_EQ(steps(wide + "</a>").back(), '.');
  EXPECT_NE(steps(wide + "<b/></a>").find("!too many elements"), std::string::npos);
}

}  // namespace
}  // namespace weir::sip
