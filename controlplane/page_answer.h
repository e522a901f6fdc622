// What a browser gets that asks a WebSocket listener for a page: RFC 9110 (methods, conditions, statuses), RFC 9112.
#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <memory>
#include <string>

#include "controlplane/page_files.h"

namespace weir::controlplane {

/// What is to be sent: the head, then the file's bytes, after which the connection is to be closed.
struct PageAnswer {
  std::string head;
  std::shared_ptr<const std::string> body;  ///< null: none
};

/// Answers a request that is no upgrade and has no body. 200 with the file, of which HEAD gets the head alone; 304 to
/// who has it already (If-None-Match); 400 without one Host, 404 for another path, 405 for another method.
///
/// The page may load scripts and styles from where it came, talk to there and to any wss:, and use the microphone; it
/// may not be framed (Content-Security-Policy, Permissions-Policy).
PageAnswer answer_page(const boost::beast::http::request<boost::beast::http::empty_body>& request,
                       const PageFiles& page);

}  // namespace weir::controlplane
