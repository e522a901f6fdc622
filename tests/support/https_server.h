// An HTTPS server on the loopback interface that answers what a test tells it to, and misbehaves likewise.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/settings/transport_settings.h"

namespace weir::tests {

class HttpsServer {
 public:
  struct Answer {
    std::string bytes;
    /// What becomes of the connection then.
    enum class End { kOrderly, kCut, kOpen, kRepeat } end = End::kOrderly;
    std::chrono::milliseconds pause{0};  ///< kRepeat: between two times
  };
  using Script = std::function<Answer(const std::string& request)>;

  HttpsServer(boost::asio::io_context& io, const proto::settings::CertificateFiles& files, Script script,
              const char* address = "127.0.0.1")
      : context_(boost::asio::ssl::context::tls_server),
        acceptor_(io, {boost::asio::ip::make_address(address), 0}),
        script_(std::move(script)) {
    context_.use_certificate_chain_file(files.chain);
    context_.use_private_key_file(files.key, boost::asio::ssl::context::pem);
    accept();
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }
  [[nodiscard]] std::size_t accepted() const { return accepted_; }
  /// Handshakes are let lie from now on.
  void hang() { hangs_ = true; }

 private:
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::system::error_code;

  struct Connection : std::enable_shared_from_this<Connection> {
    Connection(tcp::socket socket, boost::asio::ssl::context& context)
        : stream(std::move(socket), context), timer(stream.get_executor()) {}

    void write() {
      boost::asio::async_write(stream, boost::asio::buffer(answer.bytes),
                               [self = shared_from_this()](const error_code& error, std::size_t) {
                                 if (!error) self->end();
                               });
    }
    void end() {
      switch (answer.end) {
        case Answer::End::kOrderly:
          return stream.async_shutdown([self = shared_from_this()](const error_code&) {});
        case Answer::End::kCut:
          return;
        case Answer::End::kOpen:
          return wait([](Connection&) {}, std::chrono::hours(1));
        case Answer::End::kRepeat:
          return wait([](Connection& self) { self.write(); }, answer.pause);
      }
    }
    void wait(void (*then)(Connection&), std::chrono::milliseconds time) {
      timer.expires_after(time);
      timer.async_wait([self = shared_from_this(), then](const error_code& error) {
        if (!error) then(*self);
      });
    }

    boost::asio::ssl::stream<tcp::socket> stream;
    boost::asio::steady_timer timer;
    std::string request;
    Answer answer;
  };

  void accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (error) return;
      ++accepted_;
      serve(std::make_shared<Connection>(std::move(socket), context_));
      accept();
    });
  }
  void serve(const std::shared_ptr<Connection>& connection) {
    if (hangs_) return connection->wait([](Connection&) {}, std::chrono::hours(1));
    connection->stream.async_handshake(boost::asio::ssl::stream_base::server,
                                       [this, connection](const error_code& error) {
                                         if (!error) read(connection);
                                       });
  }
  void read(const std::shared_ptr<Connection>& connection) {
    boost::asio::async_read_until(connection->stream, boost::asio::dynamic_buffer(connection->request), "\r\n\r\n",
                                  [this, connection](const error_code& error, std::size_t) {
                                    if (error) return;
                                    requests_.push_back(connection->request);
                                    connection->answer = script_(connection->request);
                                    connection->write();
                                  });
  }

  boost::asio::ssl::context context_;
  tcp::acceptor acceptor_;
  Script script_;
  std::vector<std::string> requests_;
  std::size_t accepted_ = 0;
  bool hangs_ = false;
};

}  // namespace weir::tests
