// The flags of `zvonok loadtest`, and what they come to.
#pragma once
#include <string>
#include <variant>

#include "base/result.h"
#include "load/generator.h"
#include "load/pair_run.h"

namespace CLI {
class App;
}  // namespace CLI

namespace zvonok::app {

/// As they were given; defaults where they weren't.
struct LoadtestFlags {
  std::string url = "ws://127.0.0.1:8080";
  std::string secret;
  std::string token_file;
  std::string prefix = "load-";
  std::string ramp;  // empty: as the kind of run has it
  std::string duration = "10s";
  std::string warm_up = "2s";
  std::string join_timeout = "30s";
  std::string hold = "5s";
  std::string json_file;
  std::string scenario_file;
  int pid = 0;
  bool insecure = false;
  bool meet = false;
  bool no_reports = false;
  bool simulcast = false;
  bool feedback = false;
  bool nack = false;
  bool signalling_only = false;
  unsigned calls = 0;           // pairs who call each other
  unsigned connections = 1000;  // of signalling only
  double call_rate = 10;
  double messages_per_second = 1;
  std::size_t message_bytes = 200;
  unsigned watch = 10;
  load::LoadOptions load;
};

/// Adds all of them to `command`; `flags` lives as long.
void add_loadtest_flags(CLI::App& command, LoadtestFlags& flags);

/// One of the kinds of runs.
using LoadtestPlan = std::variant<load::LoadOptions, load::PairLoadOptions>;
/// The error is one line.
[[nodiscard]] Result<LoadtestPlan, std::string> read_loadtest_flags(const LoadtestFlags& flags);

}  // namespace zvonok::app
