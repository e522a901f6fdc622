// Any line on the management socket gets one line of JSON back, or nothing, whatever the handler says to it.
#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/json_rpc.h"
#include "proto/assert.h"

namespace {

void check(const boost::json::value& answer) {
  const boost::json::object* const object = answer.if_object();
  WEIR_ASSERT(object != nullptr && object->size() == 3 && object->contains("id"));
  WEIR_ASSERT(object->contains("result") != object->contains("error"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  std::vector<controlplane::RpcReply> later;
  const auto handler = [&](std::string_view method, std::string_view argument, controlplane::RpcReply reply) {
    if (method.size() % 3 == 0) return later.push_back(std::move(reply));
    if (method.size() % 2 == 0) return reply(proto::Error{std::string(argument)});
    reply(boost::json::value(boost::json::string(argument)));
  };
  int answers = 0;
  controlplane::RpcAnswer answer;
  controlplane::answer_json_rpc({reinterpret_cast<const char*>(data), size}, handler,
                                [&](controlplane::RpcAnswer given) {
                                  ++answers;
                                  answer = std::move(given);
                                });
  WEIR_ASSERT(answers == (later.empty() ? 1 : 0));
  for (const controlplane::RpcReply& reply : later) reply(boost::json::value());
  WEIR_ASSERT(answers == 1);
  if (!answer) return 0;
  WEIR_ASSERT(answer->find('\n') == std::string::npos);
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(*answer, error);
  WEIR_ASSERT(!error);
  if (!value.is_array()) return check(value), 0;
  WEIR_ASSERT(!value.get_array().empty() && value.get_array().size() <= controlplane::kRpcBatchMax);
  for (const boost::json::value& one : value.get_array()) check(one);
  return 0;
}
