// What a peer may send to a WebSocket listener, from the upgrade on: it comes to the same whatever its chunks, and
// nothing that is held or said is more than what has come allows. The first byte is the size of the chunks; the second
// says whether an upgrade was granted before, or whether there is a page, whose files are all that can be had.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/page_files.h"
#include "controlplane/websocket.h"
#include "proto/assert.h"
#include "sip/limits.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct Outcome {
  std::vector<std::string> messages;
  std::string said;
  std::shared_ptr<const std::string> page;
  WebEventKind end = WebEventKind::kNone;
  bool operator==(const Outcome&) const = default;
};

/// Of two files; one that is no part of it lies beside them.
std::shared_ptr<const PageFiles> make_page() {
  const tests::TemporaryDirectory directory;
  for (const char* name : {"index.html", "a.js", "secret"}) std::ofstream(directory.path() + "/" + name) << name;
  return PageFiles::load(directory.path()).value();
}

Outcome run(std::string_view bytes, std::size_t chunk_bytes, bool upgraded, bool with_page) {
  static const std::shared_ptr<const PageFiles> page = make_page();
  static boost::asio::io_context work{1};
  static const proto::settings::RealmWebSocketSettings rules{.origins = {"https://a.example"}, .path = ""};
  WebSocket socket(work, rules, with_page ? page : nullptr);
  Outcome outcome;
  if (upgraded) {
    socket.feed(kUpgrade);
    WEIR_ASSERT(socket.next().kind == WebEventKind::kOpen);
    (void)socket.take_output();
  }
  while (!bytes.empty() && outcome.end == WebEventKind::kNone) {
    socket.feed(bytes.substr(0, chunk_bytes));
    bytes.remove_prefix(std::min(bytes.size(), chunk_bytes));
    for (;;) {
      const WebEvent event = socket.next();
      if (event.kind == WebEventKind::kNone) break;
      if (event.kind == WebEventKind::kMessage) {
        WEIR_ASSERT(event.text.size() <= sip::kMessageBytesMax);
        outcome.messages.emplace_back(event.text);
      } else if (event.kind != WebEventKind::kOpen) {
        outcome.end = event.kind;
        outcome.page = event.page;
        break;
      }
    }
    outcome.said += socket.take_output();
  }
  WEIR_ASSERT(with_page || outcome.end != WebEventKind::kPage);
  WEIR_ASSERT(outcome.page == nullptr || (outcome.end == WebEventKind::kPage && *outcome.page != "secret"));
  WEIR_ASSERT(outcome.end == WebEventKind::kNone || !socket.send("x"));
  return outcome;
}

}  // namespace
}  // namespace weir::controlplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::controlplane;
  if (size < 2) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
  const bool upgraded = (data[1] & 1) != 0;
  const bool with_page = (data[1] & 2) != 0;
  const Outcome whole = run(bytes, bytes.size(), upgraded, with_page);
  WEIR_ASSERT(run(bytes, data[0] + std::size_t{1}, upgraded, with_page) == whole);
  WEIR_ASSERT(whole.said.size() <= 2 * bytes.size() + 1024);  // a pong for a ping, one refusal or close frame
  return 0;
}
