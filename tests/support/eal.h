// DPDK for a test program: ordinary memory, no devices, started when the first test asks for it.
#pragma once

namespace weir::tests {

/// Asserts that EAL runs. The thread that calls first is its main core, pinned to nothing.
void need_eal();

}  // namespace weir::tests
