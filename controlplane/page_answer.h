// What they get who ask for a file that is held in memory, a browser for a page of a WebSocket listener say: RFC 9110
// (methods, conditions, statuses), RFC 9112.
#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/page_files.h"

namespace weir::controlplane {

/// What is to be sent: the head, then the file's bytes, after which the connection is to be closed.
struct PageAnswer {
  std::string head;
  std::shared_ptr<const std::string> body;  ///< null: none
};

using PageRequest = boost::beast::http::request<boost::beast::http::empty_body>;
using PageResponse = boost::beast::http::response<boost::beast::http::empty_body>;

/// The file at a path, nullptr if there is none, and what is said of it beside its type, length and entity tag.
using FindFile = std::function<const PageFile*(std::string_view path)>;
using DescribeFile = std::function<void(const PageFile& file, PageResponse& response)>;

/// Answers a request that has no body. 200 with the file, of which HEAD gets the head alone; 304 to who has it already
/// (If-None-Match); 400 without one Host, 404 for another path, 405 for another method.
PageAnswer answer_file(const PageRequest& request, const FindFile& find, const DescribeFile& describe);

/// The status and nothing else.
PageAnswer refuse_page(boost::beast::http::status code);

/// As above, of a page.
///
/// The page may load scripts and styles from where it came, talk to there and to any wss:, and use the microphone; it
/// may not be framed (Content-Security-Policy, Permissions-Policy).
PageAnswer answer_page(const PageRequest& request, const PageFiles& page);

}  // namespace weir::controlplane
