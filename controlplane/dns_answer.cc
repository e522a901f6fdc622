#include "controlplane/dns_answer.h"

#include <algorithm>

#include "proto/bytes.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kNameBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::size_t kNaptrTextBytesMax = 32;
constexpr std::uint16_t kClassInternet = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kTypeSoa = 6;
constexpr std::uint8_t kNoSuchName = 3;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Reads from the front; once something was not there, everything is zero and ok() is false.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> message, std::size_t at, std::size_t end)
      : message_(message), at_(at), end_(std::min(end, message.size())) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t at() const { return at_; }

  std::uint16_t u16() { return take(2) ? proto::load_be16(&message_[at_ - 2]) : std::uint16_t{0}; }
  std::uint32_t u32() { return take(4) ? proto::load_be32(&message_[at_ - 4]) : 0; }
  std::span<const std::uint8_t> bytes(std::size_t count) {
    return take(count) ? message_.subspan(at_ - count, count) : std::span<const std::uint8_t>{};
  }
  void skip(std::size_t count) { (void)take(count); }

  /// A <character-string> (RFC 1035 section 3.3).
  std::string text() {
    const std::size_t length = take(1) ? message_[at_ - 1] : 0;
    const auto content = bytes(length);
    return {content.begin(), content.end()};
  }

  /// A name, lower case. Pointers only lead backwards, each further than the one before: they end (section 4.1.4).
  std::string name();

 private:
  bool take(std::size_t count) {
    if (!ok_ || end_ - at_ < count) ok_ = false;
    if (ok_) at_ += count;
    return ok_;
  }

  std::span<const std::uint8_t> message_;
  std::size_t at_;
  std::size_t end_;
  bool ok_ = true;
};

std::string Reader::name() {
  std::string name;
  std::size_t limit = at_;            // of the next pointer's target
  std::optional<std::size_t> resume;  // where the record goes on, once a pointer was followed
  std::size_t at = at_;
  for (;;) {
    const std::size_t end = resume ? message_.size() : end_;
    if (at >= end) break;
    const std::uint8_t length = message_[at];
    if (length >= 0xc0) {
      if (at + 1 >= end) break;
      const std::size_t target = (length & 0x3fu) << 8 | message_[at + 1];
      if (target >= limit) break;
      if (!resume) resume = at + 2;
      limit = at = target;
      continue;
    }
    if (length > kLabelBytesMax || at + 1 + length > end) break;
    if (length == 0) {
      at_ = resume.value_or(at + 1);
      return name;
    }
    if (!name.empty()) name += '.';
    for (std::size_t i = 0; i < length; ++i) name += lower(static_cast<char>(message_[at + 1 + i]));
    if (name.size() > kNameBytesMax) break;
    at += 1u + length;
  }
  ok_ = false;
  return {};
}

struct Record {
  std::string name;
  std::uint16_t type = 0;
  std::uint32_t ttl_s = 0;
  std::size_t at = 0;  ///< of its data, in the message
  std::size_t bytes = 0;
};

std::optional<Record> read_record(Reader& reader) {
  Record record;
  record.name = reader.name();
  record.type = reader.u16();
  const bool internet = reader.u16() == kClassInternet;
  record.ttl_s = reader.u32();
  record.bytes = reader.u16();
  record.at = reader.at();
  reader.skip(record.bytes);
  if (!reader.ok()) return std::nullopt;
  if (!internet) record.type = 0;
  if (record.ttl_s > INT32_MAX) record.ttl_s = 0;  // RFC 2181 section 8
  return record;
}

class AnswerReader {
 public:
  AnswerReader(std::span<const std::uint8_t> message, std::string_view name, DnsType type)
      : message_(message), name_(name), type_(type) {}

  DnsAnswer read();

 private:
  bool read_sections();
  void follow_aliases();
  bool take(const Record& record);
  void read_negative_ttl(const Record& soa);

  std::span<const std::uint8_t> message_;
  std::string name_;
  DnsType type_;
  std::vector<Record> records_;
  std::optional<std::uint32_t> negative_ttl_s_;
  DnsAnswer answer_;
};

DnsAnswer AnswerReader::read() {
  answer_.ttl_s = UINT32_MAX;
  if (!read_sections()) return {};
  follow_aliases();
  for (const Record& record : records_) {
    if (record.type == static_cast<std::uint16_t>(type_) && record.name == name_ && !take(record)) return {};
  }
  const bool found = !answer_.naptr.empty() || !answer_.srv.empty() || !answer_.addresses.empty();
  answer_.status = found ? DnsStatus::kFound : DnsStatus::kNothing;
  if (!found) answer_.ttl_s = negative_ttl_s_.value_or(0);
  return answer_;
}

bool AnswerReader::read_sections() {
  Reader reader(message_, 0, message_.size());
  reader.skip(2);
  const std::uint16_t flags = reader.u16();
  const std::uint16_t questions = reader.u16();
  const std::uint16_t answers = reader.u16();
  const std::uint16_t authorities = reader.u16();
  reader.skip(2);
  const bool response = (flags & 0x8000) != 0;
  const std::uint8_t code = flags & 0xf;
  if (!reader.ok() || !response || (code != 0 && code != kNoSuchName) || questions != 1) return false;
  if (reader.name() != name_ || reader.u16() != static_cast<std::uint16_t>(type_)) return false;
  reader.skip(2);
  for (unsigned i = 0; i < answers + unsigned{authorities}; ++i) {
    const std::optional<Record> record = read_record(reader);
    if (!record) return false;
    if (i >= answers && record->type == kTypeSoa) read_negative_ttl(*record);
    if (i < answers && records_.size() < kDnsRecordsMax + kDnsAliasesMax) records_.push_back(*record);
  }
  return true;
}

/// RFC 2308 section 5: the lesser of the SOA's own TTL and its last field.
void AnswerReader::read_negative_ttl(const Record& soa) {
  Reader reader(message_, soa.at, soa.at + soa.bytes);
  reader.name();
  reader.name();
  reader.skip(16);
  const std::uint32_t minimum = reader.u32();
  if (reader.ok()) negative_ttl_s_ = std::min(soa.ttl_s, minimum);
}

void AnswerReader::follow_aliases() {
  for (std::size_t i = 0; i < kDnsAliasesMax; ++i) {
    const auto alias = std::find_if(records_.begin(), records_.end(), [this](const Record& record) {
      return record.type == kTypeCname && record.name == name_;
    });
    if (alias == records_.end()) return;
    Reader reader(message_, alias->at, alias->at + alias->bytes);
    name_ = reader.name();
    answer_.ttl_s = std::min(answer_.ttl_s, alias->ttl_s);
  }
}

/// False: its data is malformed.
bool AnswerReader::take(const Record& record) {
  if (answer_.naptr.size() + answer_.srv.size() + answer_.addresses.size() >= kDnsRecordsMax) return true;
  Reader reader(message_, record.at, record.at + record.bytes);
  answer_.ttl_s = std::min(answer_.ttl_s, record.ttl_s);
  switch (type_) {
    case DnsType::kA:
    case DnsType::kAaaa: {
      proto::IpAddress address;
      const bool ipv4 = type_ == DnsType::kA;
      address.family = ipv4 ? proto::Family::kIpv4 : proto::Family::kIpv6;
      const auto bytes = reader.bytes(ipv4 ? 4 : 16);
      std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
      answer_.addresses.push_back(address);
      break;
    }
    case DnsType::kSrv: {
      SrvRecord srv;
      srv.priority = reader.u16();
      srv.weight = reader.u16();
      srv.port = reader.u16();
      srv.target = reader.name();
      answer_.srv.push_back(std::move(srv));
      break;
    }
    case DnsType::kNaptr: {
      NaptrRecord naptr;
      naptr.order = reader.u16();
      naptr.preference = reader.u16();
      naptr.flags = reader.text();
      naptr.service = reader.text();
      naptr.has_regexp = !reader.text().empty();
      naptr.replacement = reader.name();
      // No flags or service of SIP's are so long.
      if (naptr.flags.size() + naptr.service.size() <= kNaptrTextBytesMax) answer_.naptr.push_back(std::move(naptr));
      break;
    }
  }
  return reader.ok() && reader.at() == record.at + record.bytes;
}

}  // namespace

DnsAnswer read_dns_answer(std::span<const std::uint8_t> bytes, std::string_view name, DnsType type) {
  const std::optional<std::string> asked = dns_name(name);
  if (!asked) return {};
  return AnswerReader(bytes, *asked, type).read();
}

std::optional<std::string> dns_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kNameBytesMax) return std::nullopt;
  std::string name;
  std::size_t label = 0;
  for (const char written : text) {
    const char c = lower(written);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (c == '.' ? label == 0 : !plain || label == kLabelBytesMax) return std::nullopt;
    label = c == '.' ? 0 : label + 1;
    name += c;
  }
  if (label == 0) return std::nullopt;
  return name;
}

}  // namespace weir::controlplane
