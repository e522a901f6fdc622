// A page's folder in memory: what of it is there, what is not, and what is too much.
#include "controlplane/page_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class PageFilesTest : public testing::Test {
 protected:
  PageFilesTest() { write("index.html", "<!doctype html>"); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_.path() + "/" + name) << text;
  }
  [[nodiscard]] std::string error() const {
    const auto page = PageFiles::load(directory_.path());
    return page ? "" : page.error();
  }

  tests::TemporaryDirectory directory_;
};

TEST_F(PageFilesTest, WhatBrowsersLoadIsThereWithItsType) {
  write("page.js", "'use strict';");
  write("a-b_c.2.css", "a {}");
  const auto page = PageFiles::load(directory_.path());
  ASSERT_TRUE(page.ok()) << page.error();
  EXPECT_EQ((*page)->find("/"), (*page)->find("/index.html"));
  EXPECT_EQ(*(*page)->find("/")->bytes, "<!doctype html>");
  EXPECT_EQ((*page)->find("/")->content_type, "text/html; charset=utf-8");
  EXPECT_EQ((*page)->find("/page.js")->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ((*page)->find("/a-b_c.2.css")->content_type, "text/css; charset=utf-8");
}

TEST_F(PageFilesTest, WhatElseLiesThereIsNot) {
  std::filesystem::create_directory(directory_.path() + "/folder.html");
  for (const char* name :
       {"install", "package.json", ".hidden.js", "-x.js", "a b.js", "key.pem", "index.html~", ".js"}) {
    write(name, "x");
  }
  std::filesystem::create_symlink("/nonexistent", directory_.path() + "/gone.js");
  ASSERT_EQ(mkfifo((directory_.path() + "/pipe.js").c_str(), 0600), 0);  // nobody ever writes to it
  const auto page = PageFiles::load(directory_.path());
  ASSERT_TRUE(page.ok()) << page.error();
  for (const char* path : {"/install", "/package.json", "/.hidden.js", "/-x.js", "/a b.js", "/key.pem", "/index.html~",
                           "/.js", "/gone.js", "/pipe.js", "/folder.html", "", "index.html", "//index.html",
                           "/./index.html", "/../index.html", "/%69ndex.html", "/index.html/", "/INDEX.HTML"}) {
    EXPECT_EQ((*page)->find(path), nullptr) << path;
  }
}

TEST_F(PageFilesTest, AnEntityTagIsOfTheBytes) {
  write("a.js", "1");
  write("b.js", "1");
  write("c.js", "2");
  const auto page = PageFiles::load(directory_.path()).value();
  EXPECT_THAT(page->find("/a.js")->etag, testing::MatchesRegex("\"[0-9a-f]+\""));
  EXPECT_EQ(page->find("/a.js")->etag, page->find("/b.js")->etag);
  EXPECT_NE(page->find("/a.js")->etag, page->find("/c.js")->etag);
  write("a.js", "3");
  EXPECT_EQ(*page->find("/a.js")->bytes, "1") << "until it is loaded anew";
}

TEST_F(PageFilesTest, AFolderThatIsNoPageIsNamed) {
  EXPECT_THAT(PageFiles::load("/nonexistent/web").error(),
              AllOf(HasSubstr("/nonexistent/web cannot be read"), HasSubstr("No such file")));
  EXPECT_THAT(PageFiles::load(directory_.path() + "/index.html").error(), HasSubstr("Not a directory"));
  std::filesystem::remove(directory_.path() + "/index.html");
  EXPECT_EQ(error(), directory_.path() + " holds no index.html");
}

TEST_F(PageFilesTest, FilesAreBounded) {
  write("large.js", std::string(kPageFileBytesMax, 'x'));
  EXPECT_EQ(error(), "");
  write("large.js", std::string(kPageFileBytesMax + 1, 'x'));
  EXPECT_THAT(error(), AllOf(HasSubstr("/large.js cannot be read"), EndsWith("File too large")));
}

TEST_F(PageFilesTest, AllOfThemTogetherAreBounded) {
  for (std::size_t i = 0; i < kPageBytesMax / kPageFileBytesMax; ++i) {
    write(std::to_string(i) + ".js", std::string(kPageFileBytesMax, 'x'));
  }
  EXPECT_THAT(error(), AllOf(HasSubstr(directory_.path()), HasSubstr("more than 64 files or 8388608 bytes")));
}

TEST_F(PageFilesTest, TheirNumberIsBounded) {
  for (std::size_t i = 1; i < kPageFilesMax; ++i) write(std::to_string(i) + ".js", "");
  EXPECT_EQ(error(), "");
  write("one-more.js", "");
  EXPECT_THAT(error(), HasSubstr("more than 64 files"));
}

TEST(RealmPages, EachRealmHasItsOwnAndEachMistakeItsRealm) {
  tests::TemporaryDirectory directory;
  std::ofstream(directory.path() + "/index.html") << "x";
  proto::settings::Settings settings;
  for (const std::string& page : {std::string(), directory.path()}) {
    settings.realms.push_back({.name = "r" + std::to_string(settings.realms.size()), .networks = {}, .listeners = {}});
    settings.realms.back().websocket.page = page;
  }
  const auto pages = load_realm_pages(settings);
  ASSERT_TRUE(pages.ok()) << pages.error();
  EXPECT_EQ((*pages)[0], nullptr);
  EXPECT_NE((*pages)[1], nullptr);
  settings.realms[0].websocket.page = "/nonexistent/a";
  settings.realms[1].websocket.page = "/nonexistent/b";
  EXPECT_THAT(load_realm_pages(settings).error(),
              AllOf(HasSubstr("realm 'r0': /nonexistent/a cannot"), HasSubstr("; realm 'r1': /nonexistent/b cannot")));
}

}  // namespace
}  // namespace weir::controlplane
