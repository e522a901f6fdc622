// What the release is compiled for: x86-64-v3.
#pragma once

#include "proto/result.h"

namespace weir::proto {

/// Before anything else in a program: a CPU without these instructions would end it with SIGILL, in mid-call.
inline Status check_cpu() {
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
      __builtin_cpu_supports("fma")) {
    return success();
  }
  return Error{
      "this CPU has no AVX2, BMI2 or FMA: Weir needs x86-64-v3 (Intel since Haswell, AMD since Zen), and a virtual "
      "machine "
      "must be shown these features (with libvirt: cpu mode host-passthrough)"};
}

}  // namespace weir::proto
