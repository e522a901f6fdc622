// Both services of identity, over real tokens and certificates, for tests; what is fetched comes from a list.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/authentication_service.h"
#include "controlplane/description_fingerprints.h"
#include "controlplane/identity.h"
#include "controlplane/verification_service.h"
#include "sip/parse.h"
#include "sip/write.h"
#include "tests/support/call_lab.h"
#include "tests/support/stir_lab.h"
#include "tests/support/temporary_directory.h"

namespace weir::tests {

using controlplane::FetchResult;
using controlplane::IdentityOutcome;
using controlplane::JudgedIdentity;
using proto::settings::IdentityUse;

inline constexpr const char* kUrl = "https://cert.example.com/key.pem";
inline constexpr const char* kFingerprint =
    "sha-256 02:1A:CC:54:27:AB:EB:9C:53:3F:3E:4B:65:2E:7D:46:3F:54:42:CD:54:F1:7A:03:A2:7D:F9:B0:7F:46:19:B2";
inline constexpr const char* kOtherFingerprint =
    "sha-256 12:1A:CC:54:27:AB:EB:9C:53:3F:3E:4B:65:2E:7D:46:3F:54:42:CD:54:F1:7A:03:A2:7D:F9:B0:7F:46:19:B2";

/// Files by URL; answers when it is told to, or at once.
class FakeFetcher : public controlplane::Fetcher {
 public:
  void fetch(const std::string& url, Done done) override {
    asked.push_back(url);
    waiting_.emplace_back(url, std::move(done));
    if (at_once) answer();
  }
  void answer() {
    for (auto& [url, done] : std::exchange(waiting_, {})) {
      FetchResult result;
      const auto found = files.find(url);
      if (found == files.end()) {
        result.failure = "nobody is there";
      } else {
        result.bytes = found->second;
      }
      done(result);
    }
  }

  bool at_once = true;
  std::map<std::string, std::string> files;
  std::vector<std::string> asked;

 private:
  std::vector<std::pair<std::string, Done>> waiting_;
};

inline sip::Message message(const std::string& text) {
  sip::ParseResult parsed = sip::parse_message(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return std::move(parsed.message());
}

inline std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what << " in " << text;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

struct IdentityServices {
  StirLab authority;
  StirCredential credential = authority.issue({.tn_auth_list = tn_list(tn_one("12155551212"))});
  TemporaryDirectory directory;
  proto::settings::Settings settings;
  std::int64_t now_s = unix_now_s();
  std::uint64_t now_ns = 1;
  FakeFetcher fetcher;
  std::optional<controlplane::IdentityCertificates> certificates;
  std::optional<controlplane::VerificationService> verification;
  std::optional<controlplane::AuthenticationService> authentication;

  explicit IdentityServices(const StirTerms& legacy = {
                                .tn_auth_list = "", .alternative_names = "DNS:example.com", .curve = "RSA"}) {
    const StirCredential rsa = authority.issue(legacy);
    settings.realms.resize(2);
    settings.realms[0].name = "there";
    settings.realms[0].identity.verify = IdentityUse::kRequire;
    settings.realms[1].name = "here";
    settings.realms[1].identity.sign = "key";
    add_key("key", credential, kUrl);
    add_key("rsa", rsa, "https://example.com/rsa.pem");
    const auto clock = [this] { return now_s; };
    certificates.emplace(
        fetcher, settings.identity.fetch, controlplane::parse_certificate, [this] { return now_ns; }, clock);
    verification.emplace(settings, *certificates, clock);
    verification->use(authority.anchors());
    authentication.emplace(settings, clock);
    auto keys = controlplane::IdentityKeys::load(settings.identity, "root", now_s);
    EXPECT_TRUE(keys) << keys.error();
    authentication->use(std::move(keys).value());
  }

  void add_key(const std::string& name, const StirCredential& credential_of, const std::string& url) {
    const std::string base = directory.path() + "/" + name;
    std::ofstream(base + ".pem") << credential_of.certificate;
    std::ofstream(base + ".key") << credential_of.key;
    std::filesystem::permissions(base + ".key", std::filesystem::perms::owner_read);
    settings.identity.keys.push_back({name, base + ".pem", base + ".key", url});
    fetcher.files[url] = credential_of.certificate;
  }

  /// As it leaves, signed.
  std::string signed_text(const std::string& body, const controlplane::IdentityFacts& facts = {},
                          const std::string& from = "<sip:+12155551212@example.com;user=phone>",
                          const std::string& headers = "") {
    const std::string request =
        "INVITE sip:+12155551213@198.18.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.1;branch=z9hG4bKs\r\n"
        "Max-Forwards: 70\r\nFrom: " +
        from +
        ";tag=f\r\nTo: <sip:+12155551213@example.org;user=phone>\r\nCall-ID: call-1\r\nCSeq: 1 INVITE\r\n"
        "Contact: <sip:weir@198.18.1.1>\r\n" +
        headers + "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    sip::Message invite = message(request);
    authentication->sign(invite, 1, facts);
    return sip::write(invite);
  }

  JudgedIdentity judge(const std::string& text, IdentityUse use = IdentityUse::kRequire) {
    const sip::Message request = message(text);
    std::optional<JudgedIdentity> judged;
    const auto query = verification->verify(request, 0, use, controlplane::fingerprints_in(request),
                                            [&](const JudgedIdentity& verdict) { judged = verdict; });
    EXPECT_EQ(query, nullptr);
    EXPECT_TRUE(judged);
    return judged.value_or(JudgedIdentity{});
  }
};

inline const std::string kSecured =
    secured_sdp("198.18.1.10", 20000, std::string("a=fingerprint:") + kFingerprint + "\r\n");
inline const std::string kPlain = plain_sdp("198.18.1.10", 20000);

}  // namespace weir::tests
