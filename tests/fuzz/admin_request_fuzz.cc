// Any line on the management socket gets one line of JSON back, whatever the handler says to it.
#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/admin_server.h"
#include "proto/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const auto handler = [](std::string_view command, std::string_view argument) {
    if (command.size() % 2 == 0) return proto::Result<boost::json::value>(proto::Error{std::string(argument)});
    return proto::Result<boost::json::value>(boost::json::value(boost::json::string(argument)));
  };
  const std::string answer = controlplane::answer_admin_request({reinterpret_cast<const char*>(data), size}, handler);
  WEIR_ASSERT(answer.find('\n') == std::string::npos);
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(answer, error);
  WEIR_ASSERT(!error && value.is_object() && value.get_object().contains("ok"));
  return 0;
}
