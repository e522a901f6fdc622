#include "proto/settings/read_border.h"

namespace weir::proto::settings {

RouteSettings read_route(Table& table) {
  RouteSettings route;
  route.line = table.line();
  table.required_text("realm", route.realm);
  table.text("match", route.pattern);
  table.text("prefix", route.prefix);
  table.text("caller", route.caller);
  table.text("target", route.target);
  table.text("trunk", route.trunk);
  table.flag("registrar", route.registrar);
  table.text("user", route.user);
  table.text("to_realm", route.to_realm);
  MediaProfile media = MediaProfile::kRtp;
  const bool says = table.choice<MediaProfile>("media", media,
                                               {{"rtp", MediaProfile::kRtp},
                                                {"dtls", MediaProfile::kDtls},
                                                {"sdes", MediaProfile::kSdes},
                                                {"best-effort", MediaProfile::kBestEffort}});
  if (says) route.media = media;
  return route;
}

}  // namespace weir::proto::settings
