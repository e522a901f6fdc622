// The region as weir-media makes it: from the settings, for the control user.
#pragma once

#include "proto/region.h"
#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::dataplane {

/// The shape for these settings. Its private layout hash covers the networks too: a flow names its network by index,
/// so flows of other networks are not resumed; and [srtp] aead: an entry has other room for its keys.
proto::RegionShape region_shape(const proto::settings::Settings& settings);

/// Flows that may be transcoded at once under these settings; 0 without cores for it.
std::uint32_t transcodes_max(const proto::settings::Settings& settings);

/// Makes the directory if it is missing (root and the control user's group, 0750), then creates or resumes the region
/// in it. Errors are sentences that say what to do.
proto::Result<proto::Region> open_region(const proto::settings::Settings& settings, bool discard);

}  // namespace weir::dataplane
