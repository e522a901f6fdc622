// weirctl: asks a running weir-control, over its management socket, and prints the answer as a table or as JSON.
#include <CLI/CLI.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <string>

#include "controlplane/json_table.h"
#include "proto/result.h"

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using weir::proto::Error;
using weir::proto::Result;

/// An answer larger than this is not weir-control's: a million flows at 1 KiB each.
constexpr std::size_t kAnswerBytesMax = 1u << 30;

struct Options {
  std::string socket = "/run/weir/control.sock";
  bool json = false;
  std::string command;
  std::string argument;
};

Result<std::string> exchange(const Options& options) {
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  boost::system::error_code error;
  socket.connect(asio::local::stream_protocol::endpoint(options.socket), error);
  if (error) {
    return Error{"cannot reach weir-control at " + options.socket + ": " + error.message() +
                 " (is it running, and may you use its socket?)"};
  }
  json::object request{{"jsonrpc", "2.0"}, {"method", options.command}, {"id", 1}};
  if (!options.argument.empty()) request["params"] = json::array{options.argument};
  asio::write(socket, asio::buffer(json::serialize(request) + "\n"), error);
  std::string answer;
  if (!error) asio::read_until(socket, asio::dynamic_buffer(answer, kAnswerBytesMax), '\n', error);
  if (error) return Error{"weir-control did not answer: " + error.message()};
  return answer;
}

Result<json::value> ask(const Options& options) {
  const Result<std::string> answer = exchange(options);
  if (!answer) return Error{answer.error()};
  boost::system::error_code error;
  const json::value parsed = json::parse(*answer, error);
  const json::object* object = error ? nullptr : parsed.if_object();
  const json::value* result = object == nullptr ? nullptr : object->if_contains("result");
  if (result != nullptr) return json::value(*result);
  const json::value* failure = object == nullptr ? nullptr : object->if_contains("error");
  const json::value* reason =
      failure == nullptr || !failure->is_object() ? nullptr : failure->get_object().if_contains("message");
  if (reason == nullptr || !reason->is_string()) return Error{"weir-control's answer makes no sense"};
  return Error{std::string(reason->get_string())};
}

void add_commands(CLI::App& app, Options& options) {
  struct Row {
    const char* name;
    const char* meaning;
  };
  const Row rows[] = {
      {"status", "both processes, realms, calls and flows in a few lines"},
      {"calls", "the calls in progress, a line each"},
      {"dialogs", "every dialog, early and confirmed, of both legs of every call, with its media security"},
      {"trunks", "the targets of every trunk: state, checks, calls"},
      {"registrations", "who is registered where, a line for each contact"},
      {"flows", "every flow in the data plane: addresses, profiles, packets; with --json its streams: loss, jitter"},
      {"counters", "what each worker did with its packets, and every drop reason"},
      {"reload",
       "reads the configuration and the files it names anew; calls go on; all of it takes effect, or nothing"},
  };
  for (const Row& row : rows) {
    app.add_subcommand(row.name, row.meaning)->callback([&options, name = row.name] { options.command = name; });
  }
  CLI::App* call = app.add_subcommand(
      "call", "one call: both legs, their security and media, and how its streams arrive: loss, jitter, MOS estimate");
  call->add_option("ID", options.argument, "the call's number, as `weirctl calls` shows it")->required();
  call->callback([&options] { options.command = "call"; });
  CLI::App* end = app.add_subcommand("end", "ends one call: BYE, or CANCEL, to both parties");
  end->add_option("ID", options.argument, "the call's number, as `weirctl calls` shows it")->required();
  end->callback([&options] { options.command = "end"; });
  CLI::App* drain =
      app.add_subcommand("drain", "takes no new call (503) while those there are go on; `drain off` again");
  drain->add_option("on|off", options.argument, "off: new calls are taken again")->check(CLI::IsMember({"on", "off"}));
  drain->callback([&options] { options.command = "drain"; });
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Asks a running weir-control what it is doing.", "weirctl");
  app.add_option("--socket", options.socket, "weir-control's management socket ([control] socket)")
      ->capture_default_str();
  app.add_flag("--json", options.json, "print the answer as JSON");
  app.require_subcommand(1);
  app.fallthrough();
  add_commands(app, options);
  CLI11_PARSE(app, argc, argv);

  const Result<json::value> result = ask(options);
  if (!result) {
    std::fprintf(stderr, "weirctl: %s\n", result.error().c_str());
    return 1;
  }
  const std::string text = options.json ? json::serialize(*result) + "\n" : weir::controlplane::json_table(*result);
  std::fputs(text.c_str(), stdout);
  return 0;
}
