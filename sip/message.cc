#include "sip/message.h"

#include <algorithm>

#include "sip/find_control.h"
#include "sip/scan.h"

namespace weir::sip {

namespace {

// What a message made from its parts comes to without its body.
constexpr std::size_t kUsualHeadBytes = 512;
constexpr std::size_t kUsualHeaders = 12;

}  // namespace

Message Message::request(std::string_view method_name, std::string_view request_uri) {
  Message message;
  message.buffer_.reserve(kUsualHeadBytes);
  message.fields_.reserve(kUsualHeaders);
  message.start_first_ = message.keep_line(method_name);
  message.start_second_ = message.keep_line(request_uri);
  message.method_ = method_by_name(method_name);
  return message;
}

Message Message::response(std::uint16_t status, std::string_view reason) {
  Message message;
  message.buffer_.reserve(kUsualHeadBytes);
  message.fields_.reserve(kUsualHeaders);
  message.status_ = status;
  message.start_second_ = message.keep_line(reason);
  return message;
}

void Message::set_request_uri(std::string_view uri) {
  start_second_ = keep_line(uri);
}

// Storage. Text that a change leaves behind stays in the buffer: messages are changed a few times and then written.

Message::Slice Message::keep(std::string_view text) {
  const Slice slice{static_cast<std::uint32_t>(buffer_.size()), static_cast<std::uint32_t>(text.size())};
  // append() copies before it frees when `text` lies in this buffer.
  buffer_.append(text.data(), text.size());
  return slice;
}

Message::Slice Message::keep_line(std::string_view text) {
  const Slice slice = keep(text);
  const auto next = [this](std::size_t from) { return find_control(buffer_, from); };
  for (std::size_t at = next(slice.at); at != std::string::npos; at = next(at + 1)) {
    const char c = buffer_[at];
    // Legal as the second half of a quoted-pair (section 25.1), and must come back as it came.
    const bool quoted = c != '\r' && c != '\n' && at > slice.at && buffer_[at - 1] == '\\';
    if (!quoted) buffer_[at] = ' ';
  }
  return slice;
}

Message::Field Message::make_field(HeaderId id, std::string_view name, std::string_view value) {
  Field field;
  field.id = id;
  // `name` and `value` may be views of this very buffer, which keeping the other one moves.
  const std::string own_name{id == HeaderId::kUnknown ? name : std::string_view{}};
  const Slice kept = keep_line(trimmed(value));
  field.value_at = kept.at;
  field.value_bytes = kept.bytes;
  if (id == HeaderId::kUnknown) {
    const Slice kept_name = keep_line(own_name);
    field.name_at = kept_name.at;
    field.name_bytes = static_cast<std::uint16_t>(kept_name.bytes);
  }
  return field;
}

std::string_view Message::name_of(const Field& field) const {
  if (field.name_bytes == 0) return to_string(field.id);
  return {buffer_.data() + field.name_at, field.name_bytes};
}

// Reading.

HeaderView Message::header_at(std::size_t index) const {
  const Field& field = fields_[index];
  return {field.id, name_of(field), value_of(field)};
}

std::size_t Message::find(HeaderId id) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].id == id) return i;
  }
  return kNone;
}

std::optional<std::string_view> Message::header(HeaderId id) const {
  const std::size_t index = find(id);
  if (index == kNone) return std::nullopt;
  return value_of(fields_[index]);
}

std::optional<std::string_view> Message::header(std::string_view name) const {
  if (const HeaderId id = header_by_name(name); id != HeaderId::kUnknown) return header(id);
  for (const Field& field : fields_) {
    if (field.id == HeaderId::kUnknown && equals_without_case(name_of(field), name)) return value_of(field);
  }
  return std::nullopt;
}

std::vector<std::string_view> Message::values(HeaderId id) const {
  std::vector<std::string_view> list;
  for (const Field& field : fields_) {
    if (field.id != id) continue;
    ListWalk walk(value_of(field));
    for (std::string_view element; walk.next(element);) list.push_back(element);
  }
  return list;
}

bool Message::lists(HeaderId id, std::string_view token) const {
  const std::vector<std::string_view> list = values(id);
  return std::any_of(list.begin(), list.end(),
                     [token](std::string_view value) { return equals_without_case(value, token); });
}

std::optional<Via> Message::top_via() const {
  const std::size_t index = find(HeaderId::kVia);
  if (index == kNone) return std::nullopt;
  ListWalk walk(value_of(fields_[index]));
  std::string_view element;
  if (!walk.next(element)) return std::nullopt;
  return parse_via(element);
}

std::vector<Via> Message::vias() const {
  std::vector<Via> list;
  for (const std::string_view value : values(HeaderId::kVia)) {
    if (std::optional<Via> via = parse_via(value)) list.push_back(*std::move(via));
  }
  return list;
}

std::optional<CSeq> Message::cseq() const {
  const std::optional<std::string_view> value = header(HeaderId::kCSeq);
  return value ? parse_cseq(*value) : std::nullopt;
}

std::optional<std::uint8_t> Message::max_forwards() const {
  const std::optional<std::uint32_t> value =
      parse_number<std::uint32_t>(header(HeaderId::kMaxForwards).value_or(""), 255);
  if (!value) return std::nullopt;
  return static_cast<std::uint8_t>(*value);
}

std::optional<NameAddr> Message::name_addr(HeaderId id) const {
  const std::optional<std::string_view> value = header(id);
  if (!value) return std::nullopt;
  // From and To are no lists: a comma in them is an error, not the end of a value.
  if (is_single(id)) return parse_name_addr(*value);
  ListWalk walk(*value);
  std::string_view element;
  if (!walk.next(element)) return std::nullopt;
  return parse_name_addr(element);
}

std::vector<NameAddr> Message::name_addrs(HeaderId id) const {
  std::vector<NameAddr> list;
  for (const std::string_view value : values(id)) {
    if (std::optional<NameAddr> name_addr = parse_name_addr(value)) list.push_back(*std::move(name_addr));
  }
  return list;
}

std::optional<std::uint32_t> Message::number(HeaderId id) const {
  const std::optional<std::string_view> value = header(id);
  if (!value) return std::nullopt;
  scan::Scanner scanner(*value);
  const std::string_view digits = scanner.run(scan::kDigit);
  scanner.space();
  if (!scanner.done() && !scanner.next_is(';') && !scanner.next_is('(')) return std::nullopt;
  return parse_number<std::uint32_t>(digits, 0xffff'ffff);
}

bool Message::content_is(std::string_view media_type) const {
  const std::string_view type = content_type();
  return equals_without_case(trimmed(type.substr(0, type.find(';'))), media_type);
}

// Changing.

void Message::shrink_to_fit() {
  buffer_.shrink_to_fit();
  fields_.shrink_to_fit();
}

void Message::add_header(HeaderId id, std::string_view value) {
  fields_.push_back(make_field(id, {}, value));
}

void Message::add_header(std::string_view name, std::string_view value) {
  fields_.push_back(make_field(header_by_name(name), name, value));
}

void Message::prepend_header(HeaderId id, std::string_view value) {
  fields_.insert(fields_.begin(), make_field(id, {}, value));
}

void Message::set_header(HeaderId id, std::string_view value) {
  const Field field = make_field(id, {}, value);
  const std::size_t index = find(id);
  if (index == kNone) {
    fields_.push_back(field);
    return;
  }
  fields_[index] = field;
  const auto after = fields_.begin() + static_cast<std::ptrdiff_t>(index) + 1;
  fields_.erase(std::remove_if(after, fields_.end(), [id](const Field& other) { return other.id == id; }),
                fields_.end());
}

void Message::remove_header(HeaderId id) {
  std::erase_if(fields_, [id](const Field& field) { return field.id == id; });
}

void Message::remove_header(std::string_view name) {
  if (const HeaderId id = header_by_name(name); id != HeaderId::kUnknown) return remove_header(id);
  std::erase_if(fields_, [this, name](const Field& field) {
    return field.id == HeaderId::kUnknown && equals_without_case(name_of(field), name);
  });
}

void Message::set_top_via(const Via& via) {
  remove_top_via();
  prepend_header(HeaderId::kVia, write(via));
}

void Message::remove_top_via() {
  const std::size_t index = find(HeaderId::kVia);
  if (index == kNone) return;
  Field& field = fields_[index];
  const std::string_view value = value_of(field);
  ListWalk walk(value);
  std::string_view first;
  std::string_view second;
  walk.next(first);
  if (!walk.next(second)) {
    fields_.erase(fields_.begin() + static_cast<std::ptrdiff_t>(index));
    return;
  }
  const auto skipped = static_cast<std::uint32_t>(second.data() - value.data());
  field.value_at += skipped;
  field.value_bytes -= skipped;
}

void Message::set_body(std::string_view body, std::string_view content_type) {
  // `content_type` may be a view of this very buffer, which keep() moves.
  const std::string own_type{content_type};
  body_ = keep(body);
  if (body_.bytes == 0) {
    remove_header(HeaderId::kContentType);
  } else {
    set_header(HeaderId::kContentType, own_type);
  }
}

}  // namespace weir::sip
