#include "dataplane/send_recorder.h"

#ifdef WEIR_SEND_RECORDER

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "dataplane/cipher.h"
#include "proto/assert.h"

namespace weir::dataplane {
namespace {

int open_file() {
  const char* folder = std::getenv(kSendRecordsFolder);
  WEIR_ASSERT(folder != nullptr);
  const std::string path = std::string(folder) + "/sent." + std::to_string(getpid()) + "." + std::to_string(gettid());
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  WEIR_ASSERT(file >= 0);
  return file;
}

/// A thread's file. A forked child writes its own.
struct RecordFile {
  pid_t process = getpid();
  int file = open_file();
};

}  // namespace

void record_sent(Cipher& cipher, const SideKeys& keys, std::uint32_t ssrc, std::uint64_t index, bool rtcp) {
  static thread_local RecordFile mine;
  if (mine.process != getpid()) mine = {};
  const SendRecord record = {.key_fingerprint = cipher.fingerprint(cipher_key_of(keys, rtcp)),
                             .index = index,
                             .ssrc = ssrc,
                             .rtcp = rtcp ? 1u : 0u};
  WEIR_ASSERT(write(mine.file, &record, sizeof record) == ssize_t{sizeof record});
}

}  // namespace weir::dataplane

#endif
