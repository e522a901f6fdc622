// Message: a SIP request or response. RFC 3261 section 7.
//
// A message owns its text in one buffer; start line, headers and body are slices of it, kept as offsets, so a message
// copies and moves like any value. Headers keep their order and their text as written; the structured accessors parse
// on demand. Views that a message gives out live until it is next changed, moved or destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/cseq.h"
#include "sip/header.h"
#include "sip/limits.h"
#include "sip/method.h"
#include "sip/name_addr.h"
#include "sip/uri.h"
#include "sip/via.h"

namespace weir::sip {

/// One header line as the message holds it.
struct HeaderView {
  HeaderId id;
  std::string_view name;   ///< as written, or the canonical name
  std::string_view value;  ///< unfolded and trimmed
};

class Message {
 public:
  /// An empty request or response: a start line and no header. make_request and make_response below do more.
  static Message request(std::string_view method_name, std::string_view request_uri);
  static Message response(std::uint16_t status, std::string_view reason);

  [[nodiscard]] bool is_request() const { return status_ == 0; }
  [[nodiscard]] bool is_response() const { return status_ != 0; }

  // Requests; "" and kUnknown in responses.
  [[nodiscard]] Method method() const { return method_; }
  [[nodiscard]] std::string_view method_name() const { return is_request() ? text(start_first_) : ""; }
  [[nodiscard]] std::string_view request_uri_text() const { return is_request() ? text(start_second_) : ""; }
  [[nodiscard]] std::optional<Uri> request_uri() const { return parse_uri(request_uri_text()); }
  void set_request_uri(std::string_view uri);

  // Responses; 0 and "" in requests.
  [[nodiscard]] std::uint16_t status() const { return status_; }
  [[nodiscard]] std::string_view reason() const { return is_response() ? text(start_second_) : ""; }

  // Headers by position.
  [[nodiscard]] std::size_t header_count() const { return fields_.size(); }
  [[nodiscard]] HeaderView header_at(std::size_t index) const;

  // Headers by name. The text versions see one header line; lists may go on in the next line: use values().
  /// The first line's value; nullopt if there is none (a header may be there and empty).
  [[nodiscard]] std::optional<std::string_view> header(HeaderId id) const;
  /// For headers without an id; names compare without case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  [[nodiscard]] bool has(HeaderId id) const { return find(id) != kNone; }
  /// Every element of every line of that header, in order, split at its commas.
  [[nodiscard]] std::vector<std::string_view> values(HeaderId id) const;
  /// Whether a list of tokens (Supported, Require, Allow) holds `token`, without case.
  [[nodiscard]] bool lists(HeaderId id, std::string_view token) const;

  // Headers in parts. nullopt or empty if absent or malformed; parse_message has refused malformed ones already.
  [[nodiscard]] std::optional<Via> top_via() const;
  [[nodiscard]] std::vector<Via> vias() const;
  [[nodiscard]] std::optional<NameAddr> from() const { return name_addr(HeaderId::kFrom); }
  [[nodiscard]] std::optional<NameAddr> to() const { return name_addr(HeaderId::kTo); }
  [[nodiscard]] std::string_view from_tag() const { return tag_of(header(HeaderId::kFrom).value_or("")); }
  [[nodiscard]] std::string_view to_tag() const { return tag_of(header(HeaderId::kTo).value_or("")); }
  [[nodiscard]] std::string_view call_id() const { return header(HeaderId::kCallId).value_or(""); }
  [[nodiscard]] std::optional<CSeq> cseq() const;
  [[nodiscard]] std::optional<std::uint8_t> max_forwards() const;
  /// The first value of that header as a name-addr.
  [[nodiscard]] std::optional<NameAddr> name_addr(HeaderId id) const;
  /// Every value of that header (Contact, Route, Record-Route, Path) in order; `Contact: *` is none of them.
  [[nodiscard]] std::vector<NameAddr> name_addrs(HeaderId id) const;
  [[nodiscard]] std::optional<NameAddr> contact() const { return name_addr(HeaderId::kContact); }
  [[nodiscard]] bool contact_is_star() const { return header(HeaderId::kContact) == "*"; }
  /// A header that is one unsigned number (Expires, Min-Expires, RSeq), parameters and comments after it ignored.
  [[nodiscard]] std::optional<std::uint32_t> number(HeaderId id) const;

  // Changing headers. Values must hold no control characters but HTAB and quoted-pairs: others become spaces, CR and LF
  // always, so that no value can end its line.
  void add_header(HeaderId id, std::string_view value);
  void add_header(std::string_view name, std::string_view value);
  /// Before every other header: Via and Record-Route.
  void prepend_header(HeaderId id, std::string_view value);
  /// Replaces the first line's value and removes the other lines; appends if there is none.
  void set_header(HeaderId id, std::string_view value);
  void remove_header(HeaderId id);
  void remove_header(std::string_view name);
  /// Removes every header line of which `which(HeaderView)` is true.
  template <typename Which>
  void remove_headers_if(Which which) {
    std::erase_if(fields_, [this, &which](const Field& field) {
      return which(HeaderView{field.id, name_of(field), value_of(field)});
    });
  }
  /// Replaces the first Via value only, whether or not others follow it on its line.
  void set_top_via(const Via& via);
  /// Removes the first Via value only.
  void remove_top_via();

  /// Gives back the room for further headers: for a message that is kept.
  void shrink_to_fit();

  // Body. Content-Length needs no care: write() says the body's true length.
  [[nodiscard]] std::string_view body() const { return text(body_); }
  [[nodiscard]] std::string_view content_type() const { return header(HeaderId::kContentType).value_or(""); }
  /// The media type alone, "application/sdp", whatever parameters follow; compares without case.
  [[nodiscard]] bool content_is(std::string_view media_type) const;
  /// Sets body and Content-Type; an empty body removes Content-Type.
  void set_body(std::string_view body, std::string_view content_type);

 private:
  friend class MessageParser;

  struct Slice {
    std::uint32_t at = 0;
    std::uint32_t bytes = 0;
  };
  struct Field {
    std::uint32_t name_at = 0;
    std::uint32_t value_at = 0;
    std::uint32_t value_bytes = 0;
    std::uint16_t name_bytes = 0;  ///< 0: the canonical name of `id`
    HeaderId id = HeaderId::kUnknown;
  };
  static_assert(sizeof(Field) == 16);
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  [[nodiscard]] std::string_view text(Slice slice) const { return {buffer_.data() + slice.at, slice.bytes}; }
  [[nodiscard]] std::string_view name_of(const Field& field) const;
  [[nodiscard]] std::string_view value_of(const Field& field) const {
    return {buffer_.data() + field.value_at, field.value_bytes};
  }
  [[nodiscard]] std::size_t find(HeaderId id) const;
  Slice keep(std::string_view text);
  Slice keep_line(std::string_view text);
  Field make_field(HeaderId id, std::string_view name, std::string_view value);

  std::string buffer_;
  std::vector<Field> fields_;
  Slice start_first_;   ///< method; unused in responses
  Slice start_second_;  ///< request URI, or reason phrase
  Slice body_;
  std::uint16_t status_ = 0;  ///< 0: a request
  Method method_ = Method::kUnknown;
};

/// What section 8.1.1 wants of every request. Text values go in as they are.
struct RequestHead {
  Method method = Method::kInvite;
  std::string request_uri;
  Via via;
  NameAddr from;  ///< with its tag
  NameAddr to;    ///< with its tag inside a dialog
  std::string call_id;
  std::uint32_t cseq = 1;
  std::uint32_t max_forwards = kMaxForwardsInitial;
};

/// A request with its six mandatory headers, in the order Via, Max-Forwards, From, To, Call-ID, CSeq.
Message make_request(const RequestHead& head);

/// A response as section 8.2.6.2 wants it: every Via, From, To, Call-ID and CSeq of the request, copied as written.
/// `to_tag` is added to a To without tag, unless it is empty or `status` is 100 (then Timestamp is copied instead,
/// section 8.2.6.1). An empty `reason` becomes reason_phrase(status).
Message make_response(const Message& request, std::uint16_t status, std::string_view reason, std::string_view to_tag);

}  // namespace weir::sip
