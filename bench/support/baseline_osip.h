// libosip2's parser, doing what sip_bench measures of ours.
#pragma once

#include <memory>
#include <string>

struct osip_message;

namespace weir::bench {

/// The library's tables, set up once a process; call it before anything else here.
void start_osip();

struct OsipFree {
  void operator()(osip_message* message) const;
};
using OsipMessage = std::unique_ptr<osip_message, OsipFree>;

/// osip_message_parse; a message that it refuses is our own bug.
OsipMessage osip_parse(const std::string& text);

/// osip_message_to_str; how many bytes it gave.
std::size_t osip_write(osip_message& message);

/// A response as a B2BUA makes it: Vias, From, To with our tag, Call-ID, CSeq and Record-Route of the request, a
/// Contact.
OsipMessage osip_response(const osip_message& request, int status, const char* reason, const char* to_tag);

/// The INVITE a B2BUA sends on: a dialog of its own with the request's URIs and names, its body, our Via and Contact.
OsipMessage osip_request(const osip_message& request, const char* via, const char* call_id, const char* tag);

}  // namespace weir::bench
