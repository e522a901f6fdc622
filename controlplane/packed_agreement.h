// An agreement as an established leg holds it: its descriptions as text while nothing goes on, a sixth of what they
// take as values. A call stands for minutes and is asked for seconds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sip/offer_answer.h"

namespace weir::controlplane {

/// Like an optional<sip::Agreement>. What is packed is wiped when it goes: it may hold keys (RFC 4568).
class PackedAgreement {
 public:
  PackedAgreement() = default;
  explicit PackedAgreement(sip::Agreement agreement) { *this = std::move(agreement); }
  PackedAgreement(const PackedAgreement&) = delete;
  PackedAgreement& operator=(const PackedAgreement&) = delete;
  PackedAgreement(PackedAgreement&&) noexcept = default;
  PackedAgreement& operator=(PackedAgreement&&) noexcept = default;
  ~PackedAgreement() { reset(); }
  PackedAgreement& operator=(sip::Agreement agreement);

  [[nodiscard]] bool has_value() const { return full_ || !local_.empty(); }
  explicit operator bool() const { return has_value(); }
  /// Unpacks what is packed. It has a value.
  const sip::Agreement& operator*() const { return full(); }
  const sip::Agreement* operator->() const { return &full(); }
  /// Its sections, packed or not.
  [[nodiscard]] const std::vector<sip::AgreedSection>& sections() const { return full_ ? full_->sections : sections_; }

  /// What an earlier one had packed: texts that write_sdp wrote.
  static PackedAgreement packed(std::string local, std::string remote, std::vector<sip::AgreedSection> sections);

  /// Idempotent; without a value it does nothing, nor where a description is too long to be read again.
  void pack();
  [[nodiscard]] bool is_packed() const { return !full_ && has_value(); }
  /// The descriptions as SDP, once packed.
  [[nodiscard]] const std::string& local_text() const { return local_; }
  [[nodiscard]] const std::string& remote_text() const { return remote_; }
  void reset();

 private:
  const sip::Agreement& full() const;
  void wipe_texts() const;

  // Which of the two forms it has is nobody's business.
  mutable std::unique_ptr<sip::Agreement> full_;
  mutable std::string local_;
  mutable std::string remote_;
  mutable std::vector<sip::AgreedSection> sections_;
};

}  // namespace weir::controlplane
