// What an identity costs a call: a PASSporT signed and judged, alone and with all that is around it (JSON, base64, the
// header, the certificate's remembered path), beside OpenSSL's bare ECDSA on a digest, its context made once: what
// `openssl speed ecdsap256` measures too (bench/beside-openssl).
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <string>

#include "controlplane/passport_signer.h"
#include "controlplane/passport_verifier.h"
#include "proto/assert.h"
#include "tests/support/stir_lab.h"

namespace weir::bench {
namespace {

using namespace controlplane;
using enum sip::CanonicalIdentity::Kind;

constexpr char kUrl[] = "https://certificates.example.org/shaken/4e1ab5.pem";

/// Everything that one call brings: a shaken token with one media key.
struct Lab {
  tests::StirLab authority;
  tests::StirCredential credential = authority.issue();
  SigningKey key = credential.signing_key();
  std::shared_ptr<const IdentityCertificate> certificate = credential.chain();
  std::shared_ptr<const TrustAnchors> anchors = authority.anchors();
  IdentityTerms terms{.now_s = tests::unix_now_s()};
  RequestFacts facts;
  Passport passport;

  Lab() {
    facts.callers = {{kNumber, "12155551212"}};
    facts.called = {{kNumber, "12155550000"}};
    facts.date_s = terms.now_s;
    facts.fingerprints = {fingerprint_of()};
    passport.x5u = kUrl;
    passport.ppt = "shaken";
    passport.orig = make_passport_identity(facts.callers);
    passport.dest = make_passport_identity(facts.called);
    passport.iat_s = terms.now_s;
    passport.mky = facts.fingerprints;
    passport.attest = "A";
    passport.origid = make_origid();
  }
  static sip::Fingerprint fingerprint_of() {
    sip::Fingerprint made;
    made.digest.fill(0);
    made.digest[0] = 0x4a;
    return made;
  }
};

const Lab& lab() {
  static const Lab made;
  return made;
}

proto::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::array<std::uint8_t, 32> some_digest() {
  std::array<std::uint8_t, 32> digest;
  digest.fill(0x5a);
  return digest;
}

void openssl_sign(benchmark::State& state) {
  const KeyContextHandle context(EVP_PKEY_CTX_new(lab().key.key(), nullptr));
  WEIR_ASSERT(EVP_PKEY_sign_init(context.get()) == 1);
  const auto digest = some_digest();
  std::array<std::uint8_t, 80> der;
  for (auto _ : state) {
    std::size_t bytes = der.size();
    WEIR_ASSERT(EVP_PKEY_sign(context.get(), der.data(), &bytes, digest.data(), digest.size()) == 1);
  }
  state.SetItemsProcessed(state.iterations());
}

void weir_sign(benchmark::State& state) {
  const std::string input = passport_signing_input(lab().passport);
  for (auto _ : state) WEIR_ASSERT(lab().key.sign(bytes_of(input)).ok());
  state.SetItemsProcessed(state.iterations());
}

void weir_sign_token(benchmark::State& state) {
  for (auto _ : state) {
    const auto identity = sign_passport(lab().passport, lab().key, false);
    WEIR_ASSERT(identity.ok());
    benchmark::DoNotOptimize(write(*identity));
  }
  state.SetItemsProcessed(state.iterations());
}

void openssl_verify(benchmark::State& state) {
  const auto digest = some_digest();
  const KeyContextHandle signer(EVP_PKEY_CTX_new(lab().key.key(), nullptr));
  std::array<std::uint8_t, 80> der;
  std::size_t bytes = der.size();
  WEIR_ASSERT(EVP_PKEY_sign_init(signer.get()) == 1 &&
              EVP_PKEY_sign(signer.get(), der.data(), &bytes, digest.data(), digest.size()) == 1);
  const KeyContextHandle context(EVP_PKEY_CTX_new(lab().certificate->key(), nullptr));
  WEIR_ASSERT(EVP_PKEY_verify_init(context.get()) == 1);
  for (auto _ : state) {
    WEIR_ASSERT(EVP_PKEY_verify(context.get(), der.data(), bytes, digest.data(), digest.size()) == 1);
  }
  state.SetItemsProcessed(state.iterations());
}

void weir_verify(benchmark::State& state) {
  const std::string input = passport_signing_input(lab().passport);
  const Es256Signature signature = lab().key.sign(bytes_of(input)).value();
  for (auto _ : state) WEIR_ASSERT(es256_verifies(lab().certificate->key(), bytes_of(input), signature));
  state.SetItemsProcessed(state.iterations());
}

void weir_verify_token(benchmark::State& state) {
  const std::string value = write(sign_passport(lab().passport, lab().key, false).value());
  for (auto _ : state) {
    const auto header = sip::parse_identity_header(value);
    const auto examined = examine_identity(*header, lab().facts, lab().terms);
    WEIR_ASSERT(judge_identity(std::get<ExaminedIdentity>(examined), {lab().certificate, "", false}, *lab().anchors,
                               lab().facts, lab().terms)
                    .good());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(openssl_sign)->Name("signalling/identity_sign|openssl");
BENCHMARK(weir_sign)->Name("signalling/identity_sign|weir");
BENCHMARK(openssl_sign)->Name("signalling/identity_sign_token|openssl");
BENCHMARK(weir_sign_token)->Name("signalling/identity_sign_token|weir");
BENCHMARK(openssl_verify)->Name("signalling/identity_verify|openssl");
BENCHMARK(weir_verify)->Name("signalling/identity_verify|weir");
BENCHMARK(openssl_verify)->Name("signalling/identity_verify_token|openssl");
BENCHMARK(weir_verify_token)->Name("signalling/identity_verify_token|weir");

}  // namespace
}  // namespace weir::bench

BENCHMARK_MAIN();
