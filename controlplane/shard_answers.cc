// What a shard answers to its operators: the commands of the management socket and pipes.
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>

#include "controlplane/dtls_context.h"
#include "controlplane/log.h"
#include "controlplane/outside_requests.h"
#include "controlplane/region_views.h"
#include "controlplane/shard.h"
#include "controlplane/shard_clock.h"

namespace weir::controlplane {

namespace json = boost::json;
namespace settings = proto::settings;

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

proto::Result<std::uint64_t> read_call_number(std::string_view argument) {
  std::uint64_t number = 0;
  const char* end = argument.data() + argument.size();
  const auto [stopped, failure] = std::from_chars(argument.data(), end, number);
  if (failure == std::errc() && stopped == end) return number;
  return proto::Error{"'" + std::string(argument) + "' is no call number"};
}

/// New calls a second that are let in; null: as many as come, or as there is time for.
json::value overload_rate(const Overload& overload) {
  const std::optional<double> rate_per_s = overload.rate_per_s();
  return rate_per_s ? json::value(static_cast<std::uint64_t>(*rate_per_s)) : json::value();
}

std::string listeners_of(const settings::RealmSettings& realm) {
  std::string listeners;
  for (const settings::ListenerSettings& listener : realm.listeners) {
    listeners += (listeners.empty() ? "" : " ") + std::string(to_string(listener.transport)) + ":" +
                 proto::to_string(listener.local);
  }
  return listeners;
}

}  // namespace

void Shard::answer(std::string_view command, std::string_view argument, RpcReply reply) {
  if (command == "reload") return reload(std::move(reply));
  reply(answer_at_once(command, argument));
}

RpcResult Shard::answer_at_once(std::string_view command, std::string_view argument) {
  const std::uint64_t now_ns = clock_ns();
  if (command == "status") return status_view(now_ns);
  if (command == "calls") return calls_->calls_view(now_ns);
  if (command == "dialogs") return calls_->dialogs_view(now_ns);
  if (command == "trunks") return trunks_->view(now_ns);
  if (command == "flows") return flows_view(region_, now_ns);
  if (command == "counters") return counters_view(region_, now_ns);
  if (command == "registrations") return registrar_ ? registrar_->registrations_view() : json::array();
  if (command == "drain") return drain(argument);
  if (command == "call" || command == "end") return answer_of_call(command, argument, now_ns);
  return RpcError{RpcCode::kMethodNotFound, "there is no command '" + std::string(command) + "'"};
}

RpcResult Shard::answer_of_call(std::string_view command, std::string_view argument, std::uint64_t now_ns) {
  const proto::Result<std::uint64_t> number = read_call_number(argument);
  if (!number) return proto::Error{number.error()};
  if (command == "end" && calls_->end_call(now_ns, *number, "ended by the operator")) {
    return json::value(json::object{{"call", *number}, {"event", "ending"}});
  }
  std::optional<json::value> call = command == "call" ? calls_->call_view(*number, now_ns) : std::nullopt;
  if (!call) return proto::Error{"there is no call " + std::to_string(*number)};
  return *std::move(call);
}

RpcResult Shard::drain(std::string_view argument) {
  if (argument != "" && argument != "on" && argument != "off") return proto::Error{"drain is \"on\" or \"off\""};
  calls_->drain(argument != "off");
  log_event(LogLevel::kInfo, "drain", {{"event", argument == "off" ? "new calls are taken" : "no new calls"}});
  return json::value(json::object{{"draining", argument != "off"}, {"calls_now", calls_->calls()}});
}

json::value Shard::status_view(std::uint64_t now_ns) const {
  const CallCounters& calls = calls_->counters();
  const TransportCounters& transports = transports_->counters();
  const RecordFileCounters records = records_ ? records_->counters() : RecordFileCounters{};
  const DataplaneClientCounters& client = client_.counters();
  const RegistrarCounters registers = registrar_ ? registrar_->counters() : RegistrarCounters{};
  json::object control{{"pid", getpid()},
                       {"dtls", kDtlsVersions},
                       {"uptime_s", (now_ns - started_ns_) / kSecondNs},
                       {"calls_now", calls_->calls()},
                       {"calls", calls.calls},
                       {"calls_answered", calls.calls_answered},
                       {"calls_refused", calls.calls_refused},
                       {"invites_refused", calls_->admission_counters().invites_refused},
                       {"invites_ignored", calls_->admission_counters().invites_ignored},
                       {"malformed_ignored", calls_->admission_counters().malformed_ignored},
                       {"overload_refused", calls_->overload().counters().refused},
                       {"overload_episodes", calls_->overload().counters().episodes},
                       {"overload_now", calls_->overload().refuses()},
                       {"overload_calls_per_s", overload_rate(calls_->overload())},
                       {"call_records_written", records.written},
                       {"call_records_lost", records.lost},
                       {"sip_messages_in", transports.messages_in},
                       {"sip_messages_out", transports.messages_out},
                       {"sip_malformed", transports.malformed},
                       {"sip_send_failed", transports.send_failed},
                       {"sip_datagrams_dropped", transports_->datagrams_dropped()},
                       {"registrations", registrar_ ? registrar_->bindings() : 0},
                       {"registers_accepted", registers.accepted},
                       {"registers_challenged", registers.challenged},
                       {"registers_failed", registers.failures},
                       {"registers_refused", registers.refused + registers.blocked},
                       {"registers_limited", registers.limited},
                       {"tcp_connections", transports_->connections()},
                       {"tcp_refused", transports.connections_refused},
                       {"tcp_mute", transports.connections_mute},
                       {"connections_broken", transports.connections_broken},
                       {"websockets", transports.websockets},
                       {"websockets_refused", transports.websockets_refused},
                       {"page_requests", transports.page_requests},
                       {"tls_handshakes", transports.tls_handshakes},
                       {"tls_handshakes_failed", transports.tls_handshakes_failed},
                       {"commands", client.commands},
                       {"commands_refused", client.commands_refused},
                       {"commands_timed_out", client.commands_timed_out},
                       {"events", client.events},
                       {"null_cipher_refused", client.null_cipher_refused},
                       {"aead_refused", client.aead_refused},
                       {"orphan_flows_removed", client.orphans_removed}};
  json::object media{{"pid", region_.media_header().owner_pid.load()}, {"alive", client_.media_alive(now_ns)},
                     {"starts", client_.media_incarnation()},          {"workers", region_.shape().workers},
                     {"flows_max", region_.shape().flows_max},         {"flows_now", client_.flows().size()}};
  control["identity"] = identity_->view();
  json::array realms = calls_->realm_calls().view();
  for (std::size_t i = 0; i < realms.size(); ++i) {
    const settings::RealmSettings& realm = settings_.realms[i];
    std::string networks;
    for (const std::string& network : realm.networks) networks += (networks.empty() ? "" : " ") + network;
    json::object object{{"realm", realm.name}, {"network", networks}, {"listens", listeners_of(realm)}};
    json::object& row = realms[i].get_object();
    object.insert(row.begin(), row.end());
    const json::object outside = calls_->outside().view(static_cast<std::uint32_t>(i));
    object.insert(outside.begin(), outside.end());
    row = std::move(object);
  }
  return json::object{{"control", std::move(control)}, {"media", std::move(media)}, {"realms", std::move(realms)}};
}

}  // namespace weir::controlplane
