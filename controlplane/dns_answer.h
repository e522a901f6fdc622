// What a DNS server answered, as far as finding a SIP server needs it: NAPTR, SRV, A and AAAA. RFC 1035 section 4,
// RFC 2782 (SRV), RFC 2308 (how long nothing is nothing), RFC 3403 section 4 (NAPTR), RFC 3596 (AAAA).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/inet.h"

namespace weir::controlplane {

/// By their numbers in RFC 1035 section 3.2.2 and its successors.
enum class DnsType : std::uint16_t { kA = 1, kAaaa = 28, kSrv = 33, kNaptr = 35 };

struct NaptrRecord {
  std::uint16_t order = 0;
  std::uint16_t preference = 0;
  std::string flags;
  std::string service;
  bool has_regexp = false;  ///< which is nothing for SIP (RFC 3263 section 4.1)
  std::string replacement;  ///< a name; "" is the root: there is none

  friend bool operator==(const NaptrRecord&, const NaptrRecord&) = default;
};

struct SrvRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;  ///< "" is the root: decidedly no such service (RFC 2782)

  friend bool operator==(const SrvRecord&, const SrvRecord&) = default;
};

enum class DnsStatus : std::uint8_t {
  kFound,
  kNothing,  ///< no such name, or no such records
  kFailed,   ///< nobody answered, or not what was asked
};

/// The records of one name and type. A value.
struct DnsAnswer {
  DnsStatus status = DnsStatus::kFailed;
  std::uint32_t ttl_s = 0;  ///< of kFound and kNothing, as the server says
  std::vector<NaptrRecord> naptr;
  std::vector<SrvRecord> srv;
  std::vector<proto::IpAddress> addresses;  ///< A or AAAA
};

/// Records of one answer that are looked at; a name with more has some for nothing. So an answer is 5 KB at most.
inline constexpr std::size_t kDnsRecordsMax = 16;
/// CNAMEs that lead from one name to the next.
inline constexpr std::size_t kDnsAliasesMax = 8;

/// Reads a response to a question for `name` and `type`: the records of the name, or of the name that CNAMEs in the
/// same response lead to. Names compare without case. kFailed if the bytes are no such response.
DnsAnswer read_dns_answer(std::span<const std::uint8_t> bytes, std::string_view name, DnsType type);

/// A name as questions and caches have it: lower case, without a final dot. nullopt: a label is empty or longer than 63
/// bytes, the whole longer than 253, or a byte is no letter, digit, hyphen or underscore.
std::optional<std::string> dns_name(std::string_view text);

}  // namespace weir::controlplane
