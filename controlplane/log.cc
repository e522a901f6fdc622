#include "controlplane/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace weir::controlplane {
namespace {

constexpr std::array<std::pair<std::string_view, spdlog::level::level_enum>, 4> kLevels{{
    {"debug", spdlog::level::debug},
    {"info", spdlog::level::info},
    {"warning", spdlog::level::warn},
    {"error", spdlog::level::err},
}};

/// Printable ASCII that needs no quotes.
bool plain(char c) {
  return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

void append_quoted(std::string& out, std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string text_of(const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) return std::string(*text);
  if (const auto* number = std::get_if<std::uint64_t>(&field.value)) return std::to_string(*number);
  return std::to_string(std::get<int>(field.value));
}

}  // namespace

std::string log_line(std::string_view event, LogFields fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    std::string value = text_of(field);
    if (value.size() > kLogValueBytesMax) value = value.substr(0, kLogValueBytesMax - 3) + "...";
    if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) {
      line += value;
    } else {
      append_quoted(line, value);
    }
  }
  return line;
}

proto::Status start_log(std::string_view level) {
  for (const auto& [name, value] : kLevels) {
    if (name != level) continue;
    auto logger = std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    logger->set_level(value);
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
    return proto::success();
  }
  return proto::Error{"'" + std::string(level) + "' is no log level: debug, info, warning or error"};
}

void set_log_level(std::string_view level) {
  for (const auto& [name, value] : kLevels) {
    if (name == level) spdlog::default_logger_raw()->set_level(value);
  }
}

bool log_enabled(LogLevel level) {
  return spdlog::should_log(kLevels[static_cast<std::size_t>(level)].second);
}

void log_event(LogLevel level, std::string_view event, LogFields fields) {
  const spdlog::level::level_enum at = kLevels[static_cast<std::size_t>(level)].second;
  if (spdlog::should_log(at)) spdlog::log(at, "{}", log_line(event, fields));
}

}  // namespace weir::controlplane
