#include "controlplane/call_record.h"

#include <gtest/gtest.h>

#include "sip/write.h"

namespace weir::controlplane {
namespace {

RecordedLeg a_leg() {
  return {.realm = 1,
          .tcp = true,
          .call_id = "id@host",
          .from = "<sip:weir@198.18.1.1>;tag=ours",
          .to = "\"Bob \\\"B\\\"\" <sip:bob@198.18.1.2>;tag=theirs",
          .target = "sip:bob@198.18.1.2:5062",
          .routes = {"<sip:198.18.1.7;lr>", "<sip:198.18.1.8;lr>"},
          .cseq = 3};
}

TEST(CallRecord, IsReadAsItWasWritten) {
  const auto legs = read_record(write_record({a_leg(), RecordedLeg{}}));
  ASSERT_TRUE(legs.has_value());
  ASSERT_EQ(legs->size(), 2u);
  const RecordedLeg& leg = legs->front();
  EXPECT_EQ(leg.realm, 1u);
  EXPECT_TRUE(leg.tcp);
  EXPECT_EQ(leg.to, a_leg().to);
  EXPECT_EQ(leg.routes, a_leg().routes);
  EXPECT_EQ(leg.cseq, 3u);
}

TEST(CallRecord, ItsByeIsOneOfTheDialog) {
  sip::Via via;
  via.transport = "TCP";
  via.host = "198.18.1.1";
  via.parameters.set("branch", "z9hG4bKx");
  const sip::Message bye = make_recorded_bye(a_leg(), via, "restart");
  EXPECT_EQ(bye.request_uri_text(), "sip:bob@198.18.1.2:5062");
  EXPECT_EQ(bye.from_tag(), "ours");
  EXPECT_EQ(bye.to_tag(), "theirs");
  EXPECT_GT(bye.cseq()->number, 3u);
  EXPECT_EQ(bye.name_addrs(sip::HeaderId::kRoute).size(), 2u);
  EXPECT_EQ(sip::write(*recorded_next_hop(a_leg())), "sip:198.18.1.7;lr");
}

TEST(CallRecord, ADamagedRecordIsNone) {
  const std::string whole = write_record({a_leg()});
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) EXPECT_FALSE(read_record(whole.substr(0, bytes)));
  for (const char* text : {"{}", "[1]", "[{}]", "null", "[{\"realm\":-1}]"}) EXPECT_FALSE(read_record(text)) << text;
}

}  // namespace
}  // namespace weir::controlplane
