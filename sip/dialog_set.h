// The dialogs that one INVITE of ours gave: one for each To tag, since the request may have forked. RFC 3261 sections
// 12.1.2 and 13.2.2.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "sip/dialog.h"

namespace weir::sip {

/// Owns them.
class DialogSet {
 public:
  /// Forks beyond this number make no dialog.
  static constexpr std::size_t kDialogsMax = 16;

  /// The dialog of a 101..299 response to `invite`: the one with its To tag, brought up to date, or a new one. Null if
  /// the response makes none. The pointer lives as long as the set and, if the dialog is early, until erase_early().
  Dialog* on_response(const Message& invite, const Message& response);
  [[nodiscard]] Dialog* find(std::string_view remote_tag);
  /// The INVITE's final answer is in and 64*T1 have passed: dialogs still early are no more
  /// (sections 13.2.2.3, 13.2.2.4).
  void erase_early();
  [[nodiscard]] std::size_t size() const { return dialogs_.size(); }

 private:
  std::vector<std::unique_ptr<Dialog>> dialogs_;
};

}  // namespace weir::sip
