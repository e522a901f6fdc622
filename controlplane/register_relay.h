// REGISTERs that go on to an upstream registrar, as an edge proxy sends them: with a Path that leads back to the
// party's flow, and everything else between the two as it is. RFC 3327 section 5.2, RFC 5626 section 5.1, RFC 3608.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/inet.h"
#include "sip/message.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

class CallControl;
class RelayedRegister;
struct CallContext;

/// What goes on beside the REGISTER itself.
struct RelayTerms {
  std::string trunk;       ///< whose targets the registrar is
  std::string token;       ///< the user of our Path: the party's flow
  std::string flow_timer;  ///< Flow-Timer of a response that grants outbound (RFC 5626 section 5.4); empty: none
  /// Hears the final response before the party does; null: none came.
  std::function<void(const sip::Message* response)> done;
};

/// One shard's, owned by its call control.
class RegisterRelays {
 public:
  /// Both outlive it.
  RegisterRelays(CallContext& context, CallControl& control);
  RegisterRelays(const RegisterRelays&) = delete;
  RegisterRelays& operator=(const RegisterRelays&) = delete;
  ~RegisterRelays();

  /// The request is answered with what the registrar says; with 504 if it says nothing, 503 if there is none.
  void relay(sip::TransactionId id, const sip::Message& request, RelayTerms terms);
  /// Whether a trunk's target has that address: as the configuration says, or as one has granted a registration from.
  [[nodiscard]] bool is_upstream(std::string_view trunk, const proto::IpAddress& address) const;

  /// What is done with goes. Call it after each entry.
  void bury();
  [[nodiscard]] bool idle() const { return relayed_.empty(); }

 private:
  friend class RelayedRegister;
  /// Addresses that are remembered of all trunks together.
  static constexpr std::size_t kKnownMax = 256;

  void note(const std::string& trunk, const proto::IpAddress& address);
  void bury_later(std::uint64_t number) { dead_.push_back(number); }

  CallContext& context_;
  CallControl& control_;
  std::map<std::uint64_t, std::unique_ptr<RelayedRegister>> relayed_;
  std::vector<std::uint64_t> dead_;
  std::set<std::pair<std::string, std::string>> known_;  ///< trunk and address
  std::uint64_t number_last_ = 0;
};

}  // namespace weir::controlplane
