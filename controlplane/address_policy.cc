#include "controlplane/address_policy.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace weir::controlplane {

using proto::IpAddress;
using proto::settings::AddressPrefix;

namespace {

struct SpecialPurpose {
  AddressPrefix prefix;
  const char* what;
};

constexpr char kReserved[] = "a reserved address";
constexpr char kDocumentation[] = "an address of documentation";
constexpr char kBenchmark[] = "an address of test networks";
constexpr char kPrivate[] = "a private address";
constexpr char kLinkLocal[] = "a link-local address";
constexpr char kMulticast[] = "a multicast address";

/// IANA's registries, which RFC 6890 began. Outside 2000::/3 IPv6 has no public host: below those that are told apart
/// there for people's sake.
const std::vector<SpecialPurpose>& special_purposes() {
  static const std::vector<SpecialPurpose> rows = [] {
    const auto row = [](std::string_view address, std::uint8_t bits, const char* what) {
      return SpecialPurpose{{proto::parse_ip_address(address).value(), bits}, what};
    };
    return std::vector<SpecialPurpose>{
        row("0.0.0.0", 8, "an unspecified address"),  // RFC 791
        row("10.0.0.0", 8, kPrivate),                 // RFC 1918
        row("100.64.0.0", 10, kPrivate),              // RFC 6598: behind a carrier's NAT
        row("127.0.0.0", 8, "this host itself"),      // RFC 1122
        row("169.254.0.0", 16, kLinkLocal),           // RFC 3927; clouds keep secrets there
        row("172.16.0.0", 12, kPrivate),              // RFC 1918
        row("192.0.0.0", 24, kReserved),              // RFC 6890
        row("192.0.2.0", 24, kDocumentation),         // RFC 5737
        row("192.88.99.0", 24, kReserved),            // RFC 7526: relays of 6to4
        row("192.168.0.0", 16, kPrivate),             // RFC 1918
        row("198.18.0.0", 15, kBenchmark),            // RFC 2544
        row("198.51.100.0", 24, kDocumentation),      // RFC 5737
        row("203.0.113.0", 24, kDocumentation),       // RFC 5737
        row("224.0.0.0", 4, kMulticast),              // RFC 5771
        row("240.0.0.0", 4, kReserved),               // RFC 1112, and broadcast
        row("::1", 128, "this host itself"),
        row("::", 128, "an unspecified address"),
        row("2001:2::", 48, kBenchmark),          // RFC 5180
        row("2001::", 23, kReserved),             // RFC 2928: Teredo, ORCHIDs and others
        row("2001:db8::", 32, kDocumentation),    // RFC 3849
        row("3fff::", 20, kDocumentation),        // RFC 9637
        row("64:ff9b:1::", 48, kPrivate),         // RFC 8215: a network's own NAT64
        row("fc00::", 7, kPrivate),               // RFC 4193
        row("fe80::", 10, kLinkLocal),            // RFC 4291
        row("fec0::", 10, kPrivate),              // RFC 3879
        row("ff00::", 8, kMulticast),             // RFC 4291
        row("::", 96, "IPv4 in IPv6's clothes"),  // RFC 4291 section 2.5.5.1
        row("::ffff:0.0.0.0", 96, "IPv4 in IPv6's clothes"),
    };
  }();
  return rows;
}

bool lies_in(const IpAddress& address, const std::vector<AddressPrefix>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const AddressPrefix& prefix) {
    return proto::share_prefix(address, prefix.address, prefix.bits);
  });
}

bool begins_with(const IpAddress& address, std::string_view prefix, std::uint32_t bits) {
  return proto::share_prefix(address, proto::parse_ip_address(prefix).value(), bits);
}

/// The host that a translator or tunnel takes packets on to: RFC 6052 section 2.2, RFC 3056 section 2.
std::optional<IpAddress> ipv4_inside(const IpAddress& address) {
  if (begins_with(address, "64:ff9b::", 96)) return IpAddress::from_ipv4(proto::load_be32(address.bytes.data() + 12));
  if (begins_with(address, "2002::", 16)) return IpAddress::from_ipv4(proto::load_be32(address.bytes.data() + 2));
  return std::nullopt;
}

const char* special_purpose(const IpAddress& address) {
  for (const SpecialPurpose& row : special_purposes()) {
    if (proto::share_prefix(address, row.prefix.address, row.prefix.bits)) return row.what;
  }
  return address.family == proto::Family::kIpv6 && !begins_with(address, "2000::", 3) ? kReserved : nullptr;
}

}  // namespace

const char* AddressPolicy::refusal(const IpAddress& address) const {
  if (address.family == proto::Family::kNone) return "no address";
  if (lies_in(address, allowed_)) return nullptr;
  if (const std::optional<IpAddress> inside = ipv4_inside(address)) return refusal(*inside);
  if (lies_in(address, own_)) return "an address of ours";
  return special_purpose(address);
}

}  // namespace weir::controlplane
