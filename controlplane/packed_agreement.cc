#include "controlplane/packed_agreement.h"

#include <utility>

#include "proto/assert.h"
#include "proto/bytes.h"
#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"

namespace weir::controlplane {

namespace {

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
  local_ = sip::write_sdp(full_->local);
  remote_ = sip::write_sdp(full_->remote);
  local_.shrink_to_fit();
  remote_.shrink_to_fit();
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
  for (std::string* const text : {&local_, &remote_}) {
    proto::wipe(text->data(), text->size());
    *text = {};
  }
}

}  // namespace weir::controlplane
