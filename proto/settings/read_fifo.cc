#include "proto/settings/read_fifo.h"

namespace weir::proto::settings {
namespace {

void read_path(Table& table, std::string_view key, std::string& into) {
  if (!table.required_text(key, into) || into.front() == '/') return;
  table.mistake(key, "'" + into + "' is not an absolute path");
}

/// "0660": three or four octal digits, without the bits above them.
void read_mode(Table& table, std::uint32_t& into) {
  std::string text;
  if (!table.text("mode", text)) return;
  const bool octal = text.find_first_not_of("01234567") == std::string::npos;
  if (!octal || text.size() < 3 || text.size() > 4 || (text.size() == 4 && text.front() != '0')) {
    return table.mistake("mode", "'" + text + "' is no mode like \"0660\"");
  }
  into = static_cast<std::uint32_t>(std::stoul(text, nullptr, 8));
}

}  // namespace

void read_fifo(Table& control, FifoSettings& fifo) {
  control.one_table("fifo", [&](Table& table) {
    read_path(table, "request", fifo.request);
    read_path(table, "response", fifo.response);
    if (!fifo.request.empty() && fifo.request == fifo.response) table.mistake("response", "is the request pipe itself");
    read_mode(table, fifo.mode);
    table.text("owner", fifo.owner);
    table.text("group", fifo.group);
  });
}

}  // namespace weir::proto::settings
