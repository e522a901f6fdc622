#include "controlplane/openssl_handles.h"

#include <openssl/err.h>

namespace weir::controlplane {

std::string openssl_error(const char* otherwise) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? otherwise : reason;
}

}  // namespace weir::controlplane
