// Codecs of a realm, and the cores that convert them.
#include <gtest/gtest.h>

#include <string>

#include "proto/settings/settings.h"

namespace weir::proto::settings {
namespace {

std::string file(const std::string& media, const std::string& codecs) {
  return "[media]\nworker_cores = [1]\n" + media +
         "\n[[network]]\nname = \"n\"\ndevice = \"net_af_packet0,iface=media0\"\naddress = \"198.18.1.10/24\"\n"
         "[[realm]]\nname = \"web\"\nnetwork = \"n\"\nlisten = [\"udp:198.18.1.1:5060\"]\n" +
         codecs + "\n[[route]]\nrealm = \"web\"\nmatch = '.*'\ntarget = 'sip:a@198.18.1.2'\nto_realm = \"web\"\n";
}

TEST(CodecSettings, AreReadInTheirOrder) {
  const Reading reading = read_settings(file("transcode_cores = [2, 3]\ntranscoded_flows_max = 100",
                                             "codecs = { offer = [\"Opus\", \"PCMA\", \"G722\"], transcode = true }"));
  ASSERT_TRUE(reading.mistakes.empty()) << reading.mistakes.front().reason;
  EXPECT_EQ(reading.settings.media.transcode_cores, (std::vector<unsigned>{2, 3}));
  EXPECT_EQ(reading.settings.media.transcoded_flows_max, 100u);
  const CodecPolicy& codecs = reading.settings.realms[0].policy.media.codecs;
  ASSERT_EQ(codecs.count, 3);
  EXPECT_EQ(codecs.offer[0], CodecName::kOpus);
  EXPECT_EQ(codecs.offer[2], CodecName::kG722);
  EXPECT_TRUE(codecs.transcode);
}

TEST(CodecSettings, WithoutThemNothingIsOrderedOrConverted) {
  const Reading reading = read_settings(file("", ""));
  ASSERT_TRUE(reading.mistakes.empty()) << reading.mistakes.front().reason;
  EXPECT_EQ(reading.settings.realms[0].policy.media.codecs, CodecPolicy{});
  EXPECT_TRUE(reading.settings.media.transcode_cores.empty());
}

TEST(CodecSettings, EachMistakeIsNamed) {
  struct Row {
    const char* media;
    const char* codecs;
    const char* reason;
  };
  const Row rows[] = {
      {"", "codecs = { transcode = true }", "realm 'web' transcodes, and [media] transcode_cores names no core for it"},
      {"", "codecs = { offer = [\"opsu\"] }", "[codecs] offer: there is no codec 'opsu'"},
      {"", "codecs = { offer = [\"PCMA\", \"pcma\"] }", "[codecs] offer: 'pcma' is named twice"},
      {"", "codecs = { offer = [] }", "[codecs] offer: names no codec"},
      {"transcode_cores = [2]", "codecs = { offer = [\"G722\"], transcode = true }",
       "[codecs] transcode: needs one of \"opus\", \"PCMA\" and \"PCMU\" among those offered"},
      {"transcode_cores = [1]", "", "[media] transcode_cores: core 1 is one of worker_cores"},
      {"transcode_cores = [2, 2]", "",
       "[media] transcode_cores: must be an array of 0 to 64 different core numbers below 1024"},
      {"transcoded_flows_max = 1", "", "[media] transcoded_flows_max: must be a whole number from 2 to 65535"},
  };
  for (const Row& row : rows) {
    const Reading reading = read_settings(file(row.media, row.codecs));
    ASSERT_EQ(reading.mistakes.size(), 1u) << row.reason;
    EXPECT_EQ(reading.mistakes[0].reason, row.reason);
    EXPECT_NE(reading.mistakes[0].line, 0u);
  }
}

}  // namespace
}  // namespace weir::proto::settings
