#include "controlplane/agreed_audio.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::controlplane {
namespace {

using proto::AudioCodec;
using proto::TimestampScale;

sip::MediaSection section(const std::vector<std::string>& formats) {
  sip::MediaSection audio;
  audio.media = "audio";
  audio.formats = formats;
  audio.attributes = {
      {"rtpmap", "111 opus/48000/2"}, {"rtpmap", "110 telephone-event/48000"}, {"rtpmap", "101 telephone-event/8000"}};
  return audio;
}

AgreedAudio agreed(const std::vector<std::string>& formats) {
  return read_audio(section(formats), section(formats));
}

void expect_pair(const proto::TranscodePair& pair, std::uint8_t from_type, std::uint8_t to_type, AudioCodec from,
                 AudioCodec to) {
  EXPECT_EQ(pair.from_type, from_type);
  EXPECT_EQ(pair.to_type, to_type);
  EXPECT_EQ(pair.from, from);
  EXPECT_EQ(pair.to, to);
}

TEST(AgreedAudio, OnlyWhatBothDescriptionsSayCounts) {
  const AgreedAudio audio = read_audio(section({"8", "111", "9"}), section({"111", "8", "0"}));
  ASSERT_EQ(audio.count, 2);
  EXPECT_EQ(audio.codec(0), AudioCodec::kPcma);
  EXPECT_EQ(audio.codec(1), AudioCodec::kOpus);
}

TEST(AgreedAudio, OpusAndG711AreConvertedWithTheirEventsBothWays) {
  const AgreedAudio browser = agreed({"111", "110"});
  const AgreedAudio phone = agreed({"8", "101"});
  const proto::TranscodeSpec there = transcode_between(browser, phone);
  ASSERT_EQ(there.pairs, 2);
  expect_pair(there.pair[0], 111, 8, AudioCodec::kOpus, AudioCodec::kPcma);
  expect_pair(there.pair[1], 110, 101, AudioCodec::kEvents48k, AudioCodec::kEvents8k);
  EXPECT_EQ(rtcp_scale(there), TimestampScale::kBy6);
  const proto::TranscodeSpec back = transcode_between(phone, browser);
  ASSERT_EQ(back.pairs, 2);
  expect_pair(back.pair[0], 8, 111, AudioCodec::kPcma, AudioCodec::kOpus);
  expect_pair(back.pair[1], 101, 110, AudioCodec::kEvents8k, AudioCodec::kEvents48k);
  EXPECT_EQ(rtcp_scale(back), TimestampScale::kTimes6);
}

TEST(AgreedAudio, WhoSharesACodecIsNotTranscoded) {
  EXPECT_EQ(transcode_between(agreed({"8", "111", "101"}), agreed({"8", "101"})).pairs, 0);
  EXPECT_EQ(transcode_between(agreed({"8", "101"}), agreed({"111", "8", "110", "101"})).pairs, 0);
  EXPECT_EQ(transcode_between(agreed({"9"}), agreed({"9"})).pairs, 0);
}

TEST(AgreedAudio, WhoLikesAnotherCodecBestMayStillSendTheOneInCommon) {
  const proto::TranscodeSpec spec = transcode_between(agreed({"111", "8", "110", "101"}), agreed({"8", "101"}));
  ASSERT_EQ(spec.pairs, 4);
  expect_pair(spec.pair[0], 111, 8, AudioCodec::kOpus, AudioCodec::kPcma);
  expect_pair(spec.pair[1], 8, 8, AudioCodec::kPcma, AudioCodec::kPcma);
  expect_pair(spec.pair[2], 110, 101, AudioCodec::kEvents48k, AudioCodec::kEvents8k);
  expect_pair(spec.pair[3], 101, 101, AudioCodec::kEvents8k, AudioCodec::kEvents8k);
}

TEST(AgreedAudio, WhatCannotBeConvertedIsLeftAlone) {
  EXPECT_EQ(transcode_between(agreed({"9"}), agreed({"8"})).pairs, 0);
  EXPECT_EQ(transcode_between({}, agreed({"8"})).pairs, 0);
  EXPECT_EQ(transcode_between(agreed({"8"}), agreed({"0"})).pairs, 1) << "A-law and mu-law";
}

}  // namespace
}  // namespace weir::controlplane
