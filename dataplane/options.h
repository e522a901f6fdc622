// weir-media's command line.
#pragma once

#include <string>
#include <variant>

namespace weir::dataplane {

struct Options {
  std::string config;           ///< path of the configuration file
  std::string log_level;        ///< as spdlog names them
  bool check = false;           ///< read the configuration, say what is wrong with it, end
  bool discard_region = false;  ///< begin anew: calls in progress end
};

/// The options, or the exit status: what there is to say (help, version, a mistake) has been printed then.
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace weir::dataplane
