// What [identity] names is read as a whole, or not at all.
#include "controlplane/identity_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/stir_lab.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class IdentityFilesTest : public ::testing::Test {
 protected:
  IdentityFilesTest() {
    write("key.pem", credential_.certificate);
    write("key.key", credential_.key);
    write("anchors.pem", authority_.anchor());
    settings_.control.user = "root";
    settings_.identity.keys.push_back({"k", at("key.pem"), at("key.key"), "https://a.example/k"});
    settings_.identity.anchors = at("anchors.pem");
  }

  [[nodiscard]] std::string at(const std::string& file) const { return directory_.path() + "/" + file; }
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(at(file), std::ios::trunc) << text;
    std::filesystem::permissions(at(file), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  [[nodiscard]] std::string error() const {
    const auto files = load_identity_files(settings_, tests::unix_now_s());
    return files ? "" : files.error();
  }

  tests::StirLab authority_;
  tests::StirCredential credential_ = authority_.issue();
  tests::TemporaryDirectory directory_;
  proto::settings::Settings settings_;
};

TEST_F(IdentityFilesTest, GoodOnesAreThereAndNothingIsServedUnlessItIsWanted) {
  const auto files = load_identity_files(settings_, tests::unix_now_s());
  ASSERT_TRUE(files) << files.error();
  EXPECT_NE(files->keys->find("k"), nullptr);
  EXPECT_NE(files->anchors, nullptr);
  EXPECT_EQ(files->server_tls, nullptr);
}

TEST_F(IdentityFilesTest, WithoutAnchorsNobodyIsBelieved) {
  settings_.identity.anchors.clear();
  const auto files = load_identity_files(settings_, tests::unix_now_s());
  ASSERT_TRUE(files) << files.error();
  EXPECT_EQ(files->anchors, nullptr);
}

TEST_F(IdentityFilesTest, AFileThatIsNoGoodIsNamed) {
  write("anchors.pem", "nobody");
  EXPECT_THAT(error(), HasSubstr(at("anchors.pem")));
  std::filesystem::remove(at("anchors.pem"));
  EXPECT_THAT(error(), HasSubstr(at("anchors.pem")));
  write("anchors.pem", authority_.anchor());
  write("key.key", authority_.issue().key);
  EXPECT_THAT(error(), AllOf(HasSubstr("'k'"), HasSubstr("key")));
  write("key.key", credential_.key);
  EXPECT_EQ(error(), "");
  settings_.identity.server.listen = proto::Endpoint{};
  settings_.identity.server.certificate = {at("nowhere.pem"), at("nowhere.key")};
  EXPECT_THAT(error(), HasSubstr(at("nowhere.pem")));
}

}  // namespace
}  // namespace weir::controlplane
