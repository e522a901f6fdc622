// Every SRTP profile that secures something: what tests of the transforms run over.
#pragma once

#include <string>
#include <vector>

#include "proto/srtp_profile.h"

namespace weir::tests {

inline std::vector<proto::SrtpProfile> secured_profiles() {
  std::vector<proto::SrtpProfile> profiles;
  for (const proto::SrtpProfileInfo& info : proto::kSrtpProfiles) {
    if (proto::is_srtp(info.profile)) profiles.push_back(info.profile);
  }
  return profiles;
}

/// Names a test's parameter after its profile.
inline constexpr auto kNameOfProfile = [](const auto& parameter) {
  return std::string(proto::srtp_profile(parameter.param).name);
};

}  // namespace weir::tests
