#include "controlplane/stream_listener.h"

#include <chrono>

#include "controlplane/connection.h"
#include "controlplane/sockets.h"

namespace weir::controlplane {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

StreamListener::StreamListener(Transports& transports, asio::io_context& io, std::size_t place)
    : transports_(transports), io_(io), acceptor_(io), pause_(io), place_(place) {}

proto::Status StreamListener::listen(const Place& place) {
  const error_code error = listen_at(acceptor_, place.local);
  if (error) {
    return proto::Error{"cannot listen at " + std::string(to_string(place.transport)) + ":" +
                        proto::to_string(place.local) + ": " + error.message()};
  }
  accept();
  return proto::success();
}

void StreamListener::accept() {
  auto connection = std::make_shared<Connection>(transports_, io_, transports_.next_handle(), Way{place_, {}, {}});
  acceptor_.async_accept(connection->socket(), [this, connection](const error_code& error) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      transports_.on_accepted(connection);
      return accept();
    }
    // Out of descriptors, say: waiting is the only cure, and spinning none.
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](const error_code& stopped) {
      if (!stopped) accept();
    });
  });
}

}  // namespace weir::controlplane
