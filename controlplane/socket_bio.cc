#include "controlplane/socket_bio.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace weir::controlplane {
namespace {

int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool is_blocked() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int bio_read(BIO* bio, char* to, int bytes) {
  BIO_clear_retry_flags(bio);
  const ssize_t result = ::recv(socket_of(bio), to, static_cast<std::size_t>(bytes), 0);
  if (result < 0 && is_blocked()) BIO_set_retry_read(bio);
  if (result == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(result);
}

int bio_write(BIO* bio, const char* from, int bytes) {
  BIO_clear_retry_flags(bio);
  const ssize_t result = ::send(socket_of(bio), from, static_cast<std::size_t>(bytes), MSG_NOSIGNAL);
  if (result < 0 && is_blocked()) BIO_set_retry_write(bio);
  return static_cast<int>(result);
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BioMethodHandle make_method() {
  BioMethodHandle method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir socket"));
  if (method != nullptr) {
    BIO_meth_set_read(method.get(), bio_read);
    BIO_meth_set_write(method.get(), bio_write);
    BIO_meth_set_ctrl(method.get(), bio_control);
  }
  return method;
}

}  // namespace

BIO* make_socket_bio(int socket) {
  static const BioMethodHandle kMethod = make_method();
  BIO* bio = kMethod == nullptr ? nullptr : BIO_new(kMethod.get());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace weir::controlplane
