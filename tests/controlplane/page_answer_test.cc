// What is said to whoever asks a WebSocket listener for a page, byte for byte from the request to the answer.
#include "controlplane/page_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <fstream>

#include "controlplane/websocket.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kScript[] = "'use strict';\n";

class PageAnswerTest : public testing::Test {
 protected:
  PageAnswerTest() {
    std::ofstream(directory_.path() + "/index.html") << "<!doctype html>\n";
    std::ofstream(directory_.path() + "/page.js") << kScript;
    page_ = PageFiles::load(directory_.path()).value();
  }

  /// Head and body of the answer, or what else became of the request.
  std::string ask(const std::string& request) {
    WebSocket socket(work_, rules_, page_);
    socket.feed(request);
    const WebEvent event = socket.next();
    EXPECT_EQ(event.kind, WebEventKind::kPage) << request;
    EXPECT_FALSE(socket.send("x"));
    EXPECT_FALSE(socket.ping());
    return socket.take_output() + (event.page == nullptr ? "" : *event.page);
  }
  std::string get(const std::string& target, const std::string& fields = "", const std::string& method = "GET") {
    return ask(method + " " + target + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n");
  }

  tests::TemporaryDirectory directory_;
  boost::asio::io_context work_{1};
  proto::settings::RealmWebSocketSettings rules_{.origins = {}, .path = "/sip"};
  std::shared_ptr<const PageFiles> page_;
};

TEST_F(PageAnswerTest, AFileIsGivenWholeAndKeptFromBeingTakenForAnythingElse) {
  EXPECT_THAT(
      get("/page.js"),
      AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nContent-Type: text/javascript; charset=utf-8\r\n"),
            HasSubstr("\r\nContent-Length: 14\r\n"), HasSubstr("\r\nConnection: close\r\n"),
            HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"), HasSubstr("\r\nCache-Control: no-cache\r\n"),
            HasSubstr("\r\nETag: " + page_->find("/page.js")->etag + "\r\n"),
            EndsWith(std::string("\r\n\r\n") + kScript)));
}

TEST_F(PageAnswerTest, ThePageMayLoadNothingFromElsewhereNorBeFramed) {
  const std::string answer = get("/");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\n<!doctype html>\n")));
  const std::size_t at = answer.find("Content-Security-Policy: ");
  ASSERT_NE(at, std::string::npos);
  const std::string policy = answer.substr(at, answer.find("\r\n", at) - at);
  EXPECT_THAT(policy, AllOf(HasSubstr("default-src 'none'"), HasSubstr("script-src 'self';"),
                            HasSubstr("connect-src 'self' wss:;"), HasSubstr("frame-ancestors 'none'"),
                            Not(HasSubstr("unsafe")), Not(HasSubstr("*"))));
  EXPECT_THAT(answer, HasSubstr("\r\nPermissions-Policy: microphone=(self), "));
}

TEST_F(PageAnswerTest, AQueryMakesNoDifference) {
  EXPECT_EQ(get("/?user=alice"), get("/"));
}

// RFC 9110 section 9.3.2: the same header fields, Content-Length among them, and no body.
TEST_F(PageAnswerTest, HeadGetsTheHeadAlone) {
  const std::string whole = get("/page.js");
  EXPECT_EQ(get("/page.js", "", "HEAD") + kScript, whole);
}

// RFC 9110 sections 13.1.2 and 15.4.5.
TEST_F(PageAnswerTest, WhoHasItAlreadyIsToldSo) {
  const std::string etag = page_->find("/page.js")->etag;
  for (const std::string& list : {etag, "W/" + etag, "\"x\", " + etag, "\"a,b\"," + etag + ",\"c\"", std::string("*"),
                                  "\"x\"\r\nIf-None-Match: " + etag}) {
    EXPECT_THAT(get("/page.js", "If-None-Match: " + list + "\r\n"),
                AllOf(StartsWith("HTTP/1.1 304 "), HasSubstr("\r\nETag: " + etag + "\r\n"), EndsWith("\r\n\r\n"),
                      Not(HasSubstr("\r\nContent-"))))
        << list;
  }
  for (const std::string& list : {std::string("\"x\""), page_->find("/")->etag, etag.substr(1, etag.size() - 2)}) {
    EXPECT_THAT(get("/page.js", "If-None-Match: " + list + "\r\n"), StartsWith("HTTP/1.1 200 ")) << list;
  }
}

TEST_F(PageAnswerTest, NoPathLeadsOutOfTheFolder) {
  std::ofstream(directory_.path() + "/secret.key") << "secret";
  for (const char* target :
       {"/secret.key", "/../page.js", "/..%2fpage.js", "/%2e%2e/page.js", "/./page.js", "//page.js", "/page.js/",
        "/page.js%00.html", "/\\page.js", "page.js", "*", "/etc/passwd", "http://a.example/page.js", "/PAGE.JS"}) {
    EXPECT_THAT(get(target),
                AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("Content-Length: 0\r\n"), EndsWith("\r\n\r\n")))
        << target;
  }
}

TEST_F(PageAnswerTest, OtherMethodsAreRefused) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}) {
    EXPECT_THAT(get("/", "", method), AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("\r\nAllow: GET, HEAD\r\n")));
  }
}

TEST_F(PageAnswerTest, OneHostIsNeededIfItIsNotHttp10) {
  EXPECT_THAT(ask("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(get("/", "Host: b.example\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(PageAnswerTest, UpgradesAreDecidedAsWithoutAPage) {
  const std::string fields =
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
  for (const auto& [target, kind] : {std::pair{"/sip", WebEventKind::kOpen}, {"/", WebEventKind::kRefused}}) {
    WebSocket socket(work_, rules_, page_);
    socket.feed(std::string("GET ") + target + " HTTP/1.1\r\nHost: a.example\r\n" + fields);
    EXPECT_EQ(socket.next().kind, kind);
  }
}

TEST_F(PageAnswerTest, ABodyAndAHeadWithoutEndAreRefusedAsWithoutAPage) {
  for (const std::string& request :
       {std::string("GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n\r\nx"),
        std::string("GET / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: a.example\r\n: x\r\n\r\n"),
        "GET / HTTP/1.1\r\nCookie: " + std::string(100'000, 'x')}) {
    WebSocket socket(work_, rules_, page_);
    socket.feed(request);
    EXPECT_EQ(socket.next().kind, WebEventKind::kRefused) << request.substr(0, 80);
    EXPECT_THAT(socket.take_output(), StartsWith("HTTP/1.1 4"));
  }
}

}  // namespace
}  // namespace weir::controlplane
