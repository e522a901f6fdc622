// What becomes of the sources that a flow's RTCP names. RFC 3550 section 6, RFC 4585 section 6.1, RFC 3611.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/bytes.h"
#include "proto/flow.h"
#include "proto/rtcp.h"
#include "proto/source_disguise.h"

namespace weir::dataplane {

struct FlowEntry;

class Sources {
 public:
  /// `flow` outlives it.
  explicit Sources(const FlowEntry& flow);

  /// The far party is not to know who sends; then there is a disguise.
  [[nodiscard]] bool hides() const { return (spec_.strips_extensions & proto::kHidesSources) != 0; }
  [[nodiscard]] const proto::SourceDisguise& disguise() const { return *disguise_; }

  /// A field of four bytes that names the sender: the stream this flow carries.
  void map_forward(std::uint8_t* at) const;
  /// A field of four bytes that names a stream of the opposite flow.
  void map_reverse(std::uint8_t* at) const;

 private:
  [[nodiscard]] bool finds() const { return (spec_.strips_extensions & proto::kFindsSources) != 0; }

  const proto::RewriteSpec& spec_;
  std::optional<proto::SourceDisguise> disguise_;
};

/// Maps every source that one packet of a compound names, in `body`, which is packet.body to be written. False: its
/// lengths do not fit, and some may be mapped already. Of a type of tomorrow the sender is mapped, and the rest passes.
[[nodiscard]] bool map_sources(const Sources& sources, const proto::RtcpView& packet, proto::MutableBytes body);

}  // namespace weir::dataplane
