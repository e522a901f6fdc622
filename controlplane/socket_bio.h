// OpenSSL's way to a socket that Asio owns, without the SIGPIPE that its own way has.
#pragma once

#include "controlplane/openssl_handles.h"

namespace weir::controlplane {

/// A BIO over a connected, non-blocking socket, which has to outlive it and stays open. Null: no memory.
BIO* make_socket_bio(int socket);

}  // namespace weir::controlplane
