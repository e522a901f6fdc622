#include "tests/support/topology.h"

#include <algorithm>

#include "sip/write.h"

namespace weir::tests {

using sip::HeaderId;
using sip::Message;

namespace {

/// A trace shorter than this would be found by chance.
constexpr std::size_t kTraceBytesMin = 4;

class Traces {
 public:
  void add(std::string_view trace) {
    const bool known = std::find(list_.begin(), list_.end(), trace) != list_.end();
    if (trace.size() >= kTraceBytesMin && !known) list_.emplace_back(trace);
  }
  void add_value(const sip::Parameters& parameters, std::string_view name) {
    add(parameters.value(name).value_or(std::string_view{}));
  }
  std::vector<std::string> take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

void add_vias(const Message& message, Traces& traces) {
  for (const sip::Via& via : message.vias()) {
    // What we wrote into requests, and got back in responses, is ours.
    if (message.is_response()) continue;
    traces.add(via.host);
    traces.add(via.branch());
    traces.add_value(via.parameters, "received");
  }
}

void add_addresses(const Message& message, Traces& traces) {
  for (const HeaderId id : {HeaderId::kContact, HeaderId::kRecordRoute}) {
    for (const sip::NameAddr& address : message.name_addrs(id)) traces.add(address.uri.host);
  }
  const bool is_request = message.is_request();
  traces.add(is_request ? message.from_tag() : message.to_tag());
  if (is_request && message.from()) traces.add(message.from()->uri.host);
  if (is_request) traces.add(message.call_id());
}

/// Lines of a session description by hand: what is to be found is text, whatever our own parser makes of it.
void add_description(std::string_view body, Traces& traces) {
  while (!body.empty()) {
    const std::string_view line = body.substr(0, body.find_first_of("\r\n"));
    const std::size_t next = body.find('\n');
    body.remove_prefix(next == std::string_view::npos ? body.size() : next + 1);
    const bool origin = line.rfind("o=", 0) == 0;
    if (!origin && line.rfind("c=", 0) != 0 && line.rfind("a=candidate:", 0) != 0 && line.rfind("a=rtcp:", 0) != 0) {
      continue;
    }
    std::size_t at = 2;
    while (at < line.size()) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      const std::string_view word = line.substr(at, end - at);
      if (origin || word.find('.') != std::string_view::npos || word.find("::") != std::string_view::npos) {
        traces.add(word);
      }
      at = end + 1;
    }
  }
}

}  // namespace

std::vector<std::string> traces_of(const Message& message) {
  Traces traces;
  add_vias(message, traces);
  add_addresses(message, traces);
  traces.add(message.header(HeaderId::kUserAgent).value_or(""));
  traces.add(message.header(HeaderId::kServer).value_or(""));
  add_description(message.body(), traces);
  return traces.take();
}

std::vector<std::string> leaks(const Message& from_party, const Message& shown) {
  const std::string text = sip::write(shown);
  std::vector<std::string> found = traces_of(from_party);
  std::erase_if(found, [&text](const std::string& trace) { return text.find(trace) == std::string::npos; });
  return found;
}

}  // namespace weir::tests
