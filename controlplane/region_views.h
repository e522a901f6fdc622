// What weir-media shows in the region, as JSON for weirctl: flows and counters. Reads only; no keys are there to read.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/region.h"

namespace weir::controlplane {

/// An array of every flow that is not free: identity, state, profiles, addresses, packets and bytes each way, and the
/// streams in it.
boost::json::value flows_view(const proto::Region& region, std::uint64_t now_ns);

/// One flow as in flows_view. `status` lies in the region.
boost::json::value flow_view(const proto::FlowStatus& status, std::uint32_t index, std::uint64_t now_ns);

/// A flow's RTP by SSRC, as it arrived. With a codec (its name in SDP) also how it will have sounded.
boost::json::array streams_view(const proto::FlowStatus& status, std::optional<std::string_view> codec = std::nullopt);

/// Totals over all workers, each worker's own, every drop reason with its sentence, and whether the books balance:
/// received + returned == forwarded + punted + answered + absorbed + dropped. While packets are in flight they may be
/// off by a burst per worker.
boost::json::value counters_view(const proto::Region& region, std::uint64_t now_ns);

}  // namespace weir::controlplane
