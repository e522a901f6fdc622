#include "controlplane/packed_agreement.h"

#include <utility>

#include "proto/assert.h"
#include "proto/bytes.h"
#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"

namespace weir::controlplane {

namespace {

void wipe_text(std::string& text) {
  proto::wipe(text.data(), text.size());
  text = {};
}

/// What is shorter is within every limit of parse_sdp, whatever is in it: 512 lines take more.
constexpr std::size_t kSurelyReadBytes = 2048;

/// Empty: it could not be read again. A peer's description may be just within the limits, and go beyond them with CRLF
/// in the place of LF, or with what we add.
std::string packed_text(const sip::SessionDescription& description) {
  std::string written = sip::write_sdp(description);
  std::string exact(written);  // no longer than it is
  wipe_text(written);
  if (exact.size() <= kSurelyReadBytes) return exact;
  if (!std::holds_alternative<sip::SessionDescription>(sip::parse_sdp(exact))) wipe_text(exact);
  return exact;
}

sip::SessionDescription unpacked(const std::string& text) {
  auto read = sip::parse_sdp(text);
  auto* description = std::get_if<sip::SessionDescription>(&read);
  WEIR_ASSERT(description != nullptr);  // we wrote it
  return std::move(*description);
}

}  // namespace

PackedAgreement& PackedAgreement::operator=(sip::Agreement agreement) {
  reset();
  full_ = std::make_unique<sip::Agreement>(std::move(agreement));
  return *this;
}

PackedAgreement PackedAgreement::packed(std::string local, std::string remote,
                                        std::vector<sip::AgreedSection> sections) {
  PackedAgreement made;
  made.local_ = std::move(local);
  made.remote_ = std::move(remote);
  made.sections_ = std::move(sections);
  return made;
}

void PackedAgreement::pack() {
  if (!full_) return;
  local_ = packed_text(full_->local);
  remote_ = packed_text(full_->remote);
  if (local_.empty() || remote_.empty()) return wipe_texts();
  sections_ = std::move(full_->sections);
  full_.reset();
}

const sip::Agreement& PackedAgreement::full() const {
  WEIR_ASSERT(has_value());
  if (full_) return *full_;
  full_ = std::make_unique<sip::Agreement>();
  full_->local = unpacked(local_);
  full_->remote = unpacked(remote_);
  full_->sections = std::move(sections_);
  wipe_texts();
  return *full_;
}

void PackedAgreement::reset() {
  full_.reset();
  sections_.clear();
  wipe_texts();
}

void PackedAgreement::wipe_texts() const {
  wipe_text(local_);
  wipe_text(remote_);
}

}  // namespace weir::controlplane
