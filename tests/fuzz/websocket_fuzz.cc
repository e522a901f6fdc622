// What a peer may send to a WebSocket listener, from the upgrade on: it comes to the same whatever its chunks, and
// nothing that is held or said is more than what has come allows. The first byte is the size of the chunks; the second
// says whether an upgrade was granted before.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/websocket.h"
#include "proto/assert.h"
#include "sip/limits.h"

namespace weir::controlplane {
namespace {

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct Outcome {
  std::vector<std::string> messages;
  std::string said;
  WebEventKind end = WebEventKind::kNone;
  bool operator==(const Outcome&) const = default;
};

Outcome run(std::string_view bytes, std::size_t chunk_bytes, bool upgraded) {
  static boost::asio::io_context work{1};
  static const proto::settings::RealmWebSocketSettings rules{.origins = {"https://a.example"}, .path = ""};
  WebSocket socket(work, rules);
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
        break;
      }
    }
    outcome.said += socket.take_output();
  }
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
  const Outcome whole = run(bytes, bytes.size(), upgraded);
  WEIR_ASSERT(run(bytes, data[0] + std::size_t{1}, upgraded) == whole);
  WEIR_ASSERT(whole.said.size() <= 2 * bytes.size() + 1024);  // a pong for a ping, one refusal or close frame
  return 0;
}
