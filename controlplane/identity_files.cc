#include "controlplane/identity_files.h"

#include <utility>

#include "controlplane/identity_server.h"

namespace weir::controlplane {

proto::Result<IdentityFiles> load_identity_files(const proto::settings::Settings& settings, std::int64_t now_s) {
  const proto::settings::IdentitySettings& identity = settings.identity;
  IdentityFiles files;
  proto::Result<std::shared_ptr<const IdentityKeys>> keys = IdentityKeys::load(identity, settings.control.user, now_s);
  if (!keys) return proto::Error{keys.error()};
  files.keys = std::move(keys).value();
  if (!identity.anchors.empty()) {
    proto::Result<std::shared_ptr<const TrustAnchors>> anchors = TrustAnchors::load(identity.anchors);
    if (!anchors) return proto::Error{anchors.error()};
    files.anchors = std::move(anchors).value();
  }
  if (identity.server.listen) {
    proto::Result<SslContextHandle> tls =
        load_identity_server_tls(identity.server, settings.tls, settings.control.user);
    if (!tls) return proto::Error{tls.error()};
    files.server_tls = std::move(tls).value();
  }
  return files;
}

}  // namespace weir::controlplane
