// What a call passes from one leg to the other and waits for: a new offer, or a request that only the far party can
// answer. RFC 3264, RFC 3261 section 14, RFC 3311.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "sip/dialog.h"
#include "sip/message.h"
#include "sip/offer_answer.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// An offer on its way. A call has one at a time: whoever makes another meanwhile gets 491.
struct Exchange {
  sip::DialogId to;         ///< of the leg our offer went to
  sip::DialogId from;       ///< of the leg whose request it passes on; empty: the offer is our own
  sip::TransactionId sent;  ///< our re-INVITE or UPDATE there
  sip::Method method;       ///< of it
  std::uint64_t sent_ns = 0;
  sip::TransactionId asked;                     ///< that request
  std::shared_ptr<const sip::Message> request;  ///< likewise
  std::optional<sip::RemoteOffer> offer;        ///< its offer
  bool withdrawn = false;                       ///< the other leg has cancelled
};

/// A request without offer (INFO, MESSAGE, NOTIFY ...) on its way.
struct Relay {
  sip::DialogId from;
  sip::TransactionId asked;
  std::shared_ptr<const sip::Message> request;
  sip::TransactionId sent;
  sip::DialogId to;
};

/// A REFER that the far party acts on: its progress reports name ours, the referrer knows its own.
struct PassedRefer {
  sip::DialogId referrer;
  std::uint32_t their_cseq = 0;
  std::uint32_t our_cseq = 0;
};
/// Remembered in one call; of older ones no progress goes back.
inline constexpr std::size_t kPassedRefersMax = 4;

}  // namespace weir::controlplane
