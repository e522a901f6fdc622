#include "bench/support/baseline_osip.h"

#include <osipparser2/osip_parser.h>

#include "proto/assert.h"

namespace weir::bench {

void start_osip() {
  WEIR_ASSERT(parser_init() == 0);
}

void OsipFree::operator()(osip_message* message) const {
  osip_message_free(message);
}

OsipMessage osip_parse(const std::string& text) {
  osip_message_t* message = nullptr;
  WEIR_ASSERT(osip_message_init(&message) == 0);
  OsipMessage owned(message);
  WEIR_ASSERT(osip_message_parse(message, text.data(), text.size()) == 0);
  return owned;
}

std::size_t osip_write(osip_message& message) {
  char* text = nullptr;
  std::size_t bytes = 0;
  WEIR_ASSERT(osip_message_to_str(&message, &text, &bytes) == 0);
  osip_free(text);
  return bytes;
}

OsipMessage osip_response(const osip_message& request, int status, const char* reason, const char* to_tag) {
  osip_message_t* response = nullptr;
  WEIR_ASSERT(osip_message_init(&response) == 0);
  OsipMessage owned(response);
  osip_message_set_version(response, osip_strdup("SIP/2.0"));
  osip_message_set_status_code(response, status);
  osip_message_set_reason_phrase(response, osip_strdup(reason));
  WEIR_ASSERT(
      osip_list_clone(&request.vias, &response->vias, reinterpret_cast<int (*)(void*, void**)>(&osip_via_clone)) == 0);
  WEIR_ASSERT(osip_list_clone(&request.record_routes, &response->record_routes,
                              reinterpret_cast<int (*)(void*, void**)>(&osip_record_route_clone)) == 0);
  WEIR_ASSERT(osip_from_clone(request.from, &response->from) == 0);
  WEIR_ASSERT(osip_to_clone(request.to, &response->to) == 0);
  WEIR_ASSERT(osip_to_set_tag(response->to, osip_strdup(to_tag)) == 0);
  WEIR_ASSERT(osip_call_id_clone(request.call_id, &response->call_id) == 0);
  WEIR_ASSERT(osip_cseq_clone(request.cseq, &response->cseq) == 0);
  WEIR_ASSERT(osip_message_set_contact(response, "<sip:198.18.0.1:5060>") == 0);
  return owned;
}

OsipMessage osip_request(const osip_message& request, const char* via, const char* call_id, const char* tag) {
  osip_message_t* made = nullptr;
  WEIR_ASSERT(osip_message_init(&made) == 0);
  OsipMessage owned(made);
  osip_message_set_version(made, osip_strdup("SIP/2.0"));
  osip_message_set_method(made, osip_strdup("INVITE"));
  WEIR_ASSERT(osip_uri_clone(request.req_uri, &made->req_uri) == 0);
  WEIR_ASSERT(osip_message_set_via(made, via) == 0);
  WEIR_ASSERT(osip_message_set_max_forwards(made, "70") == 0);
  WEIR_ASSERT(osip_from_init(&made->from) == 0 && osip_to_clone(request.to, &made->to) == 0);
  made->from->displayname = osip_strdup(request.from->displayname);
  WEIR_ASSERT(osip_uri_clone(request.from->url, &made->from->url) == 0);
  WEIR_ASSERT(osip_from_set_tag(made->from, osip_strdup(tag)) == 0);
  WEIR_ASSERT(osip_message_set_call_id(made, call_id) == 0);
  WEIR_ASSERT(osip_message_set_cseq(made, "1 INVITE") == 0);
  WEIR_ASSERT(osip_message_set_contact(made, "<sip:198.18.0.1:5060>") == 0);
  WEIR_ASSERT(osip_message_set_allow(made, "INVITE, ACK, BYE, CANCEL, OPTIONS") == 0);
  const auto* const body = static_cast<const osip_body_t*>(osip_list_get(&request.bodies, 0));
  WEIR_ASSERT(osip_message_set_content_type(made, "application/sdp") == 0);
  WEIR_ASSERT(osip_message_set_body(made, body->body, body->length) == 0);
  return owned;
}

}  // namespace weir::bench
