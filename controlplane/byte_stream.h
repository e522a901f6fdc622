// What a connection reads and writes through: the bare socket, or TLS over it. Neither ever waits: each call does what
// can be done now and says what to wait for. So a connection that is idle holds no buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::controlplane {

struct TlsIdentity;

/// What became of a call.
enum class Progress : std::uint8_t {
  kDone,
  kWantsRead,   ///< call again when the socket can be read
  kWantsWrite,  ///< call again when it can be written
  kEnded,       ///< the peer has said all it will
  kFailed,      ///< failure() says why
};

struct Transfer {
  Progress progress;
  std::size_t bytes = 0;  ///< kDone: how many, at least one
};

/// Over a connected socket in non-blocking mode, which it does not own.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// To be called until kDone, before anything is read or written. Never kEnded.
  virtual Progress handshake() = 0;
  virtual Transfer read(std::span<char> into) = 0;
  /// `bytes` is not empty. After kWantsRead or kWantsWrite the next call has the same bytes, if maybe elsewhere.
  virtual Transfer write(std::string_view bytes) = 0;
  /// No more is written: says so to the peer.
  virtual void end_writing() = 0;
  /// Why the last call was kFailed.
  [[nodiscard]] virtual std::string failure() const = 0;
  /// Whom the peer's certificate proves it to be; nullptr: nobody has shown any, or it is no TLS.
  [[nodiscard]] virtual const TlsIdentity* peer() const { return nullptr; }
  /// Accepted: which of the listeners that share the address the peer asked for, once the handshake is done.
  [[nodiscard]] virtual std::size_t chosen() const { return 0; }
};

/// TCP as it is.
class PlainStream : public ByteStream {
 public:
  explicit PlainStream(int socket) : socket_(socket) {}

  Progress handshake() override { return Progress::kDone; }
  Transfer read(std::span<char> into) override;
  Transfer write(std::string_view bytes) override;
  void end_writing() override;
  [[nodiscard]] std::string failure() const override;

 private:
  Transfer outcome(ssize_t result, Progress when_blocked);

  int socket_;
  int error_ = 0;  ///< errno
};

}  // namespace weir::controlplane
