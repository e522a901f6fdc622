#include "controlplane/media_rates.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/flow.h"
#include "sip/sdp_parse.h"
#include "tests/support/call_lab.h"

namespace weir::controlplane {
namespace {

sip::MediaSection section(const std::string& lines) {
  const std::string text = "v=0\r\no=- 1 1 IN IP4 198.18.1.2\r\ns=-\r\nc=IN IP4 198.18.1.2\r\nt=0 0\r\n" + lines;
  auto parsed = sip::parse_sdp(text);
  const auto* description = std::get_if<sip::SessionDescription>(&parsed);
  EXPECT_NE(description, nullptr) << text;
  return description == nullptr ? sip::MediaSection{} : description->media.at(0);
}

TEST(MediaRates, FollowFromTheCodecsThePacketTimesAndTheBandwidth) {
  struct Row {
    const char* what;
    const char* remote;
    const char* local;
    const char* codec;
    std::uint32_t clock_hz;
    std::uint32_t packets_per_s;  // without RTCP's 25
    std::uint32_t bytes_per_s;    // without RTCP's 5,000
  };
  const Row rows[] = {
      {"G.711 as RFC 3551 has it", "m=audio 4000 RTP/AVP 0\r\n", "m=audio 5000 RTP/AVP 0\r\n", "PCMU", 8000, 50,
       11'200},
      {"with telephone-events", "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
       "m=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", "PCMU", 8000, 100, 14'400},
      {"10 ms, said by one side", "m=audio 4000 RTP/AVP 8\r\na=ptime:10\r\n", "m=audio 5000 RTP/AVP 8\r\n", "PCMA",
       8000, 100, 14'400},
      {"at most 5 ms, said by the other", "m=audio 4000 RTP/AVP 8\r\n", "m=audio 5000 RTP/AVP 8\r\na=maxptime:5\r\n",
       "PCMA", 8000, 200, 20'800},
      {"long packets: a sender may still take 20 ms", "m=audio 4000 RTP/AVP 18\r\na=ptime:60\r\n",
       "m=audio 5000 RTP/AVP 18\r\n", "G729", 8000, 50, 4'200},
      {"only what both have counts", "m=audio 4000 RTP/AVP 18 0\r\n", "m=audio 5000 RTP/AVP 18\r\n", "G729", 8000, 50,
       4'200},
      {"the most demanding format counts, the first is named", "m=audio 4000 RTP/AVP 18 0\r\n",
       "m=audio 5000 RTP/AVP 18 0\r\n", "G729", 8000, 50, 11'200},
      {"events before the codec", "m=audio 4000 RTP/AVP 96 0\r\na=rtpmap:96 telephone-event/8000\r\n",
       "m=audio 5000 RTP/AVP 96 0\r\na=rtpmap:96 telephone-event/8000\r\n", "PCMU", 8000, 100, 14'400},
      {"G.722: the clock of RFC 3551, not its sampling rate", "m=audio 4000 RTP/AVP 9\r\n",
       "m=audio 5000 RTP/AVP 9\r\n", "G722", 8000, 50, 11'200},
      {"L16 in stereo", "m=audio 4000 RTP/AVP 10\r\n", "m=audio 5000 RTP/AVP 10\r\n", "L16", 44100, 50, 179'600},
      {"more bandwidth than the codec needs (AS, kbit/s)", "m=audio 4000 RTP/AVP 0\r\nb=AS:100\r\n",
       "m=audio 5000 RTP/AVP 0\r\n", "PCMU", 8000, 50, 15'700},
      {"less: the codec still needs what it needs", "m=audio 4000 RTP/AVP 0\r\nb=TIAS:16000\r\n",
       "m=audio 5000 RTP/AVP 0\r\n", "PCMU", 8000, 50, 11'200},
      {"a codec of which nothing is known", "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
       "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n", "opus", 48000, 400, 89'350},
      {"the same with a bandwidth (TIAS, bit/s)",
       "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\nb=TIAS:64000\r\n",
       "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n", "opus", 48000, 400, 33'600},
      {"an answerer that leaves rtpmap out", "m=audio 4000 RTP/AVP 96\r\n",
       "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\nb=TIAS:64000\r\n", "opus", 48000, 400, 33'600},
      {"a payload type that nobody defines", "m=audio 4000 RTP/AVP 96\r\n", "m=audio 5000 RTP/AVP 96\r\n", "", 0, 400,
       89'350},
      {"a bandwidth beyond all measure", "m=audio 4000 RTP/AVP 0\r\nb=AS:18446744073709551615\r\n",
       "m=audio 5000 RTP/AVP 0\r\n", "PCMU", 8000, 50, 125'003'200},
  };
  for (const Row& row : rows) {
    const MediaTerms terms = read_media_terms(section(row.remote), section(row.local));
    EXPECT_EQ(terms.codec, row.codec) << row.what;
    EXPECT_EQ(terms.clock_hz, row.clock_hz) << row.what;
    EXPECT_EQ(terms.rates.packets_per_s, row.packets_per_s + 25) << row.what;
    EXPECT_EQ(terms.rates.bytes_per_s, row.bytes_per_s + 5'000) << row.what;
  }
}

TEST(MediaRates, NothingInCommonIsNoLimit) {
  const MediaTerms terms =
      read_media_terms(section("m=audio 4000 RTP/AVP 0\r\n"), section("m=audio 5000 RTP/AVP 8\r\n"));
  EXPECT_EQ(terms.rates, MediaRates{});
}

TEST(MediaRates, AMarginOfZeroIsNoLimitAndALargeOneStaysInRange) {
  EXPECT_EQ(with_margin({75, 16'200}, 2), (MediaRates{150, 32'400}));
  EXPECT_EQ(with_margin({75, 16'200}, 0), MediaRates{});
  EXPECT_EQ(with_margin({75, 125'008'200}, 1000), (MediaRates{75'000, 0xffffffff}));
}

TEST(MediaRates, ACallsFlowsArePolicedAtWhatItsCodecsNeed) {
  tests::CallLab lab;
  lab.establish();
  const auto port_of = [](const sip::Message& message) {
    return static_cast<std::uint16_t>(std::stoi(tests::sdp_value(message.body(), "m=audio ")));
  };
  for (const sip::Message* message : {&*lab.answer, &*lab.callee_invite}) {
    const tests::FakeWorker::Flow* rtp = lab.worker().flow_at(port_of(*message));
    ASSERT_NE(rtp, nullptr);
    EXPECT_EQ(rtp->spec.packets_per_s_max, 2 * 125u) << message->body();
    EXPECT_EQ(rtp->spec.bytes_per_s_max, 2 * 19'400u);
    const tests::FakeWorker::Flow* rtcp = lab.worker().flow_at(static_cast<std::uint16_t>(port_of(*message) + 1));
    ASSERT_NE(rtcp, nullptr);
    EXPECT_EQ(rtcp->spec.packets_per_s_max, 50u);
    EXPECT_EQ(rtcp->spec.bytes_per_s_max, 10'000u);
  }
}

TEST(MediaRates, VideoTakesWhatItsBandwidthSaysOrWhatBrowsersSend) {
  const sip::MediaSection video = section("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n");
  const MediaTerms terms = read_media_terms(video, video);
  EXPECT_GE(terms.rates.bytes_per_s, kVideoBitsPerS / 8);
  EXPECT_GE(terms.rates.packets_per_s, kVideoBitsPerS / 8 / 1200);
  sip::MediaSection named = video;
  named.bandwidths.push_back({"AS", 8000});
  EXPECT_GE(read_media_terms(named, video).rates.bytes_per_s, 1'000'000u);
  const sip::MediaSection audio = section("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-rsize\r\n");
  MediaTerms both = read_media_terms(audio, audio);
  add_terms(terms, both);
  EXPECT_EQ(both.codec, "PCMU");
  EXPECT_GT(both.rates.bytes_per_s, terms.rates.bytes_per_s);
}

TEST(FeedbackTerms, AreWhatBothSidesName) {
  const std::string avpf = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n";
  const struct {
    const char* what;
    std::string remote;
    std::string local;
    unsigned understands;
  } rows[] = {
      {"none", avpf, avpf, 0},
      {"each kind",
       avpf + "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:* ccm fir\r\na=rtcp-fb:96 goog-remb\r\n",
       avpf + "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 goog-remb\r\n",
       proto::kFeedbackPli | proto::kFeedbackFir | proto::kFeedbackRemb},
      {"transport-wide and reduced size", avpf + "a=rtcp-fb:96 transport-cc\r\na=rtcp-rsize\r\n",
       avpf + "a=rtcp-fb:96 transport-cc\r\na=rtcp-rsize\r\n", proto::kFeedbackTransport | proto::kFeedbackReducedSize},
      {"of tomorrow", avpf + "a=rtcp-fb:96 ccm tmmbr\r\n", avpf + "a=rtcp-fb:96 nack sli\r\n", proto::kFeedbackOther},
      {"a protocol without feedback", "m=video 9 RTP/AVP 96\r\na=rtcp-fb:96 nack\r\n", avpf + "a=rtcp-fb:96 nack\r\n",
       0},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(read_media_terms(section(row.remote), section(row.local)).understands, row.understands) << row.what;
  }
}

}  // namespace
}  // namespace weir::controlplane
