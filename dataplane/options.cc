#include "dataplane/options.h"

#include <CLI/CLI.hpp>

namespace weir::dataplane {

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  options.config = "/etc/weir/weir.toml";
  options.log_level = "info";
  CLI::App app(
      "weir-media forwards the media of Weir's calls: RTP and SRTP, on DPDK ports, one worker for each core of\n"
      "media.worker_cores. Flows, keys and replay windows lie in the region (region.directory) and outlive this "
      "process:\n"
      "started again, it goes on with the calls that weir-control has set up.",
      "weir-media");
  app.set_version_flag("--version", "weir-media " WEIR_VERSION);
  app.add_option("--config", options.config, "The configuration file, shared with weir-control")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_flag("--check", options.check, "Name every mistake in the configuration with its line, and end");
  app.add_flag("--discard-region", options.discard_region,
               "Begin with an empty region: after a change of workers, flows or networks. Calls in progress end");
  app.add_option("--log-level", options.log_level, "How much to log to standard error")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  app.footer("SIGTERM and SIGINT end it in order and leave the region for the next start.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    return app.exit(end);
  }
  return options;
}

}  // namespace weir::dataplane
