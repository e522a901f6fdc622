#include "tests/support/eal.h"

#include <unistd.h>

#include <cstdio>

#include "dataplane/eal.h"
#include "proto/assert.h"

namespace weir::tests {

void need_eal() {
  static const auto eal = [] {
    const std::string all_cpus = "0@(0-" + std::to_string(sysconf(_SC_NPROCESSORS_CONF) - 1) + ")";
    auto started = dataplane::Eal::start({"test", "--lcores", all_cpus, "--no-huge", "--no-pci", "--no-shconf",
                                          "--no-telemetry", "--iova-mode", "va", "-m", "256"});
    if (!started) std::fprintf(stderr, "%s\n", started.error().c_str());
    WEIR_ASSERT(started.ok());
    return std::move(started).value();
  }();
}

}  // namespace weir::tests
