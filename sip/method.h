// SIP methods. RFC 3261 section 7.1, and the extensions Weir knows by name.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::sip {

enum class Method : std::uint8_t {
  kUnknown = 0,  ///< any other token: its name is kept beside this value
  kInvite,
  kAck,
  kBye,
  kCancel,
  kOptions,
  kRegister,
  kPrack,      // RFC 3262
  kUpdate,     // RFC 3311
  kInfo,       // RFC 6086
  kMessage,    // RFC 3428
  kSubscribe,  // RFC 6665
  kNotify,     // RFC 6665
  kRefer,      // RFC 3515
  kPublish,    // RFC 3903
};
inline constexpr std::size_t kMethodCount = 15;

/// The method of that name; names are case-sensitive (section 7.1). kUnknown for all others.
Method method_by_name(std::string_view name);

/// "INVITE" and so on; "" for kUnknown.
std::string_view to_string(Method method);

}  // namespace weir::sip
