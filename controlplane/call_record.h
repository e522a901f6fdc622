// A call as the journal keeps it: what it takes to say BYE on both legs, and no more. No keys, no media.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/leg.h"

namespace weir::controlplane {

/// One leg's dialog. Text fields are as SIP writes them.
struct RecordedLeg {
  std::uint32_t realm = 0;
  bool tcp = false;
  std::string call_id;
  std::string from;  ///< our party with its tag
  std::string to;    ///< the peer with its tag
  std::string target;
  std::vector<std::string> routes;
  std::uint32_t cseq = 0;  ///< of our last request
};

/// `leg` has a dialog.
RecordedLeg record_leg(const Leg& leg);

std::string write_record(const std::vector<RecordedLeg>& legs);
/// nullopt if it is no record: the file may have been damaged.
std::optional<std::vector<RecordedLeg>> read_record(std::string_view record);

/// BYE in the recorded dialog, to be sent to `hop_uri`. `via` carries a fresh branch.
sip::Message make_recorded_bye(const RecordedLeg& leg, const sip::Via& via, std::string_view reason);
/// Where it goes: the first route, or the remote target. nullopt if that is no URI.
std::optional<sip::Uri> recorded_next_hop(const RecordedLeg& leg);

}  // namespace weir::controlplane
