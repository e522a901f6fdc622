// Which (key, SSRC, index) were used for sending: a file that tests search for repetitions (RFC 3711 section 9.1: one
// would give two packets the same keystream). A build option (-Dsend_recorder=true): without it nothing is recorded,
// stored or compiled in.
#pragma once

#include <cstdint>

#include "dataplane/session_keys.h"

namespace weir::dataplane {

class Cipher;

/// One line of the file. A key's fingerprint is of cipher key and salt: what the keystream depends on.
struct SendRecord {
  std::uint64_t key_fingerprint;
  std::uint64_t index;
  std::uint32_t ssrc;
  std::uint32_t rtcp;  ///< 1: an SRTCP index, else an SRTP one
};
static_assert(sizeof(SendRecord) == 24);

/// The environment variable that names the folder of the files: one for each thread that sends.
inline constexpr char kSendRecordsFolder[] = "WEIR_SEND_RECORDS";

#ifdef WEIR_SEND_RECORDER
/// Appends to the calling thread's file, with a system call each: what was written survives a kill. Called once the
/// index is taken, before the packet can leave. Without the folder, or if it cannot be written, the process ends.
void record_sent(Cipher& cipher, const SideKeys& keys, std::uint32_t ssrc, std::uint64_t index, bool rtcp);
#else
inline void record_sent(Cipher&, const SideKeys&, std::uint32_t, std::uint64_t, bool) {}
#endif

}  // namespace weir::dataplane
