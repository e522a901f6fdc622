// The log: one event is one line, whatever bytes are in it. A line is
//   TIME LEVEL EVENT name=value name="value with spaces" ...
// EVENT is one of a small set of words (sip, dtls, media, call, realm, start, stop, ...): people read it, deploy/demo
// draws its ladder from it. Never a key, a password or a whole message.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "proto/result.h"

namespace weir::controlplane {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

/// One name=value of a line. The value may hold any bytes; it is a view of the caller's, and nothing is made of it if
/// the line is not written.
struct LogField {
  LogField(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  LogField(std::string_view field_name, const char* text) : name(field_name), value(std::string_view(text)) {}
  LogField(std::string_view field_name, const std::string& text) : name(field_name), value(std::string_view(text)) {}
  LogField(std::string_view field_name, std::uint64_t number) : name(field_name), value(number) {}
  LogField(std::string_view field_name, std::uint32_t number) : name(field_name), value(std::uint64_t{number}) {}
  LogField(std::string_view field_name, int number) : name(field_name), value(number) {}

  std::string_view name;
  std::variant<std::string_view, std::uint64_t, int> value;
};
using LogFields = std::initializer_list<LogField>;

/// The longest value in a line, in bytes; longer ones end in "...".
inline constexpr std::size_t kLogValueBytesMax = 512;

/// Sets the level by its name ("debug", "info", "warning", "error") and the format, and logs to standard error.
/// Errors: no such level.
proto::Status start_log(std::string_view level);

/// Another level for start_log's log, which start_log has taken before; safe on any thread.
void set_log_level(std::string_view level);

/// Whether a line of this level is written: ask before what makes one costs much.
bool log_enabled(LogLevel level);

void log_event(LogLevel level, std::string_view event, LogFields fields);

/// The line after TIME and LEVEL: for tests, and for other writers of the same form.
std::string log_line(std::string_view event, LogFields fields);

}  // namespace weir::controlplane
