#include "controlplane/udp_listener.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "controlplane/sockets.h"

namespace weir::controlplane {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

UdpListener::UdpListener(Transports& transports, asio::io_context& io, std::uint64_t handle)
    : transports_(transports), socket_(io), handle_(handle) {}

proto::Status UdpListener::listen(const proto::Endpoint& local) {
  const udp::endpoint endpoint = to_asio<udp::endpoint>(local);
  error_code error;
  error_code ignored;
  socket_.open(endpoint.protocol(), error);
  if (!error && endpoint.address().is_v6()) socket_.set_option(asio::ip::v6_only(true), error);
  if (!error) socket_.set_option(asio::socket_base::receive_buffer_size(kReceiveBufferBytes), ignored);
  if (!error) socket_.bind(endpoint, error);
  if (!error) socket_.non_blocking(true, error);
  if (error) return proto::Error{"cannot listen at udp:" + proto::to_string(local) + ": " + error.message()};
  wait();
  return proto::success();
}

void UdpListener::wait() {
  socket_.async_wait(udp::socket::wait_read, [this](const error_code& error) {
    if (error) return;
    read_some();
    wait();
  });
}

void UdpListener::read_some() {
  for (int i = 0; i < kBatch; ++i) {
    udp::endpoint remote;
    error_code error;
    const std::size_t bytes = socket_.receive_from(asio::buffer(buffer_), remote, 0, error);
    if (error == asio::error::would_block) return;
    if (error) continue;  // an ICMP error of an earlier datagram: timers deal with the silence
    transports_.on_bytes({buffer_.data(), bytes}, {handle_, from_asio(remote), sip::Reliability::kUnreliable});
  }
}

bool UdpListener::send(const proto::Endpoint& remote, std::string_view bytes) {
  error_code error;
  socket_.send_to(asio::buffer(bytes), to_asio<udp::endpoint>(remote), 0, error);
  // A full buffer is a lost datagram: SIP sends it again. Everything else is certain.
  return !error || error == asio::error::would_block || error == asio::error::no_buffer_space;
}

}  // namespace weir::controlplane
