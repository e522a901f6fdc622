#include "sip/referred_by.h"

#include "sip/quoted.h"

namespace weir::sip {

std::optional<ReferredBy> parse_referred_by(std::string_view text) {
  std::optional<NameAddr> referrer = parse_name_addr(text);
  if (!referrer || referrer->parameters.count("cid") > 1) return std::nullopt;
  ReferredBy referred_by{*std::move(referrer), {}};
  if (const std::optional<Parameter> cid = referred_by.referrer.parameters.take("cid")) {
    referred_by.cid = unquote(cid->value.value_or(""));
    if (referred_by.cid.empty()) return std::nullopt;
  }
  return referred_by;
}

std::string write(const ReferredBy& referred_by) {
  std::string out = write(referred_by.referrer);
  if (referred_by.cid.empty()) return out;
  out += ";cid=";
  append_quoted(out, referred_by.cid);
  return out;
}

}  // namespace weir::sip
