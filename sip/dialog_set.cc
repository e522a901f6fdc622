#include "sip/dialog_set.h"

#include <utility>

namespace weir::sip {

Dialog* DialogSet::on_response(const Message& invite, const Message& response) {
  if (Dialog* known = find(response.to_tag())) {
    known->on_response(response);
    return known;
  }
  auto dialog = Dialog::from_response(invite, response);
  if (!dialog || dialogs_.size() >= kDialogsMax) {
    return nullptr;
  }
  dialogs_.push_back(std::make_unique<Dialog>(*std::move(dialog)));
  return dialogs_.back().get();
}

Dialog* DialogSet::find(std::string_view remote_tag) {
  for (const auto& dialog : dialogs_) {
    if (dialog->id().remote_tag == remote_tag) {
      return dialog.get();
    }
  }
  return nullptr;
}

void DialogSet::erase_early() {
  std::erase_if(dialogs_, [](const auto& dialog) { return dialog->state() == DialogState::kEarly; });
}

}  // namespace weir::sip
