// weir-bench: plays calls through a media relay on kernel interfaces, SRTP on side A and plain RTP on side B, and
// measures what comes out. Made for Weir; any other relay that takes SDES keys can be put in its place.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "bench/generator/load.h"
#include "bench/generator/streams.h"

namespace weir::bench {
namespace {

struct Options {
  std::string suite = "AES_CM_128_HMAC_SHA1_80";
  std::uint32_t calls = 500;
  std::string region;
  std::string ports;
  LoadOptions load{};
};

Calls calls_of(const Options& options) {
  for (const proto::SrtpProfileInfo& info : proto::kSrtpProfiles) {
    if (info.name == options.suite) return {.profile = info.profile, .count = options.calls};
  }
  std::fprintf(stderr, "no such suite: %s\n", options.suite.c_str());
  std::exit(2);
}

void print_keys(const Options& options) {
  const Calls calls = calls_of(options);
  const Workload from_a = calls.from_a();
  for (const Stream& stream : from_a.streams()) std::puts(sdes_key(calls.profile, stream).c_str());
}

/// The file has a line for each call: the relay's port towards A, and that towards B.
void read_ports(Options& options) {
  std::ifstream file(options.ports);
  for (std::uint32_t call = 0; call < options.calls; ++call) {
    std::uint16_t a = static_cast<std::uint16_t>(kFirstCallPort + 2 * call);
    std::uint16_t b = a;
    if (!options.ports.empty() && !(file >> a >> b)) {
      std::fprintf(stderr, "%s has no ports for call %u\n", options.ports.c_str(), call);
      std::exit(2);
    }
    options.load.a.relay_ports.push_back(a);
    options.load.b.relay_ports.push_back(b);
  }
}

void print_load(Options& options) {
  options.load.calls = calls_of(options);
  read_ports(options);
  const LoadResult result = play(options.load);
  std::printf(
      R"({"due": %llu, "sent": %llu, "received": %llu, "seconds": %.3f, "p50_us": %.1f, "p99_us": %.1f, "p999_us": %.1f})"
      "\n",
      static_cast<unsigned long long>(result.due), static_cast<unsigned long long>(result.sent),
      static_cast<unsigned long long>(result.received), result.seconds, result.p50_us, result.p99_us, result.p999_us);
}

void add_load(CLI::App& app, Options& options) {
  CLI::App* load = app.add_subcommand("load", "send at a fixed rate on both sides, receive, and print JSON");
  LoadOptions& into = options.load;
  load->add_option("--rate", into.packets_per_s, "Packets per second in each direction")->required();
  load->add_option("--seconds", into.seconds, "For how long")->required();
  load->add_option("--namespace-a", into.a.network_namespace, "Where side A's client is")->required();
  load->add_option("--namespace-b", into.b.network_namespace, "Where side B's client is")->required();
  load->add_option("--client-a", into.a.address, "Its address")->required();
  load->add_option("--client-b", into.b.address, "Its address")->required();
  load->add_option("--relay-a", into.a.relay, "The relay's address towards A")->required();
  load->add_option("--relay-b", into.b.relay, "The relay's address towards B")->required();
  load->add_option("--ports", options.ports, "A file with the relay's two ports of each call; without: Weir's");
  load->callback([&options] { print_load(options); });
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  Options options;
  CLI::App app("Plays calls through a media relay and measures it; bench/beside-rtpengine runs it.", "weir-bench");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--suite", options.suite, "The SRTP suite of side A")->capture_default_str();
  app.add_option("--calls", options.calls, "How many")->capture_default_str()->check(CLI::Range(1, 4096));
  app.add_subcommand("keys", "print what side A sends with, as SDES writes it, a line for each call")
      ->callback([&options] { print_keys(options); });
  CLI::App* install = app.add_subcommand("install", "install the calls' flows in a running weir-media");
  install->add_option("--region", options.region, "Its region's directory")->required();
  install->add_option("--client-a", options.load.a.address, "Address of side A's client")->required();
  install->add_option("--client-b", options.load.b.address, "Address of side B's client")->required();
  install->callback(
      [&options] { install_calls(options.region, calls_of(options), options.load.a.address, options.load.b.address); });
  add_load(app, options);
  CLI11_PARSE(app, argc, argv);
  return 0;
}
