// The files that [identity] names, read: keys, their chains, and whom to believe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "controlplane/identity_chain.h"
#include "controlplane/identity_keys.h"
#include "controlplane/openssl_handles.h"
#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

struct IdentityFiles {
  std::shared_ptr<const IdentityKeys> keys;
  std::shared_ptr<const TrustAnchors> anchors;  ///< null: nobody is believed
  SslContextHandle server_tls;                  ///< null: nothing is served
};

/// Blocks while it reads. `now_s`: Unix time. Errors: every file that is no good, with what to do.
proto::Result<IdentityFiles> load_identity_files(const proto::settings::Settings& settings, std::int64_t now_s);

}  // namespace weir::controlplane
