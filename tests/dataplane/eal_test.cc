#include "dataplane/eal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace weir::dataplane {
namespace {

using proto::settings::HugepageUse;
using proto::settings::MediaSettings;
using proto::settings::Settings;

bool contains(const std::vector<std::string>& arguments, const std::string& one) {
  return std::find(arguments.begin(), arguments.end(), one) != arguments.end();
}

std::string after(const std::vector<std::string>& arguments, const std::string& one) {
  const auto at = std::find(arguments.begin(), arguments.end(), one);
  return at == arguments.end() || at + 1 == arguments.end() ? "" : *(at + 1);
}

TEST(Eal, FreeHugepagesOfAllSizesAreAddedUp) {
  const tests::TemporaryDirectory directory;
  EXPECT_EQ(free_hugepage_mb(directory.path() + "/nothing"), 0u);
  for (const auto& [name, free] : {std::pair{"hugepages-2048kB", 100}, std::pair{"hugepages-1048576kB", 2}}) {
    std::filesystem::create_directory(directory.path() + "/" + name);
    std::ofstream(directory.path() + "/" + name + "/free_hugepages") << free << "\n";
  }
  EXPECT_EQ(free_hugepage_mb(directory.path()), 200u + 2048u);
}

TEST(Eal, TheSettingDecidesWhichMemory) {
  MediaSettings media;
  media.memory_mb = 256;
  struct Row {
    HugepageUse use;
    std::uint64_t free_mb;
    bool ok;
    MemoryKind kind;
  };
  const Row rows[] = {
      {HugepageUse::kOff, 9999, true, MemoryKind::kOrdinary},
      {HugepageUse::kPrefer, 255, true, MemoryKind::kOrdinary},
      {HugepageUse::kPrefer, 256, true, MemoryKind::kHugepages},
      {HugepageUse::kRequire, 256, true, MemoryKind::kHugepages},
      {HugepageUse::kRequire, 255, false, MemoryKind::kOrdinary},
  };
  for (const Row& row : rows) {
    media.hugepages = row.use;
    const auto chosen = choose_memory(media, row.free_mb);
    ASSERT_EQ(chosen.ok(), row.ok);
    if (row.ok) {
      EXPECT_EQ(*chosen, row.kind);
    } else {
      EXPECT_NE(chosen.error().find("vm.nr_hugepages=128"), std::string::npos) << chosen.error();
    }
  }
}

TEST(Eal, ACoreThatIsNotThereIsOneSentence) {
  MediaSettings media;
  media.worker_cores = {1, 4};
  EXPECT_TRUE(check_cores(media, 5).ok());
  const proto::Status workers = check_cores(media, 4);
  ASSERT_FALSE(workers.ok());
  EXPECT_EQ(workers.error(), "there is no core 4 for media.worker_cores: this host has cores 0 to 3");
  media.main_core = 7;
  EXPECT_NE(check_cores(media, 5).error().find("media.main_core"), std::string::npos);
}

TEST(Eal, ArgumentsFollowFromTheSettings) {
  Settings settings;
  settings.media.worker_cores = {5, 6};
  settings.media.main_core = 4;
  settings.media.eal_arguments = {"--log-level", "8"};
  settings.networks.resize(2);
  settings.networks[0].device = "net_af_packet0,iface=x";
  settings.networks[1].device = "net_af_xdp0,iface=y";
  const auto ordinary = eal_arguments(settings, MemoryKind::kOrdinary);
  EXPECT_EQ(after(ordinary, "--lcores"), "0@4,1@5,2@6");
  EXPECT_EQ(after(ordinary, "-m"), "256");
  EXPECT_TRUE(contains(ordinary, "--no-huge") && contains(ordinary, "--no-shconf") && contains(ordinary, "--no-pci"));
  EXPECT_EQ(ordinary.back(), "8");

  settings.networks[1].device = "0000:3b:00.0";
  const auto huge = eal_arguments(settings, MemoryKind::kHugepages);
  EXPECT_TRUE(contains(huge, "--in-memory") && !contains(huge, "--no-huge") && !contains(huge, "--no-pci"));
  EXPECT_EQ(after(huge, "-a"), "0000:3b:00.0");
}

TEST(Eal, AVirtualDeviceIsToldFromAPciAddress) {
  EXPECT_TRUE(is_virtual_device("net_af_packet0,iface=media0"));
  EXPECT_TRUE(is_virtual_device("net_memif0,socket=/run/a:b"));
  EXPECT_FALSE(is_virtual_device("0000:3b:00.0"));
  EXPECT_FALSE(is_virtual_device("3b:00.0"));
}

}  // namespace
}  // namespace weir::dataplane
