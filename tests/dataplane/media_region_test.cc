#include "dataplane/media_region.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/flow_table.h"
#include "tests/support/temporary_directory.h"

namespace weir::dataplane {
namespace {

using proto::settings::Settings;

Settings settings_in(const std::string& directory) {
  Settings settings;
  settings.region.directory = directory + "/a/b/region";
  settings.control.user = getpwuid(getuid())->pw_name;
  settings.media.flows_max = 16;
  settings.networks.resize(2);
  settings.networks[0].name = "outside";
  settings.networks[0].address = proto::IpAddress::from_ipv4(0xc612010a);
  settings.networks[1].name = "inside";
  settings.networks[1].address = proto::IpAddress::from_ipv4(0xc612020a);
  return settings;
}

TEST(MediaRegion, AMissingDirectoryIsMadeForRootAndTheControlUsersGroup) {
  const tests::TemporaryDirectory directory;
  const Settings settings = settings_in(directory.path());
  auto region = open_region(settings, false);
  ASSERT_TRUE(region.ok()) << region.error();
  struct stat status;
  ASSERT_EQ(stat(settings.region.directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0750u);
  EXPECT_EQ(status.st_gid, getpwuid(getuid())->pw_gid);
}

TEST(MediaRegion, AnUnknownControlUserIsOneSentence) {
  const tests::TemporaryDirectory directory;
  Settings settings = settings_in(directory.path());
  settings.control.user = "no-such-user-here";
  const auto region = open_region(settings, false);
  ASSERT_FALSE(region.ok());
  EXPECT_NE(region.error().find("useradd --system no-such-user-here"), std::string::npos) << region.error();
}

TEST(MediaRegion, FlowsOfOtherNetworksAreNotResumed) {
  const tests::TemporaryDirectory directory;
  Settings settings = settings_in(directory.path());
  { ASSERT_TRUE(open_region(settings, false).ok()); }
  {
    const auto again = open_region(settings, false);
    ASSERT_TRUE(again.ok()) << again.error();
    EXPECT_TRUE(again->resumed());
  }
  std::swap(settings.networks[0], settings.networks[1]);
  const auto swapped = open_region(settings, false);
  ASSERT_FALSE(swapped.ok());
  EXPECT_NE(swapped.error().find("--discard-region"), std::string::npos) << swapped.error();
  const auto discarded = open_region(settings, true);
  ASSERT_TRUE(discarded.ok()) << discarded.error();
  EXPECT_FALSE(discarded->resumed());
}

/// An entry then has other room for its keys, and the next entry lies elsewhere.
TEST(MediaRegion, FlowsFromBeforeAeadWasAllowedOrForbiddenAreNotResumed) {
  for (const bool aead : {false, true}) {
    const tests::TemporaryDirectory directory;
    Settings settings = settings_in(directory.path());
    settings.srtp.aead = aead;
    { ASSERT_TRUE(open_region(settings, false).ok()); }
    { EXPECT_TRUE(open_region(settings, false)->resumed()); }
    settings.srtp.aead = !aead;
    const auto changed = open_region(settings, false);
    ASSERT_FALSE(changed.ok());
    EXPECT_NE(changed.error().find("--discard-region"), std::string::npos) << changed.error();
    EXPECT_FALSE(open_region(settings, true)->resumed());
  }
}

TEST(MediaRegion, TheShapeHoldsTheFlowTable) {
  const tests::TemporaryDirectory directory;
  const Settings settings = settings_in(directory.path());
  EXPECT_EQ(region_shape(settings).private_bytes, FlowTable::private_bytes(16, 2, KeyRoom::kGcm));
  EXPECT_EQ(region_shape(settings).workers, settings.media.worker_cores.size());
}

}  // namespace
}  // namespace weir::dataplane
