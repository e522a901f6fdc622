#include "controlplane/byte_stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace weir::controlplane {

Transfer PlainStream::read(std::span<char> into) {
  const ssize_t result = ::recv(socket_, into.data(), into.size(), 0);
  return result == 0 ? Transfer{Progress::kEnded} : outcome(result, Progress::kWantsRead);
}

Transfer PlainStream::write(std::string_view bytes) {
  return outcome(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), Progress::kWantsWrite);
}

Transfer PlainStream::outcome(ssize_t result, Progress when_blocked) {
  if (result >= 0) return {Progress::kDone, static_cast<std::size_t>(result)};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {when_blocked};
  error_ = errno;
  return {Progress::kFailed};
}

void PlainStream::end_writing() {
  ::shutdown(socket_, SHUT_WR);
}

std::string PlainStream::failure() const {
  return std::strerror(error_);
}

}  // namespace weir::controlplane
