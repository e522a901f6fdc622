// weir-control --check opens what the configuration names.
#include "controlplane/check_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/stir_lab.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kConfiguration = R"(
[[network]]
name = "n"
device = "net_null0"
address = "198.18.1.10/24"
[registrar]
users = "FOLDER/users.toml"
[identity]
anchors = "FOLDER/anchors.pem"
[[trunk]]
name = "carrier"
realm = "access"
targets = [{ uri = "sip:198.18.2.2" }]
credentials = { realm = "r", user = "u", password_file = "FOLDER/password" }
[[route]]
realm = "access"
match = '.*'
trunk = "carrier"
[[realm]]
name = "access"
network = "n"
listen = ["wss:198.18.1.1:5061"]
[realm.websocket]
page = "FOLDER/web"
[realm.tls]
certificates = [{ chain = "CHAIN", key = "KEY" }]
)";

proto::settings::Settings settings(const std::string& folder, const std::string& chain, const std::string& key) {
  std::string text = kConfiguration;
  for (const auto& [from, to] : {std::pair{"FOLDER", folder}, {"CHAIN", chain}, {"KEY", key}}) {
    for (std::size_t at = 0; (at = text.find(from)) != std::string::npos;)
      text.replace(at, std::string(from).size(), to);
  }
  proto::settings::Reading reading = proto::settings::read_settings(text);
  EXPECT_EQ(to_string("f", reading.mistakes), "");
  return std::move(reading.settings);
}

TEST(CheckFiles, EachFileIsOpenedAndNamedWithItsSetting) {
  tests::TemporaryDirectory directory;
  const auto found = check_files(settings(directory.path(), "/nonexistent/a.pem", "/nonexistent/a.key"));
  EXPECT_THAT(found, ElementsAre(AllOf(HasSubstr("[realm.tls]"), HasSubstr("/nonexistent/a.pem")),
                                 AllOf(HasSubstr("[realm.websocket] page"), HasSubstr("/web cannot be read")),
                                 AllOf(HasSubstr("[[trunk]] credentials"), HasSubstr("/password")),
                                 AllOf(HasSubstr("[identity]"), HasSubstr("/anchors.pem")),
                                 AllOf(HasSubstr("[registrar] users"), HasSubstr("/users.toml"))));
}

TEST(CheckFiles, GoodFilesAreNoMistakeAndWhatIsInThemIsRead) {
  tests::TemporaryDirectory directory;
  tests::TlsFiles files;
  const auto issued = files.issue("a", "DNS:a.example");
  std::ofstream(directory.path() + "/password") << "secret\n";
  std::ofstream(directory.path() + "/anchors.pem") << tests::StirLab().anchor();
  std::filesystem::create_directory(directory.path() + "/web");
  std::ofstream(directory.path() + "/web/index.html") << "<!doctype html>";
  const std::string users = directory.path() + "/users.toml";
  std::ofstream(users) << "";
  EXPECT_THAT(check_files(settings(directory.path(), issued.chain, issued.key)), IsEmpty());
  std::ofstream(users) << "[[user]]\nname = \"alice\"\n[[user]]\nname = \"bob\"\n";
  const auto found = check_files(settings(directory.path(), issued.chain, issued.key));
  EXPECT_GE(found.size(), 2u) << "every mistake, not only the first";
}

}  // namespace
}  // namespace weir::controlplane
