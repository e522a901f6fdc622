// The record of a call: each way a call can end, what peers can write into it, and what must never stand in it.
#include "controlplane/call_detail.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

namespace json = boost::json;

const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);
constexpr const char* kRoute = R"(
[[route]]
realm = "callees"
match = '^sip:(rtp-(\d+))@.*'
target = 'sip:\1@198.18.2.3:\2'
to_realm = "callees"
)";

RequestText invite() {
  RequestText request;
  request.body = plain_sdp("198.18.1.2", 40000);
  return request;
}

/// The lab's only record, as one who reads its line has it.
json::object only_record(const CallLab& lab) {
  EXPECT_EQ(lab.records.size(), 1u);
  if (lab.records.empty()) return {};
  const std::string line = json::serialize(lab.records.front());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return json::parse(line).as_object();
}

std::string text(const json::value& value) {
  return std::string(value.as_string());
}

/// What weir-media counted of the stream to this local port.
void count(CallLab& lab, std::string_view description, std::uint64_t packets, std::uint64_t replayed) {
  const auto port = static_cast<std::uint16_t>(std::stoi(sdp_value(description, "m=audio ")));
  const FakeWorker::Flow* const flow = lab.worker().flow_at(port);
  ASSERT_NE(flow, nullptr);
  proto::FlowStatus& status = lab.worker().region().flow_status_mutable(flow->id.index);
  status.rtp_packets_in = packets;
  status.rtp_bytes_in = packets * 172;
  status.rtp_packets_out = packets - 1;
  status.dropped = replayed;
  status.replayed = replayed;
}

TEST(CallDetail, AnAnsweredCallHasItsTimesItsPartiesAndItsMedia) {
  CallLab lab;
  lab.caller_sends(invite());
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.advance(500);
  lab.callee_answers(*lab.callee_invite, 180);
  lab.advance(1000);
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
  while (!lab.silent(kCallers)) lab.answer = lab.next(kCallers);
  lab.caller_sends(lab.in_dialog("ACK", 1));
  lab.advance(3000);
  count(lab, lab.answer->body(), 150, 2);
  count(lab, lab.callee_invite->body(), 149, 0);
  lab.callee_sends(*lab.callee_invite, "BYE", 1, "", "callee", "Reason: Q.850;cause=16;text=\"Normal\"\r\n");

  json::object record = only_record(lab);
  EXPECT_EQ(text(record["start"]), "2023-11-14T22:13:15.623Z");
  EXPECT_EQ(text(record["ringing"]), "2023-11-14T22:13:16.123Z");
  EXPECT_EQ(text(record["answer"]), "2023-11-14T22:13:17.123Z");
  EXPECT_EQ(text(record["end"]), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(record["setup_ms"], 1500);
  EXPECT_EQ(record["duration_ms"], 3000);
  EXPECT_EQ(text(record["from"]), "\"Alice\" <sip:alice@198.18.1.2>;tag=alicetag");
  EXPECT_EQ(text(record["to"]), "<sip:rtp-5070@198.18.1.1>");
  EXPECT_EQ(text(record["request_uri"]), "sip:rtp-5070@198.18.1.1");
  EXPECT_EQ(record["status"], 200);
  EXPECT_EQ(text(record["released_by"]), "callee");
  EXPECT_EQ(text(record["release_text"]), "the callee hung up");
  EXPECT_EQ(record["reasons"], json::array({"Q.850;cause=16;text=\"Normal\""}));

  const json::value& caller = record["caller"];
  EXPECT_EQ(text(caller.at("realm")), "callers");
  EXPECT_EQ(text(caller.at("call_id")), "secret-call-id@198.18.1.2");
  EXPECT_EQ(text(caller.at("media").at("codec")), "PCMA");
  EXPECT_EQ(caller.at("media").at("packets_received"), 150);
  EXPECT_EQ(caller.at("media").at("bytes_received"), 150 * 172);
  EXPECT_EQ(caller.at("media").at("packets_passed_on"), 149);
  EXPECT_EQ(caller.at("media").at("replayed"), 2);
  EXPECT_TRUE(caller.at("security").is_null());
  const json::value& callee = record["callee"];
  EXPECT_EQ(text(callee.at("realm")), "callees");
  EXPECT_EQ(text(callee.at("call_id")), lab.callee_invite->call_id());
  EXPECT_EQ(text(callee.at("sip_peer")), "198.18.2.2:5070");
  EXPECT_EQ(callee.at("media").at("packets_received"), 149);
}

TEST(CallDetail, ARefusedCallSaysWhoRefusedIt) {
  CallLab lab;
  lab.caller_sends(invite());
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 486, "", "callee", "Reason: Q.850;cause=17\r\n");
  json::object record = only_record(lab);
  EXPECT_EQ(record["status"], 486);
  EXPECT_EQ(text(record["released_by"]), "callee");
  EXPECT_TRUE(record["answer"].is_null());
  EXPECT_TRUE(record["duration_ms"].is_null());
  EXPECT_EQ(record["reasons"], json::array({"Q.850;cause=17"}));
}

TEST(CallDetail, ACancelledCallIsTheCallers) {
  CallLab lab;
  lab.caller_sends(invite());
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 180);
  RequestText cancel;
  cancel.method = "CANCEL";
  cancel.headers = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n";
  lab.caller_sends(cancel);
  json::object record = only_record(lab);
  EXPECT_EQ(record["status"], 487);
  EXPECT_EQ(text(record["released_by"]), "caller");
  EXPECT_EQ(record["reasons"], json::array({"SIP;cause=200;text=\"Call completed elsewhere\""}));
  EXPECT_FALSE(record["ringing"].is_null());
}

TEST(CallDetail, AnInviteThatBecomesNoCallHasARecordToo) {
  CallLab lab;
  RequestText nowhere = invite();
  nowhere.uri = "sip:nobody@198.18.1.1";
  lab.caller_sends(nowhere);
  json::object record = only_record(lab);
  EXPECT_TRUE(record["call"].is_null());
  EXPECT_EQ(record["status"], 404);
  EXPECT_EQ(text(record["released_by"]), "border");
  EXPECT_EQ(text(record["release_text"]), "no route matches");
  EXPECT_EQ(text(record["caller"].at("realm")), "callers");
}

TEST(CallDetail, WhatTheBorderEndsIsTheBorders) {
  CallLab lab;
  lab.establish();
  EXPECT_TRUE(lab.control().end_call(lab.now_ns, 1, "ended by the operator"));
  json::object record = only_record(lab);
  EXPECT_EQ(record["status"], 200);
  EXPECT_EQ(text(record["released_by"]), "border");
  EXPECT_EQ(text(record["release_text"]), "ended by the operator");
}

TEST(CallDetail, ATransferredCallHasOneRecordWithWhoeverWasThereAtTheEnd) {
  CallLab lab(kRoute);
  lab.establish();
  lab.callee_sends(*lab.callee_invite, "REFER", 1, "", "callee", "Refer-To: <sip:rtp-5080@198.18.1.1>\r\n");
  (void)lab.expect(kCallees, "202");
  lab.callee_answers(lab.expect(kCallees, "NOTIFY"), 200);
  const sip::Message to_target = lab.expect(kCallees, "INVITE");
  lab.callee_answers(to_target, 200, plain_sdp("198.18.2.3", 52000), "target");
  (void)lab.expect(kCallees, "ACK");
  lab.callee_answers(lab.expect(kCallees, "NOTIFY"), 200);
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  EXPECT_TRUE(lab.records.empty());
  lab.caller_sends(lab.in_dialog("BYE", 2));
  json::object record = only_record(lab);
  EXPECT_EQ(record["transfers"], 1);
  EXPECT_EQ(text(record["released_by"]), "caller");
  EXPECT_EQ(text(record["callee"].at("call_id")), to_target.call_id());
}

TEST(CallDetail, ACallThatAnotherWeirControlTookOverHasItsRecordFromTheBeginning) {
  CallLab lab;
  lab.establish();
  lab.advance(2000);
  lab.restart();
  lab.control().adopt_journalled(lab.now_ns);
  lab.settle();
  EXPECT_TRUE(lab.records.empty());
  lab.advance(1000);
  lab.caller_sends(lab.in_dialog("BYE", 2));
  json::object record = only_record(lab);
  EXPECT_EQ(record["duration_ms"], 3000);
  EXPECT_EQ(text(record["from"]), "\"Alice\" <sip:alice@198.18.1.2>;tag=alicetag");
  EXPECT_EQ(text(record["request_uri"]), "sip:rtp-5070@198.18.1.1");
  EXPECT_FALSE(record["ringing"].is_null());
}

TEST(CallDetail, WhatAPeerWritesStaysInItsString) {
  struct Row {
    const char* description;
    std::string given;
    std::string kept;
  };
  const Row rows[] = {
      {"quotes and backslashes", R"("a\"b\\" <sip:x@y>)", R"("a\"b\\" <sip:x@y>)"},
      {"line ends", "a\r\nb\n{\"call\":1}\n", "a\r\nb\n{\"call\":1}\n"},
      {"a NUL", std::string("a\0b", 3), std::string("a\0b", 3)},
      {"UTF-8", "Zo\xC3\xAB \xE2\x82\xAC \xF0\x9F\x98\x80", "Zo\xC3\xAB \xE2\x82\xAC \xF0\x9F\x98\x80"},
      {"Latin-1", "Zo\xEB!", "Zo\xEF\xBF\xBD!"},
      {"an overlong slash", "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"a surrogate", "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"beyond Unicode", "\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"a character cut off", "a\xE2\x82", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    const controlplane::CallOrigin origin{.from = row.given, .to = "", .request_uri = ""};
    const std::string line = json::serialize(controlplane::make_detail(origin, {1, 0, 1}, 404, {}, {404, ""}, 0));
    EXPECT_EQ(line.find('\n'), std::string::npos);
    json::object record = json::parse(line).as_object();
    EXPECT_EQ(text(record["from"]), row.kept);
    EXPECT_EQ(controlplane::detail_text(row.given), row.kept);
  }
}

TEST(CallDetail, ALongTextIsCutBetweenCharacters) {
  std::string longest;
  while (longest.size() < 2 * controlplane::kDetailBytesMax) longest += "\xE2\x82\xAC";
  const std::string cut = controlplane::detail_text(longest);
  EXPECT_LE(cut.size(), controlplane::kDetailBytesMax);
  EXPECT_EQ(cut.size() % 3, 0u) << "whole characters and three dots";
  EXPECT_TRUE(cut.ends_with("\xAC..."));
}

}  // namespace
}  // namespace weir::tests
