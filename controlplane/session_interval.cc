#include "controlplane/session_interval.h"

#include <algorithm>

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

std::optional<sip::SessionExpires> read_session_expires(const Message& message) {
  const auto text = message.header(HeaderId::kSessionExpires);
  return text ? sip::parse_session_expires(*text) : std::nullopt;
}

std::optional<Message> with_longer_interval(const Message& request, const Message& refusal) {
  std::optional<sip::SessionExpires> interval = read_session_expires(request);
  const std::optional<std::uint32_t> min_s = refusal.number(HeaderId::kMinSe);
  if (!interval || !min_s || *min_s > kSessionSecondsMax) return std::nullopt;
  if (*min_s <= request.number(HeaderId::kMinSe).value_or(0)) return std::nullopt;
  interval->seconds = std::max(interval->seconds, *min_s);
  Message again = request;
  again.set_header(HeaderId::kSessionExpires, sip::write(*interval));
  again.set_header(HeaderId::kMinSe, std::to_string(*min_s));
  again.remove_header(HeaderId::kAuthorization);
  again.remove_header(HeaderId::kProxyAuthorization);
  return again;
}

}  // namespace weir::controlplane
