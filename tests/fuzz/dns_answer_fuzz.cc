// Any bytes are an answer or none: bounded, and nothing in it that was not asked for. The first byte is the type.
#include <cstddef>
#include <cstdint>

#include "controlplane/dns_answer.h"
#include "proto/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::controlplane;
  if (size == 0) return 0;
  constexpr DnsType kTypes[] = {DnsType::kA, DnsType::kAaaa, DnsType::kSrv, DnsType::kNaptr};
  const DnsType type = kTypes[data[0] % 4];
  const DnsAnswer answer = read_dns_answer({data + 1, size - 1}, "example.com", type);
  const bool addresses = type == DnsType::kA || type == DnsType::kAaaa;
  WEIR_ASSERT(answer.naptr.empty() || type == DnsType::kNaptr);
  WEIR_ASSERT(answer.srv.empty() || type == DnsType::kSrv);
  WEIR_ASSERT(answer.addresses.empty() || addresses);
  const std::size_t records = answer.naptr.size() + answer.srv.size() + answer.addresses.size();
  WEIR_ASSERT(records <= kDnsRecordsMax);
  WEIR_ASSERT((records != 0) == (answer.status == DnsStatus::kFound));
  return 0;
}
