// A registrar behind call control in virtual time: a phone that writes REGISTERs by hand and answers challenges.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/registrar.h"
#include "tests/support/call_lab.h"
#include "tests/support/temporary_directory.h"

namespace weir::tests {

/// What a REGISTER is made of. Its From and To are the user's at example.com.
struct RegisterText {
  std::string user = "alice";
  std::vector<std::string> contacts = {"<sip:alice@198.18.1.2:5062>"};
  std::string headers = "";  ///< whole lines
  std::string call_id = "call-1@198.18.1.2";
  std::uint32_t cseq = 0;  ///< 0: one more than the last
  std::string uri = "sip:example.com";
  std::string to = "";         ///< the URI; empty: the user's
  std::string via_below = "";  ///< another Via: a proxy is between
  std::string name = "alice";  ///< who proves a password
  std::string password = "wonderland";
};

class RegistrarLab {
 public:
  /// Realm "callers" has a registrar for example.com; alice and bob may register. `adjust` may change the settings.
  explicit RegistrarLab(const std::function<void(proto::settings::Settings&)>& adjust = {});

  /// Sends it, answers the challenge if one comes, and gives the last answer.
  sip::Message register_with(RegisterText text);
  /// Sends it without credentials and gives the answer.
  sip::Message ask(RegisterText text);
  /// Sends bytes from an address and gives the answer; nullopt: silence.
  std::optional<sip::Message> deliver(const std::string& bytes, const sip::Hop& hop);
  /// The REGISTER as text, credentials for `challenge` in it if there is one.
  std::string write(RegisterText& text, const sip::Message* challenge, std::uint32_t nonce_count = 1);

  void advance_s(std::uint64_t seconds);
  /// The process dies and starts again: what is not in the store is gone.
  void restart();
  /// The contacts and their seconds in a 200, "URI expires", in order.
  static std::vector<std::string> contacts_of(const sip::Message& response);

  controlplane::Registrar& registrar() { return *registrar_; }
  CallLab& calls() { return calls_; }

  sip::Hop phone;                ///< where the phone is
  bool connection_gone = false;  ///< arrival() knows no hop any more
  std::int64_t unix_time_s = 1'700'000'000;
  proto::settings::Settings settings;

 private:
  /// The call lab's ways, some of which may be gone.
  struct Paths : controlplane::PathFinder {
    explicit Paths(RegistrarLab& owner) : lab(owner) {}
    std::optional<controlplane::Path> arrival(const sip::Hop& hop) const override;
    std::optional<controlplane::Path> towards(std::uint32_t realm, const sip::Uri& uri,
                                              const controlplane::Path* like) override;
    RegistrarLab& lab;
  };

  void start();

  TemporaryDirectory directory_;
  CallLab calls_;
  Paths paths_{*this};
  std::unique_ptr<controlplane::Registrar> registrar_;
  std::uint32_t cseq_last_ = 0;
  std::uint64_t branch_last_ = 0;
};

}  // namespace weir::tests
