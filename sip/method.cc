#include "sip/method.h"

#include <array>

namespace weir::sip {
namespace {

constexpr std::array<std::string_view, kMethodCount> kNames{
    "",       "INVITE", "ACK",     "BYE",       "CANCEL", "OPTIONS", "REGISTER", "PRACK",
    "UPDATE", "INFO",   "MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER",   "PUBLISH",
};
static_assert(kNames[static_cast<std::size_t>(Method::kPublish)] == "PUBLISH");

}  // namespace

Method method_by_name(std::string_view name) {
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Method>(i);
  }
  return Method::kUnknown;
}

std::string_view to_string(Method method) {
  return kNames[static_cast<std::size_t>(method)];
}

}  // namespace weir::sip
