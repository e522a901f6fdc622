#include "controlplane/tls_realm.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "controlplane/tls_context.h"
#include "controlplane/tls_stream.h"

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

int verify_mode(settings::ClientCertificates clients) {
  switch (clients) {
    case settings::ClientCertificates::kOff:
      return SSL_VERIFY_NONE;
    case settings::ClientCertificates::kOptional:
      return SSL_VERIFY_PEER;
    case settings::ClientCertificates::kRequired:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

}  // namespace

proto::Result<std::shared_ptr<const TlsRealm>> TlsRealm::load(const settings::RealmTlsSettings& realm,
                                                              const settings::TlsSettings& tls,
                                                              const std::string& user) {
  const std::shared_ptr<TlsRealm> loaded(new TlsRealm);
  proto::Result<SslContextHandle> client = make_tls_context(TLS_client_method(), realm.ca, tls);
  if (!client) return proto::Error{client.error()};
  loaded->client_ = std::move(client).value();
  SSL_CTX_set_verify(loaded->client(), SSL_VERIFY_PEER, nullptr);
  for (const settings::CertificateFiles& files : realm.certificates) {
    proto::Result<OwnCertificate> own = load_own_certificate(files, user);
    if (!own) return proto::Error{own.error()};
    proto::Result<SslContextHandle> server = make_tls_context(TLS_server_method(), realm.ca, tls);
    if (!server) return proto::Error{server.error()};
    SSL_CTX_set_verify(server->get(), verify_mode(realm.clients), nullptr);
    SSL_CTX_set_tlsext_servername_callback(server->get(), &TlsStream::on_server_name);
    if (proto::Status status = show(server->get(), *own, files.chain); !status) return proto::Error{status.error()};
    if (loaded->servers_.empty()) {
      if (proto::Status status = show(loaded->client(), *own, files.chain); !status)
        return proto::Error{status.error()};
    }
    TlsIdentity identity = identity_of(*own->chain.front());
    loaded->servers_.push_back({std::move(server).value(), std::move(own->chain.front()), std::move(identity)});
  }
  if (loaded->servers_.empty()) return proto::Error{"[realm.tls] names no certificate"};
  return std::shared_ptr<const TlsRealm>(loaded);
}

proto::Result<TlsRealms> load_tls_realms(const settings::Settings& settings) {
  TlsRealms all(settings.realms.size());
  std::string mistakes;
  for (std::size_t i = 0; i < settings.realms.size(); ++i) {
    const settings::RealmSettings& realm = settings.realms[i];
    const auto is_tls = [](const settings::ListenerSettings& one) { return settings::is_secured(one.transport); };
    if (std::none_of(realm.listeners.begin(), realm.listeners.end(), is_tls)) continue;
    auto loaded = TlsRealm::load(realm.tls, settings.tls, settings.control.user);
    if (loaded) {
      all[i] = std::move(loaded).value();
    } else {
      mistakes += (mistakes.empty() ? "realm '" : "; realm '") + realm.name + "': " + loaded.error();
    }
  }
  if (!mistakes.empty()) return proto::Error{mistakes};
  return all;
}

SSL_CTX* TlsRealm::server_for(std::string_view name) const {
  for (const Server& server : servers_) {
    if (server.identity.proves(name)) return server.context.get();
  }
  for (const Server& server : servers_) {
    if (X509_check_host(server.certificate.get(), name.data(), name.size(), 0, nullptr) == 1) {
      return server.context.get();
    }
  }
  return nullptr;
}

}  // namespace weir::controlplane
