// Drives the transaction machines through rows of text, so that a test reads like the RFC's figure: a state, an event,
// the actions, the next state.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sip/actions.h"
#include "sip/timers.h"

namespace weir::sip {

inline const std::vector<std::pair<std::string, Timer>>& timer_names() {
  static const std::vector<std::pair<std::string, Timer>> names = {
      {"A", Timer::kA},           {"B", Timer::kB},
      {"D", Timer::kD},           {"E", Timer::kE},
      {"F", Timer::kF},           {"G", Timer::kG},
      {"H", Timer::kH},           {"I", Timer::kI},
      {"J", Timer::kJ},           {"K", Timer::kK},
      {"L", Timer::kL},           {"M", Timer::kM},
      {"Trying", Timer::kTrying}, {"Cancelled", Timer::kCancelled},
      {"Accept", Timer::kAccept}};
  return names;
}

inline std::string name_of(Timer timer) {
  for (const auto& [name, value] : timer_names()) {
    if (value == timer) {
      return name;
    }
  }
  return "?";
}

/// "request A=500 B=32000": sends by name, started timers with their milliseconds, stopped ones as "-A".
inline std::string text_of(const Actions& actions) {
  std::string text;
  for (const Action& action : actions) {
    text += text.empty() ? "" : " ";
    switch (action.kind) {
      case ActionKind::kSendRequest:
        text += "request";
        break;
      case ActionKind::kSendAck:
        text += "ack";
        break;
      case ActionKind::kSendTrying:
        text += "100";
        break;
      case ActionKind::kSendResponse:
        text += "response";
        break;
      case ActionKind::kStart:
        text += name_of(action.timer) + "=" + std::to_string(action.duration_ns / kNsPerMs);
        break;
      case ActionKind::kStop:
        text += "-" + name_of(action.timer);
        break;
      case ActionKind::kPassUp:
        text += "up";
        break;
      case ActionKind::kTellTimeout:
        text += "timeout";
        break;
      case ActionKind::kTellTransportError:
        text += "error";
        break;
      case ActionKind::kTellAckMissing:
        text += "no-ack";
        break;
      case ActionKind::kTerminate:
        text += "end";
        break;
    }
  }
  return text;
}

/// Events: "start", "error", "request", "ack", "cancelled", "timer X", "in NNN" (a response came), "out NNN" (the user
/// responds). A machine without such an event does nothing.
template <typename Machine>
Actions apply(Machine& machine, const std::string& event) {
  const auto number = [&] { return static_cast<std::uint16_t>(std::stoi(event.substr(event.find(' ') + 1))); };
  if (event == "start") return machine.start();
  if (event == "error") return machine.on_transport_error();
  if (event.starts_with("timer ")) {
    for (const auto& [name, timer] : timer_names()) {
      if (event == "timer " + name) return machine.on_timer(timer);
    }
  }
  if constexpr (requires { machine.on_request(); }) {
    if (event == "request") return machine.on_request();
  }
  if constexpr (requires { machine.on_ack(); }) {
    if (event == "ack") return machine.on_ack();
  }
  if constexpr (requires { machine.on_cancel_sent(); }) {
    if (event == "cancelled") return machine.on_cancel_sent();
  }
  if constexpr (requires { machine.on_response(std::uint16_t{}); }) {
    if (event.starts_with("in ")) return machine.on_response(number());
  }
  if constexpr (requires { machine.respond(std::uint16_t{}); }) {
    if (event.starts_with("out ")) return machine.respond(number());
  }
  return {};
}

/// Every event there is; responses by one of each class and both ends of the range where it matters.
inline std::vector<std::string> all_events() {
  std::vector<std::string> events = {"error", "request", "ack", "cancelled"};
  for (const auto& [name, timer] : timer_names()) {
    events.push_back("timer " + name);
  }
  for (const char* way : {"in ", "out "}) {
    for (const char* status : {"100", "199", "200", "299", "300", "486", "503", "699"}) {
      events.push_back(std::string(way) + status);
    }
  }
  return events;
}

/// A way into one state, and the arrows that leave it.
template <typename State>
struct StateRows {
  State state;
  std::vector<std::string> history;  ///< events that lead here
  struct Arrow {
    std::string event;
    std::string actions;
    State next;
  };
  std::vector<Arrow> arrows;
};

/// Checks each arrow, and that every event without an arrow does nothing in that state.
template <typename Machine>
void check_figure(const TimerSettings& settings, Reliability transport,
                  const std::vector<StateRows<typename Machine::State>>& figure) {
  for (const auto& rows : figure) {
    const auto arrive = [&] {
      Machine machine(settings, transport);
      for (const std::string& event : rows.history) apply(machine, event);
      return machine;
    };
    std::string way;
    for (const std::string& event : rows.history) way += event + ", ";
    ASSERT_EQ(arrive().state(), rows.state) << way;
    std::set<std::string> seen;
    for (const auto& arrow : rows.arrows) {
      Machine machine = arrive();
      EXPECT_EQ(text_of(apply(machine, arrow.event)), arrow.actions) << way << arrow.event;
      EXPECT_EQ(machine.state(), arrow.next) << way << arrow.event;
      seen.insert(arrow.event);
    }
    for (const std::string& event : all_events()) {
      if (!seen.contains(event)) {
        Machine machine = arrive();
        EXPECT_EQ(text_of(apply(machine, event)), "") << way << event;
        EXPECT_EQ(machine.state(), rows.state) << way << event;
      }
    }
  }
}

/// What the machine starts `timer` with, time after time, while it keeps firing: milliseconds.
template <typename Machine>
std::vector<std::uint64_t> intervals_ms(Machine& machine, const Actions& first, Timer timer, std::size_t count) {
  std::vector<std::uint64_t> intervals;
  Actions actions = first;
  while (intervals.size() < count) {
    const auto* at = std::find_if(actions.begin(), actions.end(), [&](const Action& action) {
      return action.kind == ActionKind::kStart && action.timer == timer;
    });
    if (at == actions.end()) break;
    intervals.push_back(at->duration_ns / kNsPerMs);
    actions = machine.on_timer(timer);
  }
  return intervals;
}

}  // namespace weir::sip
