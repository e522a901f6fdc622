#include "controlplane/page_answer.h"

#include <algorithm>
#include <boost/beast/http/write.hpp>
#include <sstream>
#include <string_view>

#include "controlplane/leg.h"

namespace weir::controlplane {

namespace beast = boost::beast;
namespace http = beast::http;
using http::field;
using http::status;
using Request = http::request<http::empty_body>;
using Response = http::response<http::empty_body>;

namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self' "
    "wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

beast::string_view text_of(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

Response respond(status code) {
  Response response(code, 11);
  response.set(field::server, text_of(kSoftware));
  response.set(field::connection, "close");
  response.set("X-Content-Type-Options", "nosniff");
  return response;
}

PageAnswer write(const Response& response, std::shared_ptr<const std::string> body = nullptr) {
  std::ostringstream head;
  head << response;
  return {head.str(), std::move(body)};
}

PageAnswer refuse(status code) {
  Response response = respond(code);
  if (code == status::method_not_allowed) response.set(field::allow, "GET, HEAD");
  response.content_length(0);
  return write(response);
}

/// RFC 9110 section 13.1.2. Between entity tags stand no quotes, so that ours with its own is found nowhere else.
bool has_it_already(const Request& request, const PageFile& file) {
  const auto [first, last] = request.equal_range(field::if_none_match);
  return std::any_of(first, last, [&](const auto& line) {
    return line.value() == "*" || view(line.value()).find(file.etag) != std::string_view::npos;
  });
}

/// What both 200 and 304 say (RFC 9110 section 15.4.5).
void describe(Response& response, const PageFile& file) {
  response.set(field::etag, text_of(file.etag));
  response.set(field::cache_control, "no-cache");  // kept, but asked for again: a reload may have changed it
}

void protect(Response& response) {
  response.set("Content-Security-Policy", text_of(kPolicy));
  response.set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace

PageAnswer answer_page(const Request& request, const PageFiles& page) {
  const bool head_alone = request.method() == http::verb::head;
  if (request.method() != http::verb::get && !head_alone) return refuse(status::method_not_allowed);
  // RFC 9112 section 3.2: HTTP/1.1 has one Host, older ones may.
  const std::size_t hosts = request.count(field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) return refuse(status::bad_request);
  const std::string_view target = view(request.target());
  const PageFile* file = page.find(target.substr(0, target.find('?')));
  if (file == nullptr) return refuse(status::not_found);
  Response response = respond(has_it_already(request, *file) ? status::not_modified : status::ok);
  describe(response, *file);
  if (response.result() == status::not_modified) return write(response);
  response.set(field::content_type, text_of(file->content_type));
  response.content_length(file->bytes->size());
  protect(response);
  return write(response, head_alone ? nullptr : file->bytes);
}

}  // namespace weir::controlplane
