// sip-load: many calls at once through a border, both parties of each, faster than SIPp offers them. It reads commands
// from standard input, a line each, and prints what came of each as a line of JSON; the calls that are up stay up
// between commands. bench/beside-kamailio runs it.
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "bench/signalling/party.h"

namespace weir::bench {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
/// Of one kind in one turn of the loop, so that answers are read in between.
constexpr std::uint64_t kTurnMax = 32;

std::uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecondNs + static_cast<std::uint64_t>(now.tv_nsec);
}

/// What one command asks for, each per second.
struct Load {
  double calls = 0;             ///< new ones
  double reinvites = 0;         ///< in calls that are up, by the caller
  double callee_reinvites = 0;  ///< by the callee
  double byes = 0;
  double callee_byes = 0;
  double seconds = 1;
  double hold_ms = 0;   ///< negative: the new calls stay
  double linger_s = 5;  ///< how long to wait for what is still unanswered
};

bool read_load(const std::string& line, Load& load) {
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    double* const value = name == "calls"              ? &load.calls
                          : name == "reinvites"        ? &load.reinvites
                          : name == "callee_reinvites" ? &load.callee_reinvites
                          : name == "byes"             ? &load.byes
                          : name == "callee_byes"      ? &load.callee_byes
                          : name == "seconds"          ? &load.seconds
                          : name == "hold_ms"          ? &load.hold_ms
                          : name == "linger"           ? &load.linger_s
                                                       : nullptr;
    if (value == nullptr || equals == std::string::npos) return false;
    char* end = nullptr;
    *value = std::strtod(word.c_str() + equals + 1, &end);
    if (*end != '\0') return false;
  }
  return true;
}

/// So many since the start as are due by now, whatever became of the earlier ones.
class Pace {
 public:
  explicit Pace(double per_s) : per_s_(per_s) {}
  [[nodiscard]] std::uint64_t take(double elapsed_s) {
    const auto due = static_cast<std::uint64_t>(per_s_ * elapsed_s);
    const std::uint64_t now = std::min(due - done_, kTurnMax);
    done_ += now;
    return now;
  }

 private:
  double per_s_;
  std::uint64_t done_ = 0;
};

void print(const char* name, RequestTally& tally) {
  std::printf(
      R"("%s": {"sent": %llu, "answered": %llu, "refused": %llu, "failed": %llu, "timed_out": %llu, "p50_us": %u, "p99_us": %u}, )",
      name, static_cast<unsigned long long>(tally.sent), static_cast<unsigned long long>(tally.answered),
      static_cast<unsigned long long>(tally.refused), static_cast<unsigned long long>(tally.failed),
      static_cast<unsigned long long>(tally.timed_out), tally.latency_us(0.50), tally.latency_us(0.99));
}

/// Both parties and their ports.
class Calls {
 public:
  Calls(const SignallingSide& a, const SignallingSide& b)
      : caller_port_(a),
        callee_port_(b),
        caller_(caller_port_, "a" + std::to_string(getpid()), callers_),
        callee_(callee_port_, "b" + std::to_string(getpid()), callees_) {}

  void run(const Load& load) {
    callers_ = {};
    callees_ = {};
    caller_.settle();
    callee_.settle();
    Pace calls(load.calls);
    Pace reinvites(load.reinvites);
    Pace callee_reinvites(load.callee_reinvites);
    Pace byes(load.byes);
    Pace callee_byes(load.callee_byes);
    const auto hold = load.hold_ms < 0 ? Party::kHeld : static_cast<std::uint64_t>(load.hold_ms * 1e6);
    const std::uint64_t start = now_ns();
    double elapsed = 0;
    while (elapsed < load.seconds) {
      const std::uint64_t now = now_ns();
      elapsed = static_cast<double>(now - start) / kSecondNs;
      for (std::uint64_t i = calls.take(elapsed); i > 0; --i) caller_.invite(now, hold);
      for (std::uint64_t i = reinvites.take(elapsed); i > 0; --i) caller_.reinvite(now);
      for (std::uint64_t i = callee_reinvites.take(elapsed); i > 0; --i) callee_.reinvite(now);
      for (std::uint64_t i = byes.take(elapsed); i > 0; --i) caller_.bye(now);
      for (std::uint64_t i = callee_byes.take(elapsed); i > 0; --i) callee_.bye(now);
      serve();
    }
    const std::uint64_t answered = callers_.invites.answered;
    const std::uint64_t completed = callers_.byes.answered;
    const std::uint64_t backlog = caller_.pending() + callee_.pending();
    const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(load.linger_s * kSecondNs);
    while (caller_.pending() + callee_.pending() > 0 && now_ns() < end) serve();
    report(elapsed, answered, completed, backlog);
  }

  /// Reads and answers what has come, and waits a little if nothing has.
  void serve() {
    const std::uint64_t now = now_ns();
    bool busy = caller_port_.receive([&](std::string_view bytes) { caller_.on_datagram(bytes, now); });
    busy |= callee_port_.receive([&](std::string_view bytes) { callee_.on_datagram(bytes, now); });
    caller_.on_clock(now);
    callee_.on_clock(now);
    if (busy) return;
    std::array<pollfd, 2> both{{{caller_port_.descriptor(), POLLIN, 0}, {callee_port_.descriptor(), POLLIN, 0}}};
    const timespec wait{.tv_sec = 0, .tv_nsec = 200'000};
    ppoll(both.data(), both.size(), &wait, nullptr);
  }

 private:
  void report(double seconds, std::uint64_t answered, std::uint64_t completed, std::uint64_t backlog) {
    std::printf(R"({"seconds": %.3f, "answered_in_time": %llu, "completed_in_time": %llu, "backlog": %llu, )", seconds,
                static_cast<unsigned long long>(answered), static_cast<unsigned long long>(completed),
                static_cast<unsigned long long>(backlog));
    print("invites", callers_.invites);
    print("reinvites", callers_.reinvites);
    print("byes", callers_.byes);
    print("callee_reinvites", callees_.reinvites);
    print("callee_byes", callees_.byes);
    std::printf(R"("repeated": %llu, "unmatched": %llu, "unanswered": %llu, "up": %zu})"
                "\n",
                static_cast<unsigned long long>(callers_.repeated + callees_.repeated),
                static_cast<unsigned long long>(callers_.unmatched + callees_.unmatched),
                static_cast<unsigned long long>(caller_.pending() + callee_.pending()), caller_.up());
    std::fflush(stdout);
  }

  UdpPort caller_port_;
  UdpPort callee_port_;
  Tally callers_;
  Tally callees_;
  Party caller_;
  Party callee_;
};

/// Until the end of standard input; calls are served between the commands too.
int serve_commands(Calls& calls) {
  std::string line;
  for (;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, 0) == 0) {
      calls.serve();
      continue;
    }
    char c = 0;
    if (read(STDIN_FILENO, &c, 1) != 1) return 0;
    if (c != '\n') {
      line += c;
      continue;
    }
    Load load;
    if (!read_load(line, load)) {
      std::fprintf(stderr, "sip-load: not understood: %s\n", line.c_str());
      return 2;
    }
    line.clear();
    calls.run(load);
  }
}

void add_side(CLI::App& app, const std::string& letter, SignallingSide& side) {
  app.add_option("--namespace-" + letter, side.network_namespace, "Where that party is")->required();
  app.add_option("--client-" + letter, side.address, "Its address")->required();
  app.add_option("--client-port-" + letter, side.port, "Its port")->capture_default_str();
  app.add_option("--border-" + letter, side.border, "The border's address towards it")->required();
  app.add_option("--border-port-" + letter, side.border_port, "And port")->capture_default_str();
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  SignallingSide a;
  SignallingSide b;
  CLI::App app(
      "Calls through a border, both parties of each: a calls, b answers. Each line of standard input is a command, of "
      "calls=, reinvites=, callee_reinvites=, byes=, callee_byes= (each per second), seconds=, hold_ms= (negative: the "
      "new calls stay) and linger= (seconds to wait for what is unanswered); each is answered with a line of JSON.",
      "sip-load");
  add_side(app, "a", a);
  add_side(app, "b", b);
  CLI11_PARSE(app, argc, argv);
  Calls calls(a, b);
  return serve_commands(calls);
}
