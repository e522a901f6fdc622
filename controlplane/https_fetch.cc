#include "controlplane/https_fetch.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "controlplane/http_freshness.h"
#include "controlplane/shard_clock.h"
#include "controlplane/tls_context.h"
#include "sip/text.h"

namespace weir::controlplane {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using proto::Error;
using proto::Result;

namespace {

/// One server that is named by many names must not take all the room that there is.
std::size_t half_of(std::size_t fetches) {
  return std::max<std::size_t>(1, fetches / 2);
}

FetchResult failure(std::string reason, bool busy = false) {
  FetchResult result;
  result.failure = std::move(reason);
  result.busy = busy;
  return result;
}

std::string text(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

FetchResult read_answer(HttpsExchange::Response answer) {
  if (answer.result_int() != 200) return failure("the server answers " + std::to_string(answer.result_int()));
  const std::string encoding = text(answer[http::field::content_encoding]);
  if (!encoding.empty() && !sip::equals_without_case(encoding, "identity")) {
    return failure("the answer is encoded, which nobody asked for");
  }
  FetchResult result;
  result.content_type = text(answer[http::field::content_type]);
  result.fresh_for_s = fresh_for_s(answer, unix_s());
  result.bytes = std::move(answer.body());
  return result;
}

}  // namespace

struct HttpsFetcher::Fetch {
  Fetch(HttpsUrl target, Done when_done, asio::io_context& io)
      : url(std::move(target)), done(std::move(when_done)), deadline(io) {}

  HttpsUrl url;
  Done done;
  asio::steady_timer deadline;
  std::shared_ptr<HttpsExchange> exchange;  ///< null: it waits for its turn
  std::optional<Seats<std::string>::Seat> host;
  std::uint32_t redirects = 0;
};

Result<std::unique_ptr<HttpsFetcher>> HttpsFetcher::create(asio::io_context& io, Resolver& resolver,
                                                           const proto::settings::IdentityFetchSettings& settings,
                                                           const proto::settings::TlsSettings& tls,
                                                           std::vector<proto::settings::AddressPrefix> own) {
  Result<SslContextHandle> context = make_tls_context(TLS_client_method(), settings.ca, tls);
  if (!context) return Error{context.error()};
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  // Here a connection that just breaks may have cut an answer off.
  SSL_CTX_clear_options(context->get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  HttpsMeans means{.io = io,
                   .resolver = resolver,
                   .context = asio::ssl::context(std::move(context).value().release()),
                   .policy = AddressPolicy(settings.allowed, std::move(own)),
                   .addresses = {},
                   .per_address_max = half_of(settings.at_once_max),
                   .body_bytes_max = settings.bytes_max};
  return std::unique_ptr<HttpsFetcher>(new HttpsFetcher(std::move(means), settings));
}

HttpsFetcher::HttpsFetcher(HttpsMeans means, proto::settings::IdentityFetchSettings settings)
    : means_(std::move(means)), settings_(std::move(settings)) {}

HttpsFetcher::~HttpsFetcher() {
  for (const std::shared_ptr<Fetch>& fetch : under_way_) fetch->exchange->stop();
}

void HttpsFetcher::fetch(const std::string& url, Done done) {
  Result<HttpsUrl> parsed = checked(parse_https_url(url));
  if (!parsed) return fail_soon(std::move(done), "no URL to fetch from: " + parsed.error(), false);
  const std::uint64_t now_ns = clock_ns();
  if (waiting_.size() >= kQueueMax) return fail_soon(std::move(done), "too many fetches wait", true);
  if (!rate_.has(now_ns, kFetchesPerSecond)) return fail_soon(std::move(done), "too many fetches a second", true);
  rate_.take(now_ns, kFetchesPerSecond);
  waiting_.push_back(std::make_shared<Fetch>(std::move(parsed).value(), std::move(done), means_.io));
  limit_time(waiting_.back());
  begin_waiting();
}

Result<HttpsUrl> HttpsFetcher::checked(Result<HttpsUrl> url) const {
  if (!url || std::find(settings_.ports.begin(), settings_.ports.end(), url->port) != settings_.ports.end()) return url;
  return Error{"port " + std::to_string(url->port) + " is not allowed"};
}

void HttpsFetcher::fail_soon(Done done, std::string reason, bool busy) {
  asio::post(means_.io, [weak = std::weak_ptr(self_), done = std::move(done), reason = std::move(reason), busy] {
    if (weak.lock() != nullptr) done(failure(reason, busy));
  });
}

/// Of the whole fetch: waiting for its turn and redirects are in it.
void HttpsFetcher::limit_time(const std::shared_ptr<Fetch>& fetch) {
  fetch->deadline.expires_after(std::chrono::milliseconds(settings_.timeout_ms));
  fetch->deadline.async_wait([weak = std::weak_ptr(self_), fetch](const error_code& error) {
    const std::shared_ptr<HttpsFetcher*> self = weak.lock();
    if (error || self == nullptr || !fetch->done) return;
    const bool waits = fetch->exchange == nullptr;
    (*self)->finish(
        fetch,
        failure(std::string("not in time: it waited for ") + (waits ? "its turn" : fetch->exchange->stage()), waits));
  });
}

/// A turn that comes in the last tenth of its time comes too late.
bool HttpsFetcher::has_time(const Fetch& fetch) const {
  return fetch.deadline.expiry() - std::chrono::steady_clock::now() >
         std::chrono::milliseconds(settings_.timeout_ms / 10);
}

/// In the order of asking, but those whose host has enough let others by.
void HttpsFetcher::begin_waiting() {
  for (auto next = waiting_.begin(); next != waiting_.end() && under_way_.size() < settings_.at_once_max;) {
    const std::shared_ptr<Fetch> fetch = *next;
    if (has_time(*fetch)) fetch->host = hosts_.take(fetch->url.host, settings_.per_host_max);
    if (!fetch->host) {
      ++next;
      continue;
    }
    next = waiting_.erase(next);
    under_way_.push_back(fetch);
    begin(fetch);
  }
}

/// Each hop goes through here, and is held to the same.
void HttpsFetcher::begin(const std::shared_ptr<Fetch>& fetch) {
  fetch->exchange = std::make_shared<HttpsExchange>(means_, fetch->url);
  fetch->exchange->start([weak = std::weak_ptr(self_), fetch](Result<HttpsExchange::Response> answer) {
    const std::shared_ptr<HttpsFetcher*> self = weak.lock();
    if (self != nullptr && fetch->done) (*self)->on_answer(fetch, std::move(answer));
  });
}

void HttpsFetcher::on_answer(const std::shared_ptr<Fetch>& fetch, Result<HttpsExchange::Response> answer) {
  if (!answer) return finish(fetch, failure(answer.error(), fetch->exchange->lacked_room()));
  if (is_redirect(answer->result_int())) return follow(fetch, *answer);
  finish(fetch, read_answer(std::move(answer).value()));
}

void HttpsFetcher::follow(const std::shared_ptr<Fetch>& fetch, const HttpsExchange::Response& answer) {
  if (++fetch->redirects > kRedirectsMax) return finish(fetch, failure("too many redirects"));
  if (answer.count(http::field::location) != 1) return finish(fetch, failure("a redirect to nowhere"));
  const Result<HttpsUrl> next = checked(resolve_reference(fetch->url, text(answer[http::field::location])));
  if (!next) return finish(fetch, failure("a redirect to no URL to fetch from: " + next.error()));
  fetch->url = *next;
  fetch->host.reset();
  fetch->host = hosts_.take(next->host, settings_.per_host_max);
  if (!fetch->host) return finish(fetch, failure("too many fetches from " + next->host + " are under way", true));
  begin(fetch);
}

void HttpsFetcher::finish(const std::shared_ptr<Fetch>& fetch, const FetchResult& result) {
  const Done done = std::exchange(fetch->done, nullptr);
  fetch->deadline.cancel();
  if (fetch->exchange != nullptr) fetch->exchange->stop();
  fetch->host.reset();
  waiting_.remove(fetch);
  under_way_.remove(fetch);
  begin_waiting();
  done(result);
}

}  // namespace weir::controlplane
