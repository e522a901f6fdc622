#include "proto/settings/read_border.h"

namespace weir::proto::settings {

namespace {

constexpr std::int64_t kCallsMax = 1'000'000;
constexpr std::int64_t kPriorityMax = 65'535;
/// Above it the order is not chance any more, and the sum of all must fit a number.
constexpr std::int64_t kWeightMax = 65'535;

TrunkTarget read_target(Table& table) {
  TrunkTarget target;
  if (table.required_text("uri", target.uri)) {
    const bool sip = target.uri.rfind("sip:", 0) == 0 || target.uri.rfind("sips:", 0) == 0;
    if (!sip || target.uri.find('@') != std::string::npos || target.uri.find('?') != std::string::npos) {
      table.mistake("uri", "'" + target.uri + "' is no SIP URI of a host, like sip:198.18.2.2:5060;transport=tcp");
    }
  }
  table.number("priority", target.priority, 0, kPriorityMax);
  table.number("weight", target.weight, 0, kWeightMax);
  return target;
}

TrunkCredentials read_credentials(Table& table) {
  TrunkCredentials credentials;
  table.required_text("realm", credentials.realm);
  table.required_text("user", credentials.user);
  const bool here = table.text("password", credentials.password);
  const bool elsewhere = table.text("password_file", credentials.password_file);
  if (here == elsewhere) table.mistake("password", "one of password and password_file must be there");
  if (elsewhere && credentials.password_file[0] != '/') {
    table.mistake("password_file", "'" + credentials.password_file + "' is not an absolute path");
  }
  return credentials;
}

}  // namespace

TrunkSettings read_trunk(Table& table) {
  TrunkSettings trunk;
  trunk.line = table.line();
  table.required_text("name", trunk.name);
  table.required_text("realm", trunk.realm);
  const toml::node* targets = table.require("targets");
  if (targets != nullptr && targets->is_array() && targets->as_array()->empty()) {
    table.mistake("targets", "names no target, like { uri = \"sip:198.18.2.2:5060\" }");
  }
  table.each_table("targets", "[[trunk]] targets", [&](Table& child) { trunk.targets.push_back(read_target(child)); });
  table.number("check_interval_s", trunk.check.interval_s, 0, 3600);
  table.number("check_timeout_s", trunk.check.timeout_s, 1, 32);
  table.number("failures_max", trunk.check.failures_max, 1, 100);
  table.number("retry_s", trunk.check.retry_s, 1, 3600);
  table.number("calls_max", trunk.calls.calls_max, 0, kCallsMax);
  table.number("calls_per_s_max", trunk.calls.calls_per_s_max, 0, kCallsMax);
  table.flag("refuse_when_down", trunk.refuse_when_down);
  table.one_table("credentials", [&](Table& child) { trunk.credentials = read_credentials(child); });
  return trunk;
}

}  // namespace weir::proto::settings
