#include "controlplane/call_record.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace weir::controlplane {

namespace json = boost::json;

namespace {

/// CSeq numbers a killed weir-control may have used after the record was kept: re-INVITE answers need none, so few.
constexpr std::uint32_t kCseqSkipped = 100;

json::object to_json(const RecordedLeg& leg) {
  return json::object{{"realm", leg.realm},
                      {"tcp", leg.tcp},
                      {"call_id", leg.call_id},
                      {"from", leg.from},
                      {"to", leg.to},
                      {"target", leg.target},
                      {"routes", json::array(leg.routes.begin(), leg.routes.end())},
                      {"cseq", leg.cseq}};
}

/// Throws what Boost.JSON throws where a member is missing or of another kind.
RecordedLeg from_json(const json::object& object) {
  RecordedLeg leg;
  leg.realm = object.at("realm").to_number<std::uint32_t>();
  leg.tcp = object.at("tcp").as_bool();
  leg.call_id = object.at("call_id").as_string();
  leg.from = object.at("from").as_string();
  leg.to = object.at("to").as_string();
  leg.target = object.at("target").as_string();
  for (const json::value& route : object.at("routes").as_array()) leg.routes.emplace_back(route.as_string());
  leg.cseq = object.at("cseq").to_number<std::uint32_t>();
  return leg;
}

}  // namespace

RecordedLeg record_leg(const Leg& leg) {
  const sip::Dialog& dialog = *leg.dialog;
  RecordedLeg record;
  record.realm = leg.path().realm;
  record.tcp = leg.path().transport == proto::settings::SipTransport::kTcp;
  record.call_id = dialog.id().call_id;
  record.from = sip::write(dialog.local());
  record.to = sip::write(dialog.remote());
  record.target = sip::write(dialog.remote_target());
  for (const sip::NameAddr& route : dialog.route_set()) record.routes.push_back(sip::write(route));
  record.cseq = dialog.local_cseq();
  return record;
}

std::string write_record(const std::vector<RecordedLeg>& legs) {
  json::array array;
  for (const RecordedLeg& leg : legs) array.push_back(to_json(leg));
  return json::serialize(array);
}

std::optional<std::vector<RecordedLeg>> read_record(std::string_view record) {
  boost::system::error_code error;
  const json::value value = json::parse(record, error);
  if (error || !value.is_array()) return std::nullopt;
  try {
    std::vector<RecordedLeg> legs;
    for (const json::value& leg : value.get_array()) legs.push_back(from_json(leg.as_object()));
    return legs;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

sip::Message make_recorded_bye(const RecordedLeg& leg, const sip::Via& via, std::string_view reason) {
  sip::RequestHead head;
  head.method = sip::Method::kBye;
  head.request_uri = leg.target;
  head.via = via;
  head.from = sip::parse_name_addr(leg.from).value_or(sip::NameAddr{});
  head.to = sip::parse_name_addr(leg.to).value_or(sip::NameAddr{});
  head.call_id = leg.call_id;
  head.cseq = leg.cseq + kCseqSkipped;
  sip::Message bye = sip::make_request(head);
  for (const std::string& route : leg.routes) bye.add_header(sip::HeaderId::kRoute, route);
  bye.add_header(sip::HeaderId::kReason, reason_header(500, reason));
  return bye;
}

std::optional<sip::Uri> recorded_next_hop(const RecordedLeg& leg) {
  if (leg.routes.empty()) return sip::parse_uri(leg.target);
  const std::optional<sip::NameAddr> route = sip::parse_name_addr(leg.routes.front());
  return route ? std::optional(route->uri) : std::nullopt;
}

}  // namespace weir::controlplane
