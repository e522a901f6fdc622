#include "controlplane/udp_listener.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "controlplane/datagram_batch.h"
#include "controlplane/invite_filter.h"
#include "controlplane/log.h"
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
  socket_.open(endpoint.protocol(), error);
  if (!error && endpoint.address().is_v6()) socket_.set_option(asio::ip::v6_only(true), error);
  if (!error) make_room();
  if (!error) socket_.bind(endpoint, error);
  if (!error) socket_.non_blocking(true, error);
  if (error) return proto::Error{"cannot listen at udp:" + proto::to_string(local) + ": " + error.message()};
  DatagramBatch::ask_for_times(socket_.native_handle());
  wait();
  return proto::success();
}

void UdpListener::make_room() {
  error_code ignored;
  socket_.set_option(asio::socket_base::receive_buffer_size(kReceiveBufferBytes), ignored);
  asio::socket_base::receive_buffer_size got;
  socket_.get_option(got, ignored);
  if (got.value() >= kReceiveBufferBytes) return;
  log_event(LogLevel::kWarning, "sip",
            {{"event", "a burst of datagrams may be lost: raise net.core.rmem_max"},
             {"bytes_wanted", static_cast<std::uint64_t>(kReceiveBufferBytes)},
             {"bytes", static_cast<std::uint64_t>(got.value())}});
}

void UdpListener::wait() {
  socket_.async_wait(udp::socket::wait_read, [this](const error_code& error) {
    if (error) return;
    read_some();
    wait();
  });
}

void UdpListener::read_some() {
  DatagramBatch& batch = transports_.batch();
  const std::size_t count = batch.read(socket_.native_handle());
  for (std::size_t i = 0; i < count; ++i) {
    transports_.on_datagram(batch.bytes(i), {handle_, batch.remote(i), sip::Reliability::kUnreliable},
                            batch.waited_ns(i));
  }
}

void UdpListener::let_in(double share) {
  let_in_invites(socket_.native_handle(), share);
}

bool UdpListener::send(const proto::Endpoint& remote, std::string_view bytes) {
  error_code error;
  socket_.send_to(asio::buffer(bytes), to_asio<udp::endpoint>(remote), 0, error);
  // A full buffer is a lost datagram: SIP sends it again. Everything else is certain.
  return !error || error == asio::error::would_block || error == asio::error::no_buffer_space;
}

}  // namespace weir::controlplane
