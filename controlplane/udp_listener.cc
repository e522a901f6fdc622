#include "controlplane/udp_listener.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
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

namespace {

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

}  // namespace

UdpListener::UdpListener(Transports& transports, asio::io_context& io, std::uint64_t handle)
    : transports_(transports), socket_(io), newcomers_(io), handle_(handle) {}

/// A socket that may share its address with others of ours would not notice that somebody else's does so too: one that
/// may not is tried first.
proto::Status UdpListener::listen(const proto::Endpoint& local) {
  const udp::endpoint endpoint = to_asio<udp::endpoint>(local);
  proto::Status status = open(socket_, endpoint, 0);
  error_code ignored;
  socket_.close(ignored);
  if (status) status = open(socket_, endpoint, kReceiveBufferBytes);
  if (!status) return proto::Error{"cannot listen at udp:" + proto::to_string(local) + ": " + status.error()};
  part_newcomers(endpoint);
  wait(socket_);
  if (newcomers_.is_open()) wait(newcomers_);
  return proto::success();
}

proto::Status UdpListener::open(Socket& socket, const udp::endpoint& local, int buffer_bytes) {
  error_code error;
  socket.open(local.protocol(), error);
  if (!error && local.address().is_v6()) socket.set_option(asio::ip::v6_only(true), error);
  if (!error && buffer_bytes != 0) socket.set_option(ReusePort(true), error);
  if (!error && buffer_bytes != 0) make_room(socket, buffer_bytes);
  if (!error) socket.bind(local, error);
  if (!error) socket.non_blocking(true, error);
  if (error) return proto::Error{error.message()};
  DatagramBatch::ask_for_times(socket.native_handle());
  return proto::success();
}

void UdpListener::part_newcomers(const udp::endpoint& local) {
  if (open(newcomers_, local, kNewcomersBufferBytes) && part_invites(newcomers_.native_handle())) return;
  error_code ignored;
  newcomers_.close(ignored);
  log_event(LogLevel::kWarning, "sip", {{"event", "new INVITEs have no socket of their own: the kernel cannot do it"}});
}

void UdpListener::make_room(Socket& socket, int bytes) {
  error_code ignored;
  socket.set_option(asio::socket_base::receive_buffer_size(bytes), ignored);
  asio::socket_base::receive_buffer_size got;
  socket.get_option(got, ignored);
  if (got.value() >= bytes) return;
  log_event(LogLevel::kWarning, "sip",
            {{"event", "a burst of datagrams may be lost: raise net.core.rmem_max"},
             {"bytes_wanted", static_cast<std::uint64_t>(bytes)},
             {"bytes", static_cast<std::uint64_t>(got.value())}});
}

void UdpListener::wait(Socket& socket) {
  socket.async_wait(Socket::wait_read, [this, &socket](const error_code& error) {
    if (error) return;
    read_some(socket);
    wait(socket);
  });
}

void UdpListener::read_some(Socket& socket) {
  const bool are_new = &socket == &newcomers_;
  DatagramBatch& batch = transports_.batch();
  const std::size_t count =
      batch.read(socket.native_handle(), are_new ? kNewcomersAtOnce : DatagramBatch::kDatagramsMax);
  for (std::size_t i = 0; i < count; ++i) {
    transports_.on_datagram(batch.bytes(i), {handle_, batch.remote(i), sip::Reliability::kUnreliable},
                            {.ns = batch.waited_ns(i), .socket = handle_, .newcomers = are_new});
  }
}

std::uint64_t UdpListener::dropped() const {
  std::uint64_t dropped = 0;
  for (const Socket* const socket : {&socket_, &newcomers_}) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> state{};
    socklen_t bytes = sizeof state;
    const int fd = const_cast<Socket*>(socket)->native_handle();
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, state.data(), &bytes) == 0) dropped += state[SK_MEMINFO_DROPS];
  }
  return dropped;
}

bool UdpListener::send(const proto::Endpoint& remote, std::string_view bytes) {
  error_code error;
  socket_.send_to(asio::buffer(bytes), to_asio<udp::endpoint>(remote), 0, error);
  // A full buffer is a lost datagram: SIP sends it again. Everything else is certain.
  return !error || error == asio::error::would_block || error == asio::error::no_buffer_space;
}

}  // namespace weir::controlplane
