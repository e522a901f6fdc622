// What a build with -Dsend_recorder=true recorded of its sending, and whether anything in it came twice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/send_recorder.h"

namespace weir::tests {

/// Of all files in a folder, in no order. A record that a kill cut short is left out: its packet never left.
std::vector<dataplane::SendRecord> read_send_records(const std::string& folder);

/// Each (key, SSRC, index) that was used more than once: RTP and RTCP have keys of their own.
std::vector<dataplane::SendRecord> find_repetitions(std::vector<dataplane::SendRecord> records);

}  // namespace weir::tests
