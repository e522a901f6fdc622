// Replaces and Target-Dialog: headers that name a dialog, to take its place (RFC 3891 section 6.1) or to show that one
// knows it (RFC 4538 section 7).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

/// The dialog in whose place the new one is to be. The tags are named as its receiver sees them: the to-tag is the
/// receiver's own (section 3).
struct Replaces {
  std::string call_id;
  std::string to_tag;
  std::string from_tag;
  bool early_only = false;  ///< only while the dialog is early
  Parameters parameters;    ///< the others

  bool operator==(const Replaces&) const = default;
};

/// nullopt if malformed: without exactly one to-tag and one from-tag (section 3). A tag of "0" means that the dialog
/// has none there (RFC 2543 peers) and is given as "0".
std::optional<Replaces> parse_replaces(std::string_view text);
std::string write(const Replaces& replaces);

/// A dialog that the sender knows. The tags are named as the sender of the header sees them: remote is the receiver's.
struct TargetDialog {
  std::string call_id;
  std::string local_tag;
  std::string remote_tag;
  Parameters parameters;  ///< the others

  bool operator==(const TargetDialog&) const = default;
};

/// nullopt if malformed: without exactly one tag of either side.
std::optional<TargetDialog> parse_target_dialog(std::string_view text);
std::string write(const TargetDialog& target);

}  // namespace weir::sip
