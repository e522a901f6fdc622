// What the parameters of a Contact say of a binding. RFC 3261 sections 10.2.1 and 20.10; +sip.instance and reg-id RFC
// 5626 sections 4.1 and 4.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sip/name_addr.h"

namespace weir::sip {

/// expires: seconds; nullopt if absent or malformed, which section 10.2.1.1 leaves to the registrar's default.
std::optional<std::uint32_t> contact_expires_s(const NameAddr& contact);

/// q in thousandths, 0..1000; nullopt if absent or malformed.
std::optional<std::uint16_t> contact_q_milli(const NameAddr& contact);

/// +sip.instance: what is between its angle brackets, "urn:uuid:..."; empty if absent or malformed.
std::string contact_instance(const NameAddr& contact);

/// reg-id, 1..2^31-1; nullopt if absent or malformed.
std::optional<std::uint32_t> contact_reg_id(const NameAddr& contact);

}  // namespace weir::sip
