// Who sends requests and who takes them, as call control knows them: calls, trunks, the registrar.
#pragma once

#include <cstdint>
#include <optional>

#include "controlplane/path.h"
#include "sip/message.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// Whoever sent a request through CallControl::request. It withdraws (CallControl::disown) before it is destroyed.
class Requester {
 public:
  virtual ~Requester() = default;
  /// Provisional or final; for an INVITE several 2xx may come.
  virtual void on_response(sip::TransactionId id, const sip::Message& response) = 0;
  /// No response came, or the request could not be sent (RFC 3261 section 8.1.3.1: as 408, as 503).
  virtual void on_failure(sip::TransactionId id, sip::TransactionFailure failure) = 0;
};

/// An answer that goes out without a transaction.
struct EarlyAnswer {
  std::uint16_t status = 0;  ///< 0: silence
  sip::HeaderList headers;
};

/// Takes the requests of one method that belong to no dialog and are not INVITEs.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  /// Whether the method is one of this realm's (index in Settings::realms); else it is answered as if nobody took it.
  [[nodiscard]] virtual bool serves(sip::Method /*method*/, std::uint32_t /*realm*/) const { return true; }
  /// Asked before anything is kept of a request; not asked of one that repeats a request whose transaction is alive.
  /// nullopt: on_request follows.
  virtual std::optional<EarlyAnswer> answer_early(const sip::Message& /*request*/, const Path& /*from*/) {
    return std::nullopt;
  }
  /// `from` is the way it came. Answer with CallControl::respond, now or later.
  virtual void on_request(sip::TransactionId id, const sip::Message& request, const Path& from) = 0;
};

}  // namespace weir::controlplane
