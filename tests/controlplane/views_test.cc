#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "controlplane/json_table.h"
#include "controlplane/region_views.h"
#include "tests/support/region_shape.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

namespace json = boost::json;

class ViewsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto media = proto::Region::create(tests::small_region(directory_.path()));
    ASSERT_TRUE(media.ok()) << media.error();
    region_.emplace(std::move(media).value());
  }

  tests::TemporaryDirectory directory_;
  std::optional<proto::Region> region_;
};

TEST_F(ViewsTest, ShowsEveryFlowThatIsNotFree) {
  EXPECT_TRUE(flows_view(*region_, 0).get_array().empty());
  proto::FlowStatus& status = region_->flow_status_mutable(5);
  status.state = proto::FlowState::kInstalled;
  status.generation = 3;
  status.local_port = 20002;
  status.receive_profile = proto::SrtpProfile::kAeadAes128Gcm;
  status.source = {*proto::parse_ip_address("198.18.1.2"), 0, 4000};
  status.rtp_packets_in = 12;
  status.media_last_ns = 1'000'000'000;
  const json::value view = flows_view(*region_, 1'500'000'000);
  ASSERT_EQ(view.get_array().size(), 1u);
  const json::object& flow = view.get_array()[0].get_object();
  EXPECT_EQ(flow.at("flow").to_number<int>(), 5);
  EXPECT_EQ(flow.at("state").as_string(), "installed");
  EXPECT_EQ(flow.at("receive").as_string(), "AEAD_AES_128_GCM");
  EXPECT_EQ(flow.at("send").as_string(), "none");
  EXPECT_EQ(flow.at("source").as_string(), "198.18.1.2:4000");
  EXPECT_TRUE(flow.at("rtp_exit").is_null());
  EXPECT_EQ(flow.at("silent_ms").to_number<int>(), 500);
  EXPECT_TRUE(flow.at("streams").get_array().empty());
}

TEST_F(ViewsTest, ShowsTheStreamsOfAFlowAndHowTheyWillHaveSounded) {
  proto::FlowStatus& status = region_->flow_status_mutable(5);
  status.state = proto::FlowState::kInstalled;
  status.rtp_ticks = proto::rtp_ticks_of(8000);
  status.rtp_packets_in = 1000;
  status.rtp_bytes_in = 172'000;
  status.rtp_index_highest = 70'000;
  status.rtp_recent = 1;
  status.ssrc_last = 7;
  status.rtp_jitter_16 = 16 * 8 * 3;
  proto::StreamStatus& resting = status.streams[0];
  resting.packets = 90;
  resting.bytes = 90 * 172;
  resting.index_highest = 100;
  resting.recent = 1;
  resting.ssrc = 6;
  resting.reordered = 4;
  resting.duplicates = 5;
  proto::StreamStatus& current = status.streams[2];
  current.packets = 0 - std::uint64_t{90};
  current.bytes = 0 - std::uint64_t{90 * 172};
  current.origin = 70'000 - 910;
  current.recent = 1;
  current.ssrc = 7;
  current.version = proto::kStreamCurrent;
  const json::array streams = streams_view(status, "PCMU");
  ASSERT_EQ(streams.size(), 2u);
  const json::object& first = streams[0].get_object();
  EXPECT_EQ(first.at("ssrc").to_number<int>(), 6);
  EXPECT_EQ(first.at("packets").to_number<int>(), 90);
  EXPECT_EQ(first.at("lost").to_number<int>(), 15) << "a plain flow's duplicates make up for no lost packet";
  EXPECT_EQ(first.at("loss_percent").to_number<double>(), 15);
  EXPECT_EQ(first.at("reordered").to_number<int>(), 4);
  EXPECT_EQ(first.at("duplicates").to_number<int>(), 5);
  EXPECT_EQ(first.at("jitter_ms").to_number<double>(), 0);
  const json::object& second = streams[1].get_object();
  EXPECT_EQ(second.at("ssrc").to_number<int>(), 7);
  EXPECT_EQ(second.at("packets").to_number<int>(), 910);
  EXPECT_EQ(second.at("bytes").to_number<int>(), 910 * 172);
  EXPECT_EQ(second.at("lost").to_number<int>(), 0);
  EXPECT_EQ(second.at("jitter_ms").to_number<double>(), 3);
  EXPECT_EQ(second.at("mos").to_number<double>(), 4.41);
  EXPECT_EQ(flows_view(*region_, 0).at(0).at("streams").get_array().size(), 2u);
  status.rtp_ticks = 0;
  EXPECT_TRUE(streams_view(status)[1].at("jitter_ms").is_null());
  EXPECT_FALSE(streams_view(status)[1].get_object().contains("mos"));
}

TEST_F(ViewsTest, CountersSumOverWorkersAndSayWhetherTheyBalance) {
  proto::WorkerCounters& first = region_->worker_counters_mutable(0);
  proto::WorkerCounters& second = region_->worker_counters_mutable(1);
  first.received = 10;
  first.forwarded = 7;
  first.dropped[static_cast<std::size_t>(proto::DropReason::kAuthFailed)] = 3;
  second.received = 5;
  second.answered = 2;
  second.punted = 1;
  second.absorbed = 2;
  json::value view = counters_view(*region_, 0);
  EXPECT_TRUE(view.at("balanced").get_bool());
  EXPECT_EQ(view.at("total").at("received").to_number<int>(), 15);
  EXPECT_EQ(view.at("total").at("dropped").to_number<int>(), 3);
  EXPECT_EQ(view.at("workers").get_array().size(), 2u);
  EXPECT_EQ(view.at("drops").get_array().size(), proto::kDropReasonCount - 1);
  bool seen = false;
  for (const json::value& drop : view.at("drops").get_array()) {
    if (drop.at("reason").as_string() == "auth_failed") seen = drop.at("packets").to_number<int>() == 3;
  }
  EXPECT_TRUE(seen);
  second.received = 6;
  EXPECT_FALSE(counters_view(*region_, 0).at("balanced").get_bool());
}

TEST_F(ViewsTest, SaysWhichWorkerHasStalled) {
  region_->worker_status_mutable(0).alive_ns = 5'000'000'000;
  region_->worker_status_mutable(1).alive_ns = 6'500'000'000;
  region_->worker_status_mutable(1).core = 7;
  region_->worker_counters_mutable(1).stalls = 2;
  const json::value view = counters_view(*region_, 6'500'000'000);
  EXPECT_TRUE(view.at("workers").at(0).at("stalled").get_bool());
  EXPECT_FALSE(view.at("workers").at(1).at("stalled").get_bool());
  EXPECT_EQ(view.at("workers").at(1).at("core").to_number<int>(), 7);
  EXPECT_EQ(view.at("total").at("stalls").to_number<int>(), 2);
}

TEST(JsonTable, AnArrayOfObjectsBecomesATableWithNumbersSetRight) {
  const json::value value = json::parse(R"([{"id":1,"state":"up"},{"id":200,"state":"ringing"}])");
  EXPECT_EQ(json_table(value),
            " id  state\n"
            "  1  up\n"
            "200  ringing\n");
}

TEST(JsonTable, AnObjectBecomesNamesAndValuesWithNestedPartsBehind) {
  const json::value value = json::parse(R"({"id":7,"legs":[{"side":"caller","ok":true}],"none":[],"gap":null})");
  EXPECT_EQ(json_table(value),
            "id   7\n"
            "gap  -\n"
            "legs:\n"
            "  side    ok\n"
            "  caller  yes\n"
            "none:\n"
            "  (none)\n");
}

TEST(JsonTable, WhatIsNestedInARowIsLeftOut) {
  EXPECT_EQ(json_table(json::parse(R"([{"a":1,"streams":[{"b":2}],"c":3}])")), "a  c\n1  3\n");
}

TEST(JsonTable, ControlCharactersNeverReachTheTerminal) {
  EXPECT_EQ(json_table(json::object{{"name", "a\x1b[2J\nb\x7f"}}), "name  a?[2J?b?\n");
}

TEST(JsonTable, RowsThatLackAMemberShowADash) {
  EXPECT_EQ(json_table(json::parse(R"([{"a":1,"b":2},{"a":3},7])")), "a  b\n1  2\n3  -\n-  -\n");
}

}  // namespace
}  // namespace weir::controlplane
