// GRUUs: what they look like, and what is none. RFC 5627 sections 4.1 and appendix A.2.
#include "controlplane/gruu.h"

#include <gtest/gtest.h>

#include <set>

namespace weir::controlplane {
namespace {

std::string gruu(std::string_view instance) {
  const auto uri = public_gruu("alice smith", "example.com", instance);
  return uri ? sip::write(*uri) : "none";
}

TEST(PublicGruu, IsTheAddressOfRecordWithTheInstancesUrn) {
  EXPECT_EQ(gruu(R"("<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>")"),
            "sip:alice%20smith@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
}

TEST(PublicGruu, WhatIsNoUrnHasNone) {
  for (const char* const instance : {"", "\"", "\"<>\"", "urn:uuid:1", "\"<uuid:1>\"", "\"<urn:>\"", "<urn:uuid:1>",
                                     "\"<urn:uuid:1;x>\"", "\"<urn:a b>\"", "\"<urn:a\\\"b>\"", "\"<urn:a>b>\""}) {
    EXPECT_EQ(gruu(instance), "none") << instance;
  }
  EXPECT_EQ(gruu("\"<urn:" + std::string(kGruuUrnBytesMax, 'x') + ">\""), "none");
}

TemporaryGruus::Keys keys(std::uint8_t first) {
  TemporaryGruus::Keys keys{};
  keys[0] = first;
  keys[47] = first;
  return keys;
}

TEST(TemporaryGruu, IsReadAsWhatItWasMadeOf) {
  const TemporaryGruus gruus(keys(1));
  for (const GruuEpoch& what : {GruuEpoch{0, 0}, GruuEpoch{1, 2}, GruuEpoch{0xffff'ffff'ffff, 0xffff'ffff}}) {
    const auto read = gruus.read(gruus.make(what));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, what);
  }
}

TEST(TemporaryGruu, NoTwoHaveAnythingInCommon) {
  const TemporaryGruus gruus(keys(1));
  std::set<std::string> halves;
  for (int i = 0; i < 100; ++i) {
    const std::string user = gruus.make({7, 7});
    halves.insert(user.substr(6, 16));
    halves.insert(user.substr(22, 16));
  }
  EXPECT_EQ(halves.size(), 200u);
}

TEST(TemporaryGruu, OneThatIsChangedOrOfOtherKeysIsNone) {
  const TemporaryGruus gruus(keys(1));
  const std::string user = gruus.make({7, 7});
  for (std::size_t at = 0; at < user.size(); ++at) {
    std::string changed = user;
    changed[at] = changed[at] == '0' ? '1' : '0';
    EXPECT_FALSE(gruus.read(changed)) << changed;
    EXPECT_FALSE(gruus.read(user.substr(0, at)));
  }
  EXPECT_FALSE(gruus.read(user + "0"));
  EXPECT_FALSE(gruus.read("tgruu." + std::string(52, 'g')));
  EXPECT_FALSE(TemporaryGruus(keys(2)).read(user));
}

}  // namespace
}  // namespace weir::controlplane
