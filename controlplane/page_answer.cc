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

PageResponse respond(status code) {
  PageResponse response(code, 11);
  response.set(field::server, text_of(kSoftware));
  response.set(field::connection, "close");
  response.set("X-Content-Type-Options", "nosniff");
  return response;
}

PageAnswer write(const PageResponse& response, std::shared_ptr<const std::string> body = nullptr) {
  std::ostringstream head;
  head << response;
  return {head.str(), std::move(body)};
}

/// RFC 9110 section 13.1.2. Between entity tags stand no quotes, so that ours with its own is found nowhere else.
bool has_it_already(const PageRequest& request, const PageFile& file) {
  const auto [first, last] = request.equal_range(field::if_none_match);
  return std::any_of(first, last, [&](const auto& line) {
    return line.value() == "*" || view(line.value()).find(file.etag) != std::string_view::npos;
  });
}

void protect(PageResponse& response) {
  response.set("Content-Security-Policy", text_of(kPolicy));
  response.set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace

PageAnswer refuse_page(status code) {
  PageResponse response = respond(code);
  if (code == status::method_not_allowed) response.set(field::allow, "GET, HEAD");
  response.content_length(0);
  return write(response);
}

PageAnswer answer_file(const PageRequest& request, const FindFile& find, const DescribeFile& describe) {
  const bool head_alone = request.method() == http::verb::head;
  if (request.method() != http::verb::get && !head_alone) return refuse_page(status::method_not_allowed);
  // RFC 9112 section 3.2: HTTP/1.1 has one Host, older ones may.
  const std::size_t hosts = request.count(field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) return refuse_page(status::bad_request);
  const std::string_view target = view(request.target());
  const PageFile* file = find(target.substr(0, target.find('?')));
  if (file == nullptr) return refuse_page(status::not_found);
  PageResponse response = respond(has_it_already(request, *file) ? status::not_modified : status::ok);
  response.set(field::etag, text_of(file->etag));
  describe(*file, response);
  if (response.result() == status::not_modified) return write(response);
  response.set(field::content_type, text_of(file->content_type));
  response.content_length(file->bytes->size());
  return write(response, head_alone ? nullptr : file->bytes);
}

PageAnswer answer_page(const PageRequest& request, const PageFiles& page) {
  return answer_file(
      request, [&](std::string_view path) { return page.find(path); },
      [](const PageFile&, PageResponse& response) {
        // Kept, but asked for again: a reload may have changed it. Both 200 and 304 say so (RFC 9110 section 15.4.5).
        response.set(field::cache_control, "no-cache");
        if (response.result() == status::ok) protect(response);
      });
}

}  // namespace weir::controlplane
