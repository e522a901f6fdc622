// Gets what is behind an HTTPS URL that a stranger named: bounded in time, bytes and number, and never from where
// strangers may not send us. RFC 9110, RFC 9111, RFC 8224 section 6.2.1 ("info"), RFC 8225 section 4.1.3 ("x5u").
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "controlplane/admission.h"
#include "controlplane/https_exchange.h"
#include "proto/result.h"
#include "proto/settings/identity_settings.h"
#include "proto/settings/transport_settings.h"

namespace weir::controlplane {

/// What came of a fetch. A value.
struct FetchResult {
  std::string bytes;
  std::string content_type;                  ///< as the server wrote it, maybe ""
  std::optional<std::uint32_t> fresh_for_s;  ///< by RFC 9111; 0: not to be kept; nullopt: the server says nothing
  std::string failure;                       ///< why nothing was fetched, for people; empty: it was
  bool busy = false;                         ///< failed for our own want of room: says nothing of the URL

  [[nodiscard]] bool ok() const { return failure.empty(); }
};

class Fetcher {
 public:
  using Done = std::function<void(const FetchResult&)>;

  virtual ~Fetcher() = default;
  /// `done` is called once, after fetch() has returned, unless the fetcher goes before.
  virtual void fetch(const std::string& url, Done done) = 0;
};

/// In a shard's event loop; asks for each hop of a redirect as for the first URL.
class HttpsFetcher : public Fetcher {
 public:
  static constexpr std::uint32_t kRedirectsMax = 3;
  /// Waiting for their turn; one more fails at once.
  static constexpr std::size_t kQueueMax = 256;
  /// Handshakes cost, and whoever calls can name ever other URLs: at half a millisecond each these are a sixth of a
  /// core. What is in the cache costs none.
  static constexpr std::uint32_t kFetchesPerSecond = 300;

  /// Reads the file of authorities; blocks while it does. `io` and `resolver` outlive the fetcher. Errors: the file, or
  /// `tls` has ciphers that OpenSSL does not know.
  static proto::Result<std::unique_ptr<HttpsFetcher>> create(boost::asio::io_context& io, Resolver& resolver,
                                                             const proto::settings::IdentityFetchSettings& settings,
                                                             const proto::settings::TlsSettings& tls,
                                                             std::vector<proto::settings::AddressPrefix> own = {});
  HttpsFetcher(const HttpsFetcher&) = delete;
  HttpsFetcher& operator=(const HttpsFetcher&) = delete;
  ~HttpsFetcher() override;

  void fetch(const std::string& url, Done done) override;

 private:
  struct Fetch;
  using Fetches = std::list<std::shared_ptr<Fetch>>;

  HttpsFetcher(HttpsMeans means, proto::settings::IdentityFetchSettings settings);
  [[nodiscard]] proto::Result<HttpsUrl> checked(proto::Result<HttpsUrl> url) const;
  void fail_soon(Done done, std::string reason, bool busy);
  void limit_time(const std::shared_ptr<Fetch>& fetch);
  [[nodiscard]] bool has_time(const Fetch& fetch) const;
  void begin_waiting();
  void begin(const std::shared_ptr<Fetch>& fetch);
  void on_answer(const std::shared_ptr<Fetch>& fetch, proto::Result<HttpsExchange::Response> answer);
  void follow(const std::shared_ptr<Fetch>& fetch, const HttpsExchange::Response& answer);
  void finish(const std::shared_ptr<Fetch>& fetch, const FetchResult& result);

  HttpsMeans means_;
  proto::settings::IdentityFetchSettings settings_;
  RateLimit rate_;
  Seats<std::string> hosts_;
  Fetches waiting_;
  Fetches under_way_;
  std::shared_ptr<HttpsFetcher*> self_ = std::make_shared<HttpsFetcher*>(this);  ///< handlers ask it whether we live
};

}  // namespace weir::controlplane
