// Keys that we vouch with, from files and from a security module (SoftHSM), and those that are no good.
#include "controlplane/identity_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "controlplane/stored_key.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

namespace settings = proto::settings;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::int64_t now_s() {
  return time(nullptr);
}

/// Whether the private key signs what the certificate verifies.
bool sign_and_verify(const IdentityKey& key) {
  const unsigned char text[] = "eyJhbGciOiJFUzI1NiJ9.e30";
  unsigned char signature[512];
  std::size_t bytes = sizeof signature;
  EVP_MD_CTX* signing = EVP_MD_CTX_new();
  const bool is_signed = EVP_DigestSignInit(signing, nullptr, EVP_sha256(), nullptr, key.key.get()) == 1 &&
                         EVP_DigestSign(signing, signature, &bytes, text, sizeof text) == 1;
  EVP_MD_CTX_free(signing);
  EVP_MD_CTX* verifying = EVP_MD_CTX_new();
  EVP_PKEY* verifier = X509_get0_pubkey(key.chain.front().get());
  const bool is_good = is_signed && EVP_DigestVerifyInit(verifying, nullptr, EVP_sha256(), nullptr, verifier) == 1 &&
                       EVP_DigestVerify(verifying, signature, bytes, text, sizeof text) == 1;
  EVP_MD_CTX_free(verifying);
  return is_good;
}

class IdentityKeysTest : public testing::Test {
 protected:
  void add(const std::string& name, const std::string& chain, const std::string& key, const std::string& url = "") {
    settings_.keys.push_back({name, chain, key, url});
  }
  void add(const std::string& name, const settings::CertificateFiles& files) { add(name, files.chain, files.key); }
  /// A self-signed certificate of that key.
  settings::CertificateFiles files_of(const std::string& name, const KeyHandle& key, long from_s = -60,
                                      long to_s = 3600) {
    const settings::CertificateFiles files{files_.path(name + ".pem"), files_.path(name + ".key")};
    const CertificateHandle made = tests::make_certificate(key.get(), name, "", nullptr, key.get(), from_s, to_s);
    std::FILE* chain = std::fopen(files.chain.c_str(), "w");
    PEM_write_X509(chain, made.get());
    std::fclose(chain);
    std::FILE* secret = std::fopen(files.key.c_str(), "w");
    PEM_write_PrivateKey(secret, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(secret);
    return files;
  }
  std::string failure() {
    const auto loaded = IdentityKeys::load(settings_, "weir", now_s());
    settings_.keys.clear();
    return loaded ? "" : loaded.error();
  }

  tests::TlsFiles files_;
  settings::IdentitySettings settings_;
};

std::string text_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_F(IdentityKeysTest, AKeyAndItsChainAreLoaded) {
  settings_.server.url = "https://cert.example";
  const settings::CertificateFiles files = files_.issue("shaken", "");
  const std::string chain = text_of(files.chain) + text_of(files_.ca());
  files_.write("chain.pem", "# the leaf\n" + chain);
  add("main", files_.path("chain.pem"), files.key);
  add("elsewhere", files.chain, files.key, "https://others.example/it.pem");
  add("legacy", files_of("rsa", KeyHandle(EVP_RSA_gen(2048))));
  const auto loaded = IdentityKeys::load(settings_, "weir", now_s());
  ASSERT_TRUE(loaded.ok()) << loaded.error();
  const auto main = (*loaded)->find("main");
  ASSERT_NE(main, nullptr);
  EXPECT_EQ(main->chain.size(), 2u);
  EXPECT_EQ(main->pem, chain) << "the chain alone";
  EXPECT_FALSE(main->is_rsa);
  EXPECT_NEAR(static_cast<double>(main->not_after_s), static_cast<double>(now_s() + 3600), 5);
  EXPECT_THAT(main->path, testing::MatchesRegex("/identity/[0-9a-f]+\\.pem"));
  EXPECT_EQ(main->path.size(), 10u + 16u + 4u);
  EXPECT_EQ(main->url, "https://cert.example" + main->path);
  EXPECT_TRUE(sign_and_verify(*main));
  EXPECT_EQ((*loaded)->find("elsewhere")->url, "https://others.example/it.pem");
  EXPECT_EQ((*loaded)->find("elsewhere")->path, main->path) << "the same certificate";
  EXPECT_TRUE((*loaded)->find("legacy")->is_rsa);
  EXPECT_EQ((*loaded)->find("nobody"), nullptr);
}

TEST_F(IdentityKeysTest, AKeyThatIsNoGoodIsNamedWithWhatToDo) {
  const settings::CertificateFiles good = files_.issue("good", "");
  const settings::CertificateFiles other = files_.issue("other", "");
  add("a", files_.path("nowhere.pem"), good.key);
  EXPECT_THAT(failure(), AllOf(StartsWith("identity key 'a': "), HasSubstr("nowhere.pem: No such file")));
  add("a", good.chain, files_.path("nowhere.key"));
  EXPECT_THAT(failure(), HasSubstr("nowhere.key: No such file"));
  add("a", good.chain, good.chain);
  EXPECT_THAT(failure(), HasSubstr("holds no private key"));
  add("a", good.chain, other.key);
  add("b", good);
  add("c", good.key, good.key);
  EXPECT_THAT(failure(), AllOf(HasSubstr("'a': the private key is not the one of the first certificate in"),
                               Not(HasSubstr("'b'")), HasSubstr("identity key 'c': ")))
      << "all mistakes at once";
  add("a", files_of("p384", KeyHandle(EVP_EC_gen("P-384"))));
  EXPECT_THAT(failure(), HasSubstr("neither on the curve P-256"));
  add("a", files_of("rsa1024", KeyHandle(EVP_RSA_gen(1024))));
  EXPECT_THAT(failure(), HasSubstr("less than 2,048 bits"));
  add("a", files_of("old", KeyHandle(EVP_EC_gen("P-256")), -7200, -60));
  EXPECT_THAT(failure(), AllOf(HasSubstr("old.pem has expired"), HasSubstr("GMT")));
  add("a", files_of("young", KeyHandle(EVP_EC_gen("P-256")), 600));
  EXPECT_THAT(failure(), HasSubstr("young.pem is not valid before"));
  std::string many;
  for (int i = 0; i < 9; ++i) many += text_of(good.chain);
  files_.write("many.pem", many);
  add("a", files_.path("many.pem"), good.key);
  EXPECT_THAT(failure(), HasSubstr("too many certificates"));
  settings_.providers = {"nonsense"};
  EXPECT_THAT(failure(), HasSubstr("OpenSSL has no provider 'nonsense'"));
}

TEST_F(IdentityKeysTest, AStoreThatHasNoSuchKeyIsNamedWithoutItsPin) {
  const settings::CertificateFiles good = files_.issue("good", "");
  for (const char* uri : {"file:/nowhere/at/all", "nonsense:x", "tpm2:0x81000001"}) {
    add("a", good.chain, uri);
    EXPECT_THAT(failure(), HasSubstr(std::string("no private key at ") + uri)) << uri;
  }
  EXPECT_THAT(read_stored_key("nonsense:token=a?pin-value=1234").error(), Not(HasSubstr("1234")));
  add("a", good.chain, "file:" + good.key);
  EXPECT_EQ(failure(), "") << "a file by its URI";
}

/// Debian 12: OpenSSL's provider for PKCS#11 is not there, libp11's engine is. The module is begun once a process, so
/// this is one test.
TEST_F(IdentityKeysTest, AKeyInASecurityModuleSigns) {
  const settings::CertificateFiles files = files_.issue("module", "");
  const std::string folder = files_.path("tokens");
  files_.write("softhsm2.conf", "directories.tokendir = " + folder + "\nlog.level = ERROR\n");
  files_.write("pin", "4321");
  setenv("SOFTHSM2_CONF", files_.path("softhsm2.conf").c_str(), 1);
  const std::string command = "mkdir " + folder + " && softhsm2-util --init-token --free --label weir --so-pin 1234 " +
                              "--pin 4321 >/dev/null && softhsm2-util --import " + files.key +
                              " --token weir --label identity --id 01 --pin 4321 >/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0) << "softhsm2 is needed: deploy/dependencies test";
  const std::string module = "&module-path=/usr/lib/softhsm/libsofthsm2.so";
  const std::string token = "pkcs11:token=weir;object=identity;type=private";

  add("a", files.chain, "pkcs11:token=nobody;object=identity?pin-value=4321" + module);
  EXPECT_THAT(failure(),
              AllOf(HasSubstr("no private key at pkcs11:token=nobody;object=identity: "), Not(HasSubstr("4321"))));
  add("a", files.chain, token + "?pin-value=9999" + module);
  EXPECT_THAT(failure(), AllOf(HasSubstr("no private key at " + token), Not(HasSubstr("9999"))));
  add("a", files.chain, token + "?" + module.substr(1));
  EXPECT_THAT(failure(), HasSubstr("no private key at " + token)) << "nobody is asked for a PIN";
  add("b", files_.issue("other", "").chain, token + "?pin-value=4321" + module);
  EXPECT_THAT(failure(), HasSubstr("the private key is not the one of the first certificate"));

  add("value", files.chain, token + "?pin-value=4321" + module);
  add("source", files.chain, token + "?pin-source=file:" + files_.path("pin") + module);
  const auto loaded = IdentityKeys::load(settings_, "weir", now_s());
  ASSERT_TRUE(loaded.ok()) << loaded.error();
  EXPECT_TRUE(sign_and_verify(*(*loaded)->find("value")));
  EXPECT_TRUE(sign_and_verify(*(*loaded)->find("source")));
}

}  // namespace
}  // namespace weir::controlplane
