#include "controlplane/feedback_terms.h"

#include <array>
#include <optional>
#include <string_view>

#include "proto/flow.h"
#include "sip/remote_section.h"
#include "sip/text.h"

namespace weir::controlplane {
namespace {

struct FeedbackKind {
  std::string_view value;  ///< of a=rtcp-fb behind its format
  std::uint8_t kind;
};
constexpr std::array kKinds{
    FeedbackKind{"nack", proto::kFeedbackNack},
    FeedbackKind{"nack pli", proto::kFeedbackPli},
    FeedbackKind{"ccm fir", proto::kFeedbackFir},
    FeedbackKind{"goog-remb", proto::kFeedbackRemb},
    FeedbackKind{"transport-cc", proto::kFeedbackTransport},
    FeedbackKind{"ack ccfb", proto::kFeedbackTransport},
};

std::uint8_t kind_of(std::string_view value) {
  for (const FeedbackKind& row : kKinds) {
    if (row.value == value) return row.kind;
  }
  return proto::kFeedbackOther;
}

std::uint8_t named(const sip::MediaSection& section) {
  const std::optional<sip::RtpProtocol> protocol = sip::rtp_protocol(section.protocol);
  if (!protocol || !sip::has_feedback(*protocol)) return 0;
  std::uint8_t kinds = sip::find_attribute(section.attributes, "rtcp-rsize") ? proto::kFeedbackReducedSize : 0;
  for (std::string_view value : sip::attribute_values(section.attributes, "rtcp-fb")) {
    sip::take_word(value);
    kinds |= kind_of(sip::trimmed(value));
  }
  return kinds;
}

}  // namespace

std::uint8_t understood_feedback(const sip::MediaSection& remote, const sip::MediaSection& local) {
  return named(remote) & named(local);
}

}  // namespace weir::controlplane
