// An identity service that says what a test wants, when it wants; what it signs says so.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/identity_service.h"

namespace weir::tests {

class FakeIdentity : public controlplane::IdentityService {
 public:
  struct Asked {
    std::uint32_t realm;
    proto::settings::IdentityUse use;
    std::vector<sip::Fingerprint> offered;
    std::string identity;  ///< the header's value
    Done done;             ///< empty: answered, or given up
  };

  std::unique_ptr<controlplane::IdentityQuery> verify(const sip::Message& request, std::uint32_t realm,
                                                      proto::settings::IdentityUse use,
                                                      const std::vector<sip::Fingerprint>& offered,
                                                      Done done) override {
    const std::string value(request.header(sip::HeaderId::kIdentity).value_or(""));
    asked.push_back({realm, use, offered, value, nullptr});
    if (answers_at_once) {
      done(verdict);
      return nullptr;
    }
    asked.back().done = std::move(done);
    return std::make_unique<Check>(*this, asked.size() - 1);
  }

  void sign(sip::Message& request, std::uint32_t realm, const controlplane::IdentityFacts& facts) override {
    if (realm != signed_realm) return;
    signed_for.push_back(facts);
    request.set_header(sip::HeaderId::kIdentity, "signed" + std::to_string(request.body().size()));
  }

  /// The latest question has its answer.
  void answer(const controlplane::JudgedIdentity& later) {
    const Done done = std::move(asked.back().done);
    asked.back().done = nullptr;
    done(later);
  }

  bool answers_at_once = true;
  controlplane::JudgedIdentity verdict;
  std::vector<Asked> asked;
  std::uint32_t signed_realm = UINT32_MAX;
  std::vector<controlplane::IdentityFacts> signed_for;

 private:
  class Check : public controlplane::IdentityQuery {
   public:
    Check(FakeIdentity& service, std::size_t at) : service_(service), at_(at) {}
    ~Check() override { service_.asked[at_].done = nullptr; }

   private:
    FakeIdentity& service_;
    std::size_t at_;
  };
};

inline controlplane::JudgedIdentity passed(const std::string& orig = "12155551212",
                                           std::vector<sip::Fingerprint> bound = {}) {
  controlplane::JudgedIdentity verdict;
  verdict.outcome = controlplane::IdentityOutcome::kPassed;
  verdict.orig = orig;
  verdict.is_number = orig.find(':') == std::string::npos;
  verdict.attest = "A";
  verdict.bound = std::move(bound);
  return verdict;
}

inline controlplane::JudgedIdentity refused(std::uint16_t status, const std::string& check) {
  controlplane::JudgedIdentity verdict;
  verdict.outcome = controlplane::IdentityOutcome::kFailed;
  verdict.refusal = {status, "the Identity is not good: " + check};
  verdict.check = check;
  verdict.text = verdict.refusal.text;
  return verdict;
}

}  // namespace weir::tests
