// The URLs that are fetched, those that are not, and where redirects lead. RFC 3986.
#include "controlplane/https_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

using ::testing::HasSubstr;

TEST(HttpsUrl, AUrlIsTakenApart) {
  const HttpsUrl url = parse_https_url("HTTPS://Cert.Example.COM.:8443/a%2Fb/c.pem?x=/?y#part").value();
  EXPECT_EQ(url.host, "cert.example.com");
  EXPECT_FALSE(url.address);
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/a%2Fb/c.pem?x=/?y");
  EXPECT_EQ(url.authority(), "cert.example.com:8443");
  EXPECT_EQ(to_string(url), "https://cert.example.com:8443/a%2Fb/c.pem?x=/?y");
  EXPECT_EQ(to_string(parse_https_url("https://a.example").value()), "https://a.example/");
  EXPECT_EQ(to_string(parse_https_url("https://a.example:443?q").value()), "https://a.example/?q");
}

TEST(HttpsUrl, AHostMayBeAnAddress) {
  const HttpsUrl four = parse_https_url("https://192.0.2.1/").value();
  EXPECT_EQ(proto::to_string(four.address.value()), "192.0.2.1");
  EXPECT_EQ(four.authority(), "192.0.2.1");
  const HttpsUrl six = parse_https_url("https://[2001:DB8::1]:444/").value();
  EXPECT_EQ(proto::to_string(six.address.value()), "2001:db8::1");
  EXPECT_EQ(six.host, "2001:db8::1");
  EXPECT_EQ(six.authority(), "[2001:db8::1]:444");
}

TEST(HttpsUrl, WhatIsNoUrlToFetchIsRefusedWithItsReason) {
  const struct {
    std::string url;
    const char* says;
  } kRows[] = {
      {"", "not https"},
      {"https", "not https"},
      {"https:", "not https"},
      {"https:/a.example/", "not https"},
      {"http://a.example/", "not https"},
      {"file:///etc/passwd", "not https"},
      {" https://a.example/", "not https"},
      {"https://", "neither a name"},
      {"https:///a", "neither a name"},
      {"https://user@a.example/", "a user in it"},
      {"https://user:secret@a.example/", "a user in it"},
      {"https://a.example@10.0.0.1/", "a user in it"},
      {"https://a.example:/", "port"},
      {"https://a.example:0/", "port"},
      {"https://a.example:65536/", "port"},
      {"https://a.example:4 3/", "port"},
      {"https://a.example:+443/", "port"},
      {"https://a.example:443:443/", "neither a name"},
      {"https://a..example/", "neither a name"},
      {"https://a example/", "neither a name"},
      {"https://a.example\\.evil.example/", "neither a name"},
      {"https://%61.example/", "neither a name"},
      {"https://127.1/", "neither a name"},
      {"https://2130706433/", "neither a name"},
      {"https://0x7f000001/", "neither a name"},
      {"https://0x7f.0x1/", "neither a name"},
      {"https://0177.0.0.1/", "neither a name"},
      {"https://1.2.3.4.5/", "neither a name"},
      {"https://[::1/", "malformed"},
      {"https://::1/", "neither a name"},
      {"https://[127.0.0.1]/", "malformed"},
      {"https://[a.example]/", "neither a name"},
      {"https://[fe80::1%25eth0]/", "neither a name"},
      {"https://a.example/a b", "characters"},
      {"https://a.example/a\r\nHost: b", "characters"},
      {"https://a.example/\x01", "characters"},
      {"https://a.example/\xc3\xa9", "characters"},
      {"https://a.example/%zz", "characters"},
      {"https://a.example/%a", "characters"},
      {"https://a.example/%", "characters"},
      {std::string("https://a.example/\0", 19), "characters"},
      {"https://a.example/" + std::string(kUrlBytesMax, 'a'), "too long"},
  };
  for (const auto& row : kRows) {
    const proto::Result<HttpsUrl> url = parse_https_url(row.url);
    ASSERT_FALSE(url.ok()) << row.url;
    EXPECT_THAT(url.error(), HasSubstr(row.says)) << row.url;
  }
}

/// RFC 3986 section 5.4, as far as the scheme is https.
TEST(HttpsUrl, ReferencesAreResolvedAsRfc3986HasIt) {
  const HttpsUrl base = parse_https_url("https://a/b/c/d;p?q").value();
  const struct {
    const char* reference;
    const char* target;
  } kRows[] = {
      {"g", "https://a/b/c/g"},
      {"./g", "https://a/b/c/g"},
      {"g/", "https://a/b/c/g/"},
      {"/g", "https://a/g"},
      {"//g", "https://g/"},
      {"?y", "https://a/b/c/d;p?y"},
      {"g?y", "https://a/b/c/g?y"},
      {"#s", "https://a/b/c/d;p?q"},
      {"g#s", "https://a/b/c/g"},
      {"g?y#s", "https://a/b/c/g?y"},
      {";x", "https://a/b/c/;x"},
      {"", "https://a/b/c/d;p?q"},
      {".", "https://a/b/c/"},
      {"./", "https://a/b/c/"},
      {"..", "https://a/b/"},
      {"../g", "https://a/b/g"},
      {"../..", "https://a/"},
      {"../../g", "https://a/g"},
      {"../../../g", "https://a/g"},
      {"/./g", "https://a/g"},
      {"/../g", "https://a/g"},
      {"g.", "https://a/b/c/g."},
      {"..g", "https://a/b/c/..g"},
      {"./../g", "https://a/b/g"},
      {"./g/.", "https://a/b/c/g/"},
      {"g/./h", "https://a/b/c/g/h"},
      {"g/../h", "https://a/b/c/h"},
      {"g;x=1/../y", "https://a/b/c/y"},
      {"g?y/../x", "https://a/b/c/g?y/../x"},
      {"https://b/g", "https://b/g"},
  };
  for (const auto& row : kRows) {
    const proto::Result<HttpsUrl> url = resolve_reference(base, row.reference);
    ASSERT_TRUE(url.ok()) << row.reference << ": " << url.error();
    EXPECT_EQ(to_string(*url), row.target) << row.reference;
  }
  for (const char* reference : {"http://a/", "g:h", "javascript:alert(1)", "//user@a/", "/a b"}) {
    EXPECT_FALSE(resolve_reference(base, reference).ok()) << reference;
  }
}

}  // namespace
}  // namespace weir::controlplane
