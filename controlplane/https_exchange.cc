#include "controlplane/https_exchange.h"

#include <openssl/x509v3.h>

#include <boost/asio/post.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>

#include "controlplane/leg.h"
#include "controlplane/sockets.h"

namespace weir::controlplane {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using proto::IpAddress;

namespace {

boost::beast::string_view text_of(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

void HttpsExchange::start(Done done) {
  done_ = std::move(done);
  asio::post(means_.io, [self = shared_from_this()] {
    if (!self->done_) return;
    if (!self->url_.address) return self->look_up(DnsType::kA);
    self->candidates_ = {*self->url_.address};
    self->try_next();
  });
}

void HttpsExchange::stop() {
  done_ = nullptr;
  seat_.reset();
  error_code ignored;
  connect_timer_.cancel();
  socket_.close(ignored);
  if (stream_) stream_->lowest_layer().close(ignored);
}

void HttpsExchange::finish(proto::Result<Response> result) {
  const Done done = std::exchange(done_, nullptr);
  stop();
  done(std::move(result));
}

/// IPv6 is asked for only where IPv4 leads nowhere: to find out that it does not lead anywhere takes a second here.
void HttpsExchange::look_up(DnsType type) {
  stage_ = "the DNS";
  asked_ = type;
  means_.resolver.query(url_.host, type, [weak = weak_from_this(), type](const DnsAnswer& answer) {
    const std::shared_ptr<HttpsExchange> self = weak.lock();
    if (self != nullptr && self->done_) self->on_addresses(type, answer);
  });
}

void HttpsExchange::on_addresses(DnsType type, const DnsAnswer& answer) {
  const std::size_t count = std::min(answer.addresses.size(), kAddressesMax);
  candidates_.assign(answer.addresses.begin(), answer.addresses.begin() + static_cast<std::ptrdiff_t>(count));
  if (failure_.empty() && type == DnsType::kAaaa && candidates_.empty()) {
    failure_ = answer.status == DnsStatus::kFailed ? "the DNS does not answer" : "its host has no address";
  }
  try_next();
}

/// What is checked is what is connected to: the name is not looked up a second time.
void HttpsExchange::try_next() {
  while (!candidates_.empty()) {
    const IpAddress address = candidates_.front();
    candidates_.erase(candidates_.begin());
    if (may_connect(address)) return connect(address);
  }
  if (!url_.address && asked_ == DnsType::kA) return look_up(DnsType::kAaaa);
  fail(failure_);
}

bool HttpsExchange::may_connect(const IpAddress& address) {
  seat_.reset();
  if (const char* refusal = means_.policy.refusal(address)) {
    failure_ = "nothing is fetched from " + proto::to_string(address) + ", " + refusal;
    return false;
  }
  seat_ = means_.addresses.take(source_of(address), means_.per_address_max);
  if (seat_) return true;
  lacked_room_ = true;
  failure_ = "too many fetches from " + proto::to_string(address) + " are under way";
  return false;
}

void HttpsExchange::connect(const IpAddress& address) {
  stage_ = "a connection";
  proto::Endpoint endpoint;
  endpoint.address = address;
  endpoint.port = url_.port;
  error_code ignored;
  socket_.close(ignored);
  limit_connecting();
  socket_.async_connect(
      to_asio<tcp::endpoint>(endpoint), [self = shared_from_this(), endpoint](const error_code& error) {
        self->connect_timer_.cancel();
        if (!self->done_) return;
        if (!error) return self->shake_hands();
        self->failure_ = "no connection to " + proto::to_string(endpoint) + ": " +
                         (error == asio::error::operation_aborted ? "nobody answers" : error.message());
        self->try_next();
      });
}

void HttpsExchange::limit_connecting() {
  connect_timer_.expires_after(std::chrono::milliseconds(kConnectMs));
  connect_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const std::shared_ptr<HttpsExchange> self = weak.lock();
    error_code ignored;
    // One that was about to be cancelled may still come: by then the socket is the stream's, or another attempt's.
    if (error || self == nullptr || self->connect_timer_.expiry() > std::chrono::steady_clock::now()) return;
    self->socket_.close(ignored);
  });
}

/// RFC 6066 section 3: a name is said to the server, an address never is.
bool HttpsExchange::expect_host(SSL* ssl) const {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  if (url_.address) return X509_VERIFY_PARAM_set1_ip_asc(expected, url_.host.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set1_host(expected, url_.host.data(), url_.host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, url_.host.c_str()) == 1;
}

void HttpsExchange::shake_hands() {
  stage_ = "the TLS handshake";
  stream_.emplace(std::move(socket_), means_.context);
  if (!expect_host(stream_->native_handle())) return fail("no certificate is of such a host");
  stream_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](const error_code& error) {
    if (!self->done_) return;
    if (!error) return self->ask();
    const long verdict = SSL_get_verify_result(self->stream_->native_handle());
    self->fail("TLS handshake: " + (verdict == X509_V_OK ? error.message()
                                                         : std::string("the server's certificate: ") +
                                                               X509_verify_cert_error_string(verdict)));
  });
}

/// No credentials, no cookies, nothing compressed.
void HttpsExchange::ask() {
  stage_ = "its answer";
  request_ = {http::verb::get, text_of(url_.target), 11};
  request_.set(http::field::host, text_of(url_.authority()));
  request_.set(http::field::user_agent, text_of(kSoftware));
  request_.set(http::field::accept, "application/pem-certificate-chain, application/pkix-cert, */*;q=0.5");
  request_.set(http::field::accept_encoding, "identity");
  request_.set(http::field::connection, "close");
  parser_.header_limit(kHeadBytesMax);
  parser_.body_limit(means_.body_bytes_max);
  http::async_write(*stream_, request_, [self = shared_from_this()](const error_code& error, std::size_t) {
    if (!self->done_) return;
    if (error) return self->fail("the server does not take a request: " + error.message());
    self->read_head();
  });
}

void HttpsExchange::read_head() {
  http::async_read_header(*stream_, buffer_, parser_,
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                            if (!self->done_) return;
                            if (error) return self->fail("no HTTP answer: " + error.message());
                            if (self->parser_.get().result() != http::status::ok)
                              return self->finish(self->parser_.release());
                            self->read_body();
                          });
}

void HttpsExchange::read_body() {
  http::async_read(*stream_, buffer_, parser_, [self = shared_from_this()](const error_code& error, std::size_t) {
    if (!self->done_) return;
    if (error) return self->fail("half an answer: " + error.message());
    self->finish(self->parser_.release());
  });
}

}  // namespace weir::controlplane
