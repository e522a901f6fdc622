#include "controlplane/packed_agreement.h"

#include <gtest/gtest.h>

#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"

namespace weir::controlplane {
namespace {

sip::SessionDescription description(std::size_t attributes) {
  sip::SessionDescription made;
  made.origin.address = "198.18.1.2";
  sip::MediaSection& section = made.media.emplace_back();
  section.media = "audio";
  section.port = 40000;
  section.protocol = "RTP/AVP";
  section.formats = {"8"};
  section.connections.push_back({"IN", "IP4", "198.18.1.2"});
  for (std::size_t i = 0; i < attributes; ++i) section.attributes.push_back({"x" + std::to_string(i), "y"});
  return made;
}

TEST(PackedAgreement, IsTheSameBeforeAndAfter) {
  sip::Agreement agreement{description(3), description(200), {}};
  agreement.sections.resize(1);
  agreement.sections[0].active = true;
  PackedAgreement held;
  EXPECT_FALSE(held);
  held.pack();
  EXPECT_FALSE(held);
  held = agreement;
  EXPECT_FALSE(held.is_packed());
  held.pack();
  held.pack();
  EXPECT_TRUE(held.is_packed());
  EXPECT_TRUE(held.sections()[0].active);
  EXPECT_EQ(held.remote_text(), sip::write_sdp(agreement.remote));
  EXPECT_EQ(held->remote, agreement.remote);
  EXPECT_EQ(held->local, agreement.local);
  EXPECT_FALSE(held.is_packed());
  EXPECT_TRUE(held.sections()[0].active);
  held.reset();
  EXPECT_FALSE(held);
}

/// A peer within the limits, and what we add: what could not be read again stays as it is.
TEST(PackedAgreement, WhatCouldNotBeReadAgainIsNotPacked) {
  for (const bool local : {true, false}) {
    PackedAgreement held;
    held = sip::Agreement{
        description(local ? 1 : sip::kSdpAttributesMax + 1), description(local ? sip::kSdpAttributesMax + 1 : 1), {}};
    held.pack();
    EXPECT_TRUE(held);
    EXPECT_FALSE(held.is_packed());
    EXPECT_TRUE(held.local_text().empty());
    EXPECT_EQ(held->remote.media[0].attributes.size() + held->local.media[0].attributes.size(),
              sip::kSdpAttributesMax + 2);
  }
}

}  // namespace
}  // namespace weir::controlplane
