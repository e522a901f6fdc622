// weir-control: SIP, DTLS and the calls. Unprivileged; weir-media carries the media.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "controlplane/check_files.h"
#include "controlplane/log.h"
#include "controlplane/privileges.h"
#include "controlplane/shard.h"
#include "proto/cpu.h"
#include "proto/settings/settings.h"

namespace {

struct Options {
  std::string configuration = "/etc/weir/weir.toml";
  bool check = false;
};

int fail(const std::string& reason) {
  std::fprintf(stderr, "weir-control: %s\n", reason.c_str());
  return 1;
}

int check(const Options& options, const weir::proto::settings::Settings& settings) {
  const std::vector<std::string> mistakes = weir::controlplane::check_files(settings);
  for (const std::string& mistake : mistakes) std::fprintf(stderr, "%s\n", mistake.c_str());
  if (!mistakes.empty()) return 1;
  std::printf("%s: no mistakes\n", options.configuration.c_str());
  return 0;
}

int run(const Options& options) {
  using namespace weir;
  proto::settings::Reading reading = proto::settings::read_settings_file(options.configuration);
  if (!reading.mistakes.empty()) {
    std::fputs(proto::settings::to_string(options.configuration, reading.mistakes).c_str(), stderr);
    return 1;
  }
  if (options.check) return check(options, reading.settings);
  if (proto::Status status = controlplane::start_log(reading.settings.control.log_level); !status) {
    return fail(status.error());
  }
  if (proto::Status status = controlplane::drop_privileges(reading.settings.control.user); !status) {
    return fail(status.error());
  }
  controlplane::raise_descriptor_limit();
  proto::Result<std::unique_ptr<controlplane::Shard>> shard =
      controlplane::Shard::create(std::move(reading.settings), std::filesystem::absolute(options.configuration));
  if (!shard) return fail(shard.error());
  (*shard)->run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (const weir::proto::Status status = weir::proto::check_cpu(); !status) {
    std::fprintf(stderr, "weir-control: %s\n", status.error().c_str());
    return EXIT_FAILURE;
  }
  Options options;
  CLI::App app(
      "Weir's control process: SIP, DTLS-SRTP handshakes and calls. Start weir-media first; SIGTERM ends the calls "
      "and then the process; SIGHUP does what weirctl reload does.",
      "weir-control");
  app.add_option("--config", options.configuration, "the configuration file of both processes")->capture_default_str();
  app.add_flag("--check", options.check, "read the configuration and the files it names, name every mistake, and stop");
  app.set_version_flag("--version", WEIR_VERSION);
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
