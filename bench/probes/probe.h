// A probe measures what is no "nanoseconds a packet on one core": rows of two workers, of commands a second, of bytes,
// of microseconds. bench/report.py runs the program and joins its rows with those of the other benchmarks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace weir::bench {

/// Where and how often. The two cores differ.
struct Setting {
  unsigned worker_core;
  unsigned other_core;  ///< of the second worker, of the generator, of weir-control
  unsigned repetitions;
};

/// One line of the table. `ratio` says how many times better than the baseline the value is.
struct Row {
  std::string name;  ///< ends with the baseline's name
  double value;
  std::string unit;
  std::string baseline;
  double baseline_value;
  double ratio;
};

/// A row whose baseline is a mark to be reached: at least so much, or at most so much.
Row at_least(const std::string& name, double value, const std::string& unit, double mark);
Row at_most(const std::string& name, double value, const std::string& unit, double mark);

struct Probe {
  std::vector<std::string> rows;  ///< the names of what `measure` gives
  std::function<std::vector<Row>(const Setting&)> measure;
};

double median(std::vector<double> values);

// Each in its own file.
std::vector<Probe> two_workers_probes();
std::vector<Probe> command_probes();
std::vector<Probe> flow_memory_probes();
std::vector<Probe> latency_probes();

}  // namespace weir::bench
