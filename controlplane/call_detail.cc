#include "controlplane/call_detail.h"

#include <time.h>

#include <array>
#include <boost/json/array.hpp>
#include <cstdio>

#include "controlplane/call.h"
#include "controlplane/call_transfer.h"
#include "controlplane/utf8.h"
#include "proto/stream_reading.h"

namespace weir::controlplane {

namespace json = boost::json;
using sip::HeaderId;
using sip::Message;

namespace {

constexpr std::uint64_t kMsNs = 1'000'000;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// RFC 3339 section 5.6, to the millisecond.
std::string timestamp(std::int64_t unix_ms) {
  const time_t seconds = unix_ms / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t bytes = strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + bytes, text.size() - bytes, ".%03dZ", static_cast<int>(unix_ms % 1000));
  return text.data();
}

json::value milliseconds(std::uint64_t from_ns, std::uint64_t to_ns) {
  if (from_ns == 0 || to_ns < from_ns) return nullptr;
  return json::value((to_ns - from_ns) / kMsNs);
}

struct FlowSums {
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t packets_passed_on = 0;
  std::uint64_t bytes_passed_on = 0;
  std::uint64_t rtcp_received = 0;
  std::uint64_t rtcp_passed_on = 0;
  std::uint64_t dropped = 0;
  std::uint64_t auth_failed = 0;
  std::uint64_t replayed = 0;
  std::uint64_t lost = 0;

  void add(const proto::FlowStatus& status) {
    packets_received += status.rtp_packets_in;
    bytes_received += status.rtp_bytes_in;
    packets_passed_on += status.rtp_packets_out;
    bytes_passed_on += status.rtp_bytes_out;
    rtcp_received += status.rtcp_packets_in;
    rtcp_passed_on += status.rtcp_packets_out;
    dropped += status.dropped;
    auth_failed += status.auth_failed;
    replayed += status.replayed;
    for (const proto::StreamReading& stream : proto::read_streams(status)) lost += stream.lost;
  }

  [[nodiscard]] json::object view() const {
    return {{"packets_received", packets_received},
            {"bytes_received", bytes_received},
            {"packets_passed_on", packets_passed_on},
            {"bytes_passed_on", bytes_passed_on},
            {"rtcp_received", rtcp_received},
            {"rtcp_passed_on", rtcp_passed_on},
            {"lost", lost},
            {"dropped", dropped},
            {"auth_failed", auth_failed},
            {"replayed", replayed}};
  }
};

/// What has come from a side's party so far, and how much of it went on to the other.
json::value media_view(const Media* media, Side side, const proto::Region& region) {
  if (media == nullptr) return nullptr;
  FlowSums sums;
  for (const proto::FlowId flow : media->flows(side)) {
    const proto::FlowStatus& status = region.flow_status(flow.index);
    if (status.generation == flow.generation) sums.add(status);
  }
  json::object view{{"codec", detail_text(media->codec(side))}, {"transcoded", media->transcodes(side)}};
  for (const auto& member : sums.view()) view.insert(member);
  return view;
}

}  // namespace

std::string detail_text(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const std::string_view next = bytes == 0 ? kReplacement : text.substr(0, bytes);
    if (valid.size() + next.size() + 3 > kDetailBytesMax) return valid + "...";
    valid += next;
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return valid;
}

CallOrigin origin_of(const Message& invite) {
  return {.from = detail_text(invite.header(HeaderId::kFrom).value_or("")),
          .to = detail_text(invite.header(HeaderId::kTo).value_or("")),
          .request_uri = detail_text(invite.request_uri_text())};
}

CallRelease release_by(std::string_view by, const Message& message) {
  constexpr std::size_t kReasonsMax = 4;
  CallRelease release{.by = std::string(by), .reasons = {}};
  for (const std::string_view reason : message.values(HeaderId::kReason)) {
    if (release.reasons.size() < kReasonsMax) release.reasons.push_back(detail_text(reason));
  }
  return release;
}

json::object make_detail(const CallOrigin& origin, const CallTimes& times, std::uint16_t status,
                         const CallRelease& release, const EndCause& cause, std::int64_t unix_ms) {
  const auto wall_clock = [&](std::uint64_t then_ns) -> json::value {
    if (then_ns == 0 || then_ns > times.ended_ns) return nullptr;
    return json::value(timestamp(unix_ms - static_cast<std::int64_t>((times.ended_ns - then_ns) / kMsNs)));
  };
  json::array reasons;
  for (const std::string& reason : release.reasons) reasons.push_back(json::value(reason));
  return {{"start", wall_clock(times.started_ns)},
          {"ringing", wall_clock(origin.ringing_ns)},
          {"answer", wall_clock(times.answered_ns)},
          {"end", wall_clock(times.ended_ns)},
          {"setup_ms", milliseconds(times.started_ns, times.answered_ns != 0 ? times.answered_ns : times.ended_ns)},
          {"duration_ms", milliseconds(times.answered_ns, times.ended_ns)},
          {"from", detail_text(origin.from)},
          {"to", detail_text(origin.to)},
          {"request_uri", detail_text(origin.request_uri)},
          {"status", status},
          {"released_by", release.by},
          {"release_status", cause.status},
          {"release_text", detail_text(cause.text)},
          {"reasons", std::move(reasons)}};
}

json::value identity_view(const Leg& leg) {
  if (!leg.identity) return nullptr;
  const JudgedIdentity& verdict = *leg.identity;
  json::array bound;
  for (const sip::Fingerprint& one : verdict.bound) bound.push_back(json::value(sip::write_fingerprint(one)));
  return json::object{{"outcome", to_string(verdict.outcome)},
                      {"check", verdict.check},
                      {"reason", detail_text(verdict.text)},
                      {"orig", detail_text(verdict.orig)},
                      {"attest", detail_text(verdict.attest)},
                      {"origid", detail_text(verdict.origid)},
                      {"certificate", detail_text(verdict.certificate)},
                      {"fingerprints", std::move(bound)}};
}

json::value security_view(const Leg& leg) {
  if (!leg.secured) return nullptr;
  return json::object{{"keying", sip::to_string(leg.secured->keying)},
                      {"version", leg.secured->version},
                      {"cipher_suite", leg.secured->cipher_suite},
                      {"profile", proto::srtp_profile(leg.secured->profile).name},
                      {"role", sip::to_string(leg.secured->role)},
                      {"fingerprint", leg.secured->fingerprint},
                      {"verdict", leg.secured->verdict},
                      {"sas", leg.secured->short_authentication},
                      {"peer", proto::to_string(leg.secured->peer)}};
}

json::object Call::detail_of(Side side) const {
  const Leg* const one = leg(side).get();
  const bool caller = side == Side::kCaller;
  json::object view{{"realm", nullptr}};  // a caller whose leg went on in another call
  if (one != nullptr || !caller) {
    view["realm"] = context_.settings.realms[one != nullptr ? one->path().realm : callee_realm_].name;
  }
  view["party"] = detail_text(one != nullptr ? one->display : caller ? origin_.from : callee_display_);
  view["sip_peer"] = one != nullptr ? json::value(proto::to_string(one->path().hop.remote)) : json::value(nullptr);
  const bool has_dialog = one != nullptr && one->dialog;
  view["call_id"] = has_dialog ? json::value(detail_text(one->dialog->id().call_id)) : json::value(nullptr);
  view["identity"] = one != nullptr ? identity_view(*one) : json::value(nullptr);
  view["security"] = one != nullptr ? security_view(*one) : json::value(nullptr);
  view["media"] = media_view(media_.get(), side, context_.media.client().region());
  return view;
}

/// Before the media is closed: its counters go with it.
void Call::write_detail(const EndCause& cause) {
  if (context_.recorder == nullptr) return;
  const bool refused = caller_ && caller_->state == LegState::kOver;  // an early dialog was left with BYE
  const std::uint16_t unanswered = refused ? 487 : cause.status < 300 ? 480 : cause.status;
  const EndCause said{cause.status, end_text_.empty() ? cause.text : end_text_};
  json::object record{{"call", number_}};
  const json::object detail =
      make_detail(origin_, {started_ns_, answered_ns_, now()}, answered_ns_ != 0 ? std::uint16_t{200} : unanswered,
                  release_, said, context_.recorder->unix_ms());
  record.insert(detail.begin(), detail.end());
  record["transfers"] = kTransfersMax - transfers_left_;
  record["caller"] = detail_of(Side::kCaller);
  record["callee"] = detail_of(Side::kCallee);
  context_.recorder->write(record);
}

}  // namespace weir::controlplane
