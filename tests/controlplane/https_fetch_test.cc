// Fetches from real HTTPS servers on the loopback interface: what is asked, whom it believes, where redirects lead.
#include "controlplane/https_fetch.h"

#include <gmock/gmock.h>

#include "tests/controlplane/https_fetch_lab.h"

namespace weir::controlplane {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using HttpsFetchTest = HttpsFetchLab;

TEST_F(HttpsFetchTest, WhatTheServerGivesIsGiven) {
  const auto& server = serve([](const std::string&) {
    return reply("a chain", "Content-Type: application/pem-certificate-chain\r\nCache-Control: max-age=600\r\n");
  });
  const FetchResult result = fetch(url(server, "/identity/1.pem?v=2"));
  EXPECT_TRUE(result.ok()) << result.failure;
  EXPECT_EQ(result.bytes, "a chain");
  EXPECT_EQ(result.content_type, "application/pem-certificate-chain");
  EXPECT_EQ(result.fresh_for_s, 600u);
  ASSERT_EQ(server.requests().size(), 1u);
  const std::string host = "a.example:" + std::to_string(server.port());
  EXPECT_THAT(server.requests()[0],
              AllOf(StartsWith("GET /identity/1.pem?v=2 HTTP/1.1\r\n"), HasSubstr("\r\nHost: " + host + "\r\n"),
                    HasSubstr("\r\nUser-Agent: Weir\r\n"), HasSubstr("\r\nConnection: close\r\n"),
                    Not(HasSubstr("Cookie")), Not(HasSubstr("Authorization")), Not(HasSubstr("Referer"))));
}

TEST_F(HttpsFetchTest, AnAnswerMayComeInChunksOrEndWithItsConnection) {
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
  const auto& server = serve([&](const std::string&) { return Answer{answer}; });
  EXPECT_EQ(fetch(url(server)).bytes, "abcde");
  EXPECT_EQ(fetch(url(server)).fresh_for_s, std::nullopt);
  answer = "HTTP/1.0 200 OK\r\n\r\nabcdef";
  EXPECT_EQ(fetch(url(server)).bytes, "abcdef");
}

TEST_F(HttpsFetchTest, AHostMayHaveAnIpv6AddressAloneOrBeOne) {
  const auto& server = serve([](const std::string&) { return reply("six"); }, "DNS:six.example,IP:::1", "::1");
  settings_.allowed.push_back({proto::parse_ip_address("::1").value(), 128});
  names_.host("six.example", "::1");
  EXPECT_EQ(fetch(url(server, "/", "six.example")).bytes, "six");
  EXPECT_EQ(fetch(url(server, "/", "[::1]")).bytes, "six");
}

TEST_F(HttpsFetchTest, AnAddressWhereNobodyListensIsNotTheLast) {
  const auto& server = serve([](const std::string&) { return reply("here"); });
  names_.host("b.example", "127.0.0.2");
  EXPECT_THAT(fetch(url(server, "/", "b.example")).failure,
              AllOf(HasSubstr("no connection to 127.0.0.2"), HasSubstr("refused")));
  names_.host("c.example", "127.0.0.2");
  names_.host("c.example", "127.0.0.1");
  EXPECT_THAT(fetch(url(server, "/", "c.example")).failure, HasSubstr("certificate")) << "of another name, but there";
}

TEST_F(HttpsFetchTest, TheServerHasToBeWhomTheUrlNames) {
  names_.host("wild.b.example", "127.0.0.1");
  names_.host("deep.wild.b.example", "127.0.0.1");
  names_.host("partial.example", "127.0.0.1");
  const auto& server = serve([](const std::string&) { return reply("it"); },
                             "DNS:a.example,DNS:*.b.example,DNS:p*.example,IP:127.0.0.1");
  EXPECT_TRUE(fetch(url(server)).ok());
  EXPECT_TRUE(fetch(url(server, "/", "127.0.0.1")).ok());
  EXPECT_TRUE(fetch(url(server, "/", "wild.b.example")).ok());
  EXPECT_THAT(fetch(url(server, "/", "deep.wild.b.example")).failure, HasSubstr("hostname mismatch"));
  EXPECT_THAT(fetch(url(server, "/", "partial.example")).failure, HasSubstr("hostname mismatch"));
  EXPECT_THAT(fetch(url(server, "/", "127.0.0.2")).failure, HasSubstr("no connection"));
  const auto& nameless = serve([](const std::string&) { return reply("it"); }, "");
  EXPECT_THAT(fetch(url(nameless, "/", "server1")).failure, HasSubstr("port")) << "the fetcher has its settings";
}

TEST_F(HttpsFetchTest, ACommonNameIsNoHostName) {
  names_.host("server0.example", "127.0.0.1");
  tests::HttpsServer server(io_, files_.issue("server0.example", ""), [](const std::string&) { return reply("it"); });
  settings_.ports.push_back(server.port());
  EXPECT_THAT(fetch(url(server, "/", "server0.example")).failure, HasSubstr("hostname mismatch"));
}

TEST_F(HttpsFetchTest, AStrangersCertificateOrAnOldOneIsRefused) {
  tests::TlsFiles strangers;
  tests::HttpsServer strange(io_, strangers.issue("a", "DNS:a.example"), [](const std::string&) { return reply(""); });
  tests::HttpsServer old(io_, files_.issue("old", "DNS:a.example", -60), [](const std::string&) { return reply(""); });
  settings_.ports = {strange.port(), old.port()};
  EXPECT_THAT(fetch(url(strange)).failure, HasSubstr("TLS handshake: the server's certificate"));
  EXPECT_THAT(fetch(url(old)).failure, HasSubstr("certificate has expired"));
  EXPECT_THAT(strange.requests(), IsEmpty());
}

TEST_F(HttpsFetchTest, RedirectsAreFollowedAsFarAsThreeGo) {
  const auto& server = serve([](const std::string& request) {
    if (request.starts_with("GET /1 ")) return redirect("/2", "301 Moved Permanently");
    if (request.starts_with("GET /2 ")) return redirect("3?x", "307 Temporary Redirect");
    if (request.starts_with("GET /3?x ")) return redirect("//a.example/4", "308 Permanent Redirect");
    return redirect("/loop");
  });
  EXPECT_THAT(fetch(url(server, "/1")).failure, HasSubstr("port 443 is not allowed"));
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(fetch(url(server, "/loop")).failure, "too many redirects");
  EXPECT_EQ(server.requests().size(), 3u + 4u);
}

TEST_F(HttpsFetchTest, ARedirectLeadsNowhereThatAFirstUrlWouldNot) {
  std::string to;
  const auto& server =
      serve([&](const std::string& request) { return request.starts_with("GET / ") ? redirect(to) : reply("there"); });
  names_.host("inside.example", "10.0.0.1");
  names_.host("b.example", "127.0.0.1");
  const std::string port = ":" + std::to_string(server.port());
  const struct {
    std::string to;
    const char* says;
  } kRows[] = {
      {"http://a.example/", "not https"},
      {"https://user@a.example" + port + "/x", "a user in it"},
      {"https://10.0.0.1" + port + "/", "10.0.0.1, a private address"},
      {"https://[::ffff:127.0.0.1]" + port + "/", "IPv4 in IPv6's clothes"},
      {"https://inside.example" + port + "/", "10.0.0.1, a private address"},
      {"https://a.example:1/", "port 1 is not allowed"},
      {"https://nowhere.example" + port + "/", "its host has no address"},
      {"https://b.example" + port + "/x", "hostname mismatch"},
      {"", "too many redirects"},
      {"/x", ""},
  };
  for (const auto& row : kRows) {
    to = row.to;
    const FetchResult result = fetch(url(server));
    EXPECT_EQ(result.ok(), *row.says == '\0') << row.to << ": " << result.failure;
    EXPECT_THAT(result.failure, HasSubstr(row.says)) << row.to;
  }
}

TEST_F(HttpsFetchTest, AnythingBut200IsAFailure) {
  std::string status;
  std::string fields;
  const auto& server = serve([&](const std::string&) { return reply("body", fields, status); });
  for (const char* text : {"201 Created", "204 No Content", "206 Partial Content", "304 Not Modified", "404 Not Found",
                           "500 Oh", "100 Continue"}) {
    status = text;
    EXPECT_EQ(fetch(url(server)).failure, "the server answers " + status.substr(0, 3));
  }
  status = "302 Found";
  EXPECT_EQ(fetch(url(server)).failure, "a redirect to nowhere");
  fields = "Location: /a\r\nLocation: /b\r\n";
  EXPECT_EQ(fetch(url(server)).failure, "a redirect to nowhere");
  status = "200 OK";
  fields = "Content-Encoding: gzip\r\n";
  EXPECT_EQ(fetch(url(server)).failure, "the answer is encoded, which nobody asked for");
}

TEST_F(HttpsFetchTest, WhatCannotBeReadAtStartIsAnError) {
  settings_.ca = files_.path("nowhere.pem");
  EXPECT_THAT(HttpsFetcher::create(io_, names_, settings_, tls_).error(), HasSubstr("nowhere.pem"));
  settings_.ca.clear();
  EXPECT_TRUE(HttpsFetcher::create(io_, names_, settings_, tls_).ok()) << "the system's authorities";
}

}  // namespace
}  // namespace weir::controlplane
