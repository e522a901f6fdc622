// What a REGISTER asks for, read and bounded, before anything is changed. RFC 3261 sections 10.2 and 10.3, RFC 3327
// (Path), RFC 5626 (outbound).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "proto/inet.h"
#include "proto/settings/settings.h"
#include "sip/message.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// Bounds of what a binding may hold, in bytes: a few times what phones and proxies in use send.
inline constexpr std::size_t kAorUserBytesMax = 128;
inline constexpr std::size_t kContactBytesMax = 512;
inline constexpr std::size_t kPathBytesMax = 1024;
inline constexpr std::size_t kRegisterCallIdBytesMax = 256;
inline constexpr std::size_t kUserAgentBytesMax = 128;  ///< cut, not refused

/// q=1.0, and what a contact without q has.
inline constexpr std::uint16_t kQMax = 1000;

/// One contact of a REGISTER.
struct ContactRequest {
  sip::Uri uri;
  std::string text;             ///< as it goes into responses: `<uri>;parameters` without expires
  std::string instance;         ///< +sip.instance, with its quotes; empty if there is none
  std::uint32_t reg_id = 0;     ///< RFC 5626; 0: none, or outbound was not asked for
  std::uint16_t q = kQMax;      ///< thousandths
  std::uint32_t expires_s = 0;  ///< within the bounds of [registrar]; 0: removed
};

struct RegisterRequest {
  std::string user;  ///< of the address of record, unescaped
  bool remove_all = false;
  std::vector<ContactRequest> contacts;  ///< empty, and not remove_all: only asks
  std::string call_id;
  std::uint32_t cseq = 0;
  std::string path;  ///< the Path values, in order, comma-separated; empty if there is none
  std::string user_agent;
  bool outbound = false;  ///< contacts are flows of an instance (RFC 5626 section 6)
  bool gruu = false;      ///< GRUUs are wanted (RFC 5627)
  bool direct = false;    ///< came straight from the phone: one Via, no Path
};

/// Why a REGISTER is refused: what the response says beside that.
struct RegisterRefusal {
  std::uint16_t status;
  std::string reason;  ///< for the log
  sip::HeaderList headers;
};

struct RegisterRules {
  const proto::settings::RegistrarSettings& registrar;
  const proto::settings::RealmRegistrarSettings& realm;
  /// Whether packets may go there: not loopback, multicast, broadcast or ours.
  const std::function<bool(const proto::Endpoint&)>& may_be_sent_to;
};

/// 400 malformed or overlong, or `*` misused; 403 a contact that may not be called, or too many; 404 not our domain or
/// no user; 420 with Unsupported; 423 with Min-Expires; 439 outbound through a proxy that has it not.
std::variant<RegisterRequest, RegisterRefusal> read_register(const sip::Message& request, const RegisterRules& rules);

}  // namespace weir::controlplane
