// A MESSAGE outside calls that goes on to its receiver; the answer goes back. RFC 3428.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "controlplane/delivery.h"
#include "controlplane/outside_request.h"

namespace weir::controlplane {

class OutsideRequests;

/// Owned by OutsideRequests, which keeps it until it is answered.
class PassedMessage : private DeliveryOwner {
 public:
  /// `context`, `control` and `home` outlive it.
  PassedMessage(CallContext& context, CallControl& control, OutsideRequests& home, std::uint64_t number,
                const OutsideRequest& request, Destination destination);
  PassedMessage(const PassedMessage&) = delete;
  PassedMessage& operator=(const PassedMessage&) = delete;
  ~PassedMessage() override;

  void start() { delivery_.start(); }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  // DeliveryOwner
  sip::Message make_request(const Path& way, const Target& target) override;
  void on_delivered(const Delivered& delivered) override;
  void on_undelivered(const EndCause& cause, const sip::Message* response) override;

  CallContext& context_;
  CallControl& control_;
  OutsideRequests& home_;
  std::uint64_t number_;
  OutsideRequest request_;
  std::string call_id_;
  std::string from_tag_;
  Delivery delivery_;
};

}  // namespace weir::controlplane
