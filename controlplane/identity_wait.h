// A request of a party's that waits for the verdict on its Identity.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "controlplane/identity_service.h"
#include "sip/dialog.h"
#include "sip/message.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// A call has one at a time.
struct IdentityWait {
  /// What the request was about, once its Identity has been judged.
  using Then = std::function<void(const JudgedIdentity&)>;

  std::unique_ptr<IdentityQuery> query;
  sip::TransactionId asked;                     ///< the request; of the caller's INVITE none: that has its own answer
  std::shared_ptr<const sip::Message> request;  ///< likewise
  sip::DialogId from;                           ///< whose
  std::optional<JudgedIdentity> at_once;
  bool starting = true;
  Then then;
};

}  // namespace weir::controlplane
