#include "sip/event.h"

#include <gtest/gtest.h>

#include "sip/subscription_state.h"

namespace weir::sip {
namespace {

TEST(Event, HasATypeAndPerhapsAnId) {
  const std::optional<Event> event = parse_event("presence.winfo;id=93809824;x");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, "presence.winfo");
  EXPECT_EQ(event->package(), "presence");
  EXPECT_EQ(event->id, "93809824");
  EXPECT_EQ(write(*event), "presence.winfo;id=93809824;x");
  EXPECT_EQ(write(*parse_event(" refer ; id = 2 ")), "refer;id=2");
}

TEST(Event, MatchesByTypeAndIdAlone) {
  // RFC 6665 section 8.2.1.
  EXPECT_TRUE(parse_event("refer;id=1;x")->matches(*parse_event("refer;y;id=1")));
  EXPECT_FALSE(parse_event("refer;id=1")->matches(*parse_event("refer")));
  EXPECT_FALSE(parse_event("refer")->matches(*parse_event("Refer"))) << "byte by byte";
  EXPECT_FALSE(parse_event("presence")->matches(*parse_event("presence.winfo")));
}

TEST(Event, MalformedOnesAreNone) {
  for (const std::string_view text :
       {"", ";id=1", ".x", "x.", "x..y", "refer;id", "refer;id=1;ID=1", "refer, presence", "re fer", "<refer>"}) {
    EXPECT_FALSE(parse_event(text)) << text;
  }
}

TEST(SubscriptionState, SaysHowItStandsAndWhyItEnded) {
  const std::optional<SubscriptionState> active = parse_subscription_state("active;expires=60");
  ASSERT_TRUE(active);
  EXPECT_EQ(active->expires_s, 60u);
  EXPECT_FALSE(active->terminated());
  const std::optional<SubscriptionState> over =
      parse_subscription_state("Terminated ; reason=giveup;Retry-After=30;x=y");
  ASSERT_TRUE(over);
  EXPECT_TRUE(over->terminated());
  EXPECT_EQ(over->reason, "giveup");
  EXPECT_EQ(over->retry_after_s, 30u);
  EXPECT_EQ(write(*over), "Terminated;reason=giveup;retry-after=30;x=y");
  EXPECT_EQ(parse_subscription_state(write(*over)), over);
}

TEST(SubscriptionState, MalformedOnesAreNone) {
  for (const std::string_view text : {"", ";expires=1", "active;expires", "active;expires=x",
                                      "active;expires=1;expires=2", "active;expires=4294967296", "terminated;reason",
                                      "terminated;reason=a;reason=b", "active, pending", "active;"}) {
    EXPECT_FALSE(parse_subscription_state(text)) << text;
  }
}

}  // namespace
}  // namespace weir::sip
