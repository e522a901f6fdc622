#include "sip/header.h"

#include <array>

#include "sip/scan.h"

namespace weir::sip {
namespace {

struct Row {
  HeaderId id;
  std::string_view name;
  char compact = '\0';  ///< lower case; NUL if there is none
  bool single = false;
};

// In the order of HeaderId.
constexpr std::array<Row, kHeaderIdCount> kRows{{
    {HeaderId::kUnknown, ""},
    {HeaderId::kAccept, "Accept"},
    {HeaderId::kAcceptContact, "Accept-Contact", 'a'},
    {HeaderId::kAcceptEncoding, "Accept-Encoding"},
    {HeaderId::kAcceptLanguage, "Accept-Language"},
    {HeaderId::kAlertInfo, "Alert-Info"},
    {HeaderId::kAllow, "Allow"},
    {HeaderId::kAllowEvents, "Allow-Events", 'u'},
    {HeaderId::kAuthenticationInfo, "Authentication-Info"},
    {HeaderId::kAuthorization, "Authorization"},
    {HeaderId::kCallId, "Call-ID", 'i', true},
    {HeaderId::kCallInfo, "Call-Info"},
    {HeaderId::kContact, "Contact", 'm'},
    {HeaderId::kContentDisposition, "Content-Disposition", '\0', true},
    {HeaderId::kContentEncoding, "Content-Encoding", 'e'},
    {HeaderId::kContentLanguage, "Content-Language"},
    {HeaderId::kContentLength, "Content-Length", 'l', true},
    {HeaderId::kContentType, "Content-Type", 'c', true},
    {HeaderId::kCSeq, "CSeq", '\0', true},
    {HeaderId::kDate, "Date", '\0', true},
    {HeaderId::kDiversion, "Diversion"},
    {HeaderId::kErrorInfo, "Error-Info"},
    {HeaderId::kEvent, "Event", 'o', true},
    {HeaderId::kExpires, "Expires", '\0', true},
    {HeaderId::kFrom, "From", 'f', true},
    {HeaderId::kHistoryInfo, "History-Info"},
    {HeaderId::kIdentity, "Identity", 'y'},
    {HeaderId::kIdentityInfo, "Identity-Info", 'n', true},
    {HeaderId::kInfoPackage, "Info-Package", '\0', true},
    {HeaderId::kInReplyTo, "In-Reply-To"},
    {HeaderId::kJoin, "Join", '\0', true},
    {HeaderId::kMaxForwards, "Max-Forwards", '\0', true},
    {HeaderId::kMimeVersion, "MIME-Version", '\0', true},
    {HeaderId::kMinExpires, "Min-Expires", '\0', true},
    {HeaderId::kMinSe, "Min-SE", '\0', true},
    {HeaderId::kOrganization, "Organization", '\0', true},
    {HeaderId::kPAccessNetworkInfo, "P-Access-Network-Info"},
    {HeaderId::kPAssertedIdentity, "P-Asserted-Identity"},
    {HeaderId::kPath, "Path"},
    {HeaderId::kPChargingVector, "P-Charging-Vector"},
    {HeaderId::kPPreferredIdentity, "P-Preferred-Identity"},
    {HeaderId::kPriority, "Priority", '\0', true},
    {HeaderId::kPrivacy, "Privacy"},
    {HeaderId::kProxyAuthenticate, "Proxy-Authenticate"},
    {HeaderId::kProxyAuthorization, "Proxy-Authorization"},
    {HeaderId::kProxyRequire, "Proxy-Require"},
    {HeaderId::kRAck, "RAck", '\0', true},
    {HeaderId::kReason, "Reason"},
    {HeaderId::kRecordRoute, "Record-Route"},
    {HeaderId::kRecvInfo, "Recv-Info"},
    {HeaderId::kReferredBy, "Referred-By", 'b', true},
    {HeaderId::kReferSub, "Refer-Sub", '\0', true},
    {HeaderId::kReferTo, "Refer-To", 'r', true},
    {HeaderId::kRejectContact, "Reject-Contact", 'j'},
    {HeaderId::kRemotePartyId, "Remote-Party-ID"},
    {HeaderId::kReplaces, "Replaces", '\0', true},
    {HeaderId::kReplyTo, "Reply-To", '\0', true},
    {HeaderId::kRequestDisposition, "Request-Disposition", 'd'},
    {HeaderId::kRequire, "Require"},
    {HeaderId::kRetryAfter, "Retry-After", '\0', true},
    {HeaderId::kRoute, "Route"},
    {HeaderId::kRSeq, "RSeq", '\0', true},
    {HeaderId::kServer, "Server", '\0', true},
    {HeaderId::kServiceRoute, "Service-Route"},
    {HeaderId::kSessionExpires, "Session-Expires", 'x', true},
    {HeaderId::kSipEtag, "SIP-ETag", '\0', true},
    {HeaderId::kSipIfMatch, "SIP-If-Match", '\0', true},
    {HeaderId::kSubject, "Subject", 's', true},
    {HeaderId::kSubscriptionState, "Subscription-State", '\0', true},
    {HeaderId::kSupported, "Supported", 'k'},
    {HeaderId::kTargetDialog, "Target-Dialog", '\0', true},
    {HeaderId::kTimestamp, "Timestamp", '\0', true},
    {HeaderId::kTo, "To", 't', true},
    {HeaderId::kUnsupported, "Unsupported"},
    {HeaderId::kUserAgent, "User-Agent", '\0', true},
    {HeaderId::kVia, "Via", 'v'},
    {HeaderId::kWarning, "Warning"},
    {HeaderId::kWwwAuthenticate, "WWW-Authenticate"},
}};

consteval bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].id) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order() && static_cast<std::size_t>(HeaderId::kWwwAuthenticate) + 1 == kHeaderIdCount);

/// Compact forms by letter.
consteval std::array<HeaderId, 26> compact_table() {
  std::array<HeaderId, 26> table{};
  for (const Row& row : kRows) {
    if (row.compact != '\0') table[static_cast<std::size_t>(row.compact - 'a')] = row.id;
  }
  return table;
}
constexpr std::array<HeaderId, 26> kCompact = compact_table();

/// A hash table of the long names, filled by the compiler: open addressing, a quarter full, so that most look-ups touch
/// one slot.
constexpr std::size_t kSlots = 256;

constexpr std::size_t slot_of(std::string_view name) {
  // Length, both ends and the middle tell the known names apart almost always; the comparison settles the rest.
  const auto fold = [name](std::size_t i) { return static_cast<std::size_t>(lowered(name[i])); };
  return (name.size() * 37 + fold(0) * 5 + fold(name.size() - 1) * 11 + fold(name.size() / 2) * 3) % kSlots;
}

consteval std::array<HeaderId, kSlots> hash_table() {
  std::array<HeaderId, kSlots> table{};
  for (std::size_t i = 1; i < kRows.size(); ++i) {
    std::size_t slot = slot_of(kRows[i].name);
    while (table[slot] != HeaderId::kUnknown) slot = (slot + 1) % kSlots;
    table[slot] = kRows[i].id;
  }
  return table;
}
constexpr std::array<HeaderId, kSlots> kHash = hash_table();

/// The end of the element at the start of `text`: its first comma outside quotes and angle brackets.
std::size_t element_end(std::string_view text) {
  // Most values are no list.
  if (text.find(',') == std::string_view::npos) return text.size();
  bool quoted = false;
  bool bracketed = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"' && !bracketed) {
      // Inside angle brackets a quote is just a byte of a broken URI: it must not hide the closing bracket.
      quoted = true;
    } else if (c == '<') {
      bracketed = true;
    } else if (c == '>') {
      bracketed = false;
    } else if (c == ',' && !bracketed) {
      return i;
    }
  }
  return text.size();
}

}  // namespace

HeaderId header_by_name(std::string_view name) {
  if (name.empty()) return HeaderId::kUnknown;
  if (name.size() == 1) {
    const char letter = lowered(name[0]);
    return letter >= 'a' && letter <= 'z' ? kCompact[static_cast<std::size_t>(letter - 'a')] : HeaderId::kUnknown;
  }
  for (std::size_t slot = slot_of(name); kHash[slot] != HeaderId::kUnknown; slot = (slot + 1) % kSlots) {
    if (equals_without_case(to_string(kHash[slot]), name)) return kHash[slot];
  }
  return HeaderId::kUnknown;
}

std::string_view to_string(HeaderId id) {
  return kRows[static_cast<std::size_t>(id)].name;
}

bool is_single(HeaderId id) {
  return kRows[static_cast<std::size_t>(id)].single;
}

bool ListWalk::next(std::string_view& element) {
  while (!rest_.empty()) {
    const std::size_t end = element_end(rest_);
    element = trimmed(rest_.substr(0, end));
    rest_.remove_prefix(end < rest_.size() ? end + 1 : end);
    if (!element.empty()) return true;
  }
  return false;
}

std::vector<std::string_view> split_list(std::string_view value) {
  std::vector<std::string_view> elements;
  ListWalk walk(value);
  for (std::string_view element; walk.next(element);) elements.push_back(element);
  return elements;
}

}  // namespace weir::sip
