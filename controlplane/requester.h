// Who sends requests and who takes them, as call control knows them: calls, trunks, the registrar.
#pragma once

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

/// Takes the requests of one method that belong to no dialog and are not INVITEs.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  /// `from` is the way it came. Answer with CallControl::respond, now or later.
  virtual void on_request(sip::TransactionId id, const sip::Message& request, const Path& from) = 0;
};

}  // namespace weir::controlplane
