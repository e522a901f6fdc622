// A call as JSON for weirctl.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "controlplane/call.h"
#include "controlplane/call_detail.h"
#include "controlplane/call_transfer.h"
#include "controlplane/region_views.h"

namespace weir::controlplane {

namespace json = boost::json;

namespace {

json::value seconds_since(std::uint64_t then_ns, std::uint64_t now_ns) {
  if (then_ns == 0) return nullptr;
  return json::value(now_ns > then_ns ? (now_ns - then_ns) / 1'000'000'000 : 0);
}

std::string_view security_name(const Leg* leg) {
  return leg != nullptr && leg->secured ? proto::srtp_profile(leg->secured->profile).name : "none";
}

/// The negotiated section, or null before it is.
json::value agreed_view(const Leg& leg, std::size_t section) {
  if (!leg.agreement || section >= leg.agreement.sections().size()) return nullptr;
  const sip::AgreedSection& agreed = leg.agreement.sections()[section];
  return json::object{{"protocol", sip::to_string(agreed.protocol)},
                      {"direction", sip::to_string(agreed.direction)},
                      {"rtcp_mux", agreed.rtcp_mux},
                      {"remote_rtp", proto::to_string(agreed.remote_rtp)},
                      {"remote_rtcp", proto::to_string(agreed.remote_rtcp)}};
}

json::value leg_view(const Leg& leg, std::size_t section) {
  json::object object;
  object["side"] = to_string(leg.side());
  object["party"] = leg.display;
  object["state"] = to_string(leg.state);
  object["sip_peer"] = proto::to_string(leg.path().hop.remote);
  object["call_id"] = leg.dialog ? json::value(leg.dialog->id().call_id) : json::value(nullptr);
  object["media"] = agreed_view(leg, section);
  object["identity"] = identity_view(leg);
  object["security"] = security_view(leg);
  return object;
}

}  // namespace

json::value Call::summary(std::uint64_t now_ns) const {
  return json::object{{"call", number_},
                      {"state", ending_             ? "ending"
                                : answered_ns_ != 0 ? "up"
                                                    : "ringing"},
                      {"age_s", seconds_since(started_ns_, now_ns)},
                      {"caller", caller_ ? caller_->display : "(transferring)"},
                      {"callee", callee_             ? callee_->display
                                 : answered_ns_ == 0 ? callee_display_
                                                     : "(transferring)"},
                      {"caller_security", security_name(caller_.get())},
                      {"callee_security", security_name(callee_.get())},
                      {"media", media_ && media_->flowing()}};
}

void Call::add_dialogs(json::array& dialogs, std::uint64_t now_ns) const {
  std::vector<const Leg*> all;
  for (const Leg* const leg : legs()) all.push_back(leg);
  if (invitation_) invitation_->add_forks(all);
  if (transfer_) transfer_->add_forks(all);
  for (const Leg* const leg : all) {
    if (!leg->dialog) continue;
    const sip::DialogId& id = leg->dialog->id();
    dialogs.push_back(json::object{{"call", number_},
                                   {"leg", to_string(leg->side())},
                                   {"state", leg->dialog->state() == sip::DialogState::kEarly       ? "early"
                                             : leg->dialog->state() == sip::DialogState::kConfirmed ? "confirmed"
                                                                                                    : "terminated"},
                                   {"age_s", seconds_since(started_ns_, now_ns)},
                                   {"party", leg->display},
                                   {"security", security_name(leg)},
                                   {"sip_peer", proto::to_string(leg->path().hop.remote)},
                                   {"call_id", id.call_id},
                                   {"local_tag", id.local_tag},
                                   {"remote_tag", id.remote_tag}});
  }
}

json::value Call::details(std::uint64_t now_ns) const {
  json::object object = summary(now_ns).get_object();
  object["answered_s"] = seconds_since(answered_ns_, now_ns);
  json::array legs;
  json::array flows;
  json::array streams;
  const proto::Region& region = context_.media.client().region();
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    if (!leg(side) || !media_) continue;
    json::object view = leg_view(*leg(side), section_).get_object();
    view["local_rtp"] = proto::to_string(media_->local_rtp(side));
    view["codec"] = media_->codec(side);
    view["transcoded"] = media_->transcodes(side);
    legs.push_back(std::move(view));
    for (const proto::FlowId flow : media_->flows(side)) {
      const proto::FlowStatus& status = region.flow_status(flow.index);
      if (status.generation != flow.generation) continue;
      flows.push_back(flow_view(status, flow.index, now_ns));
      for (json::value& stream : streams_view(status, media_->codec(side))) {
        json::object row{{"from", to_string(side)}};
        row.insert(stream.get_object().begin(), stream.get_object().end());
        streams.push_back(std::move(row));
      }
    }
  }
  object["legs"] = std::move(legs);
  object["flows"] = std::move(flows);
  object["streams"] = std::move(streams);
  return object;
}

}  // namespace weir::controlplane
