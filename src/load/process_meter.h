// What Linux knows of a process: its CPU time, its memory, how long it waited for a core, and the packets that its
// sockets had no room for. Reads /proc, which blocks for some hundred microseconds, and for the sockets' drops for
// milliseconds: not within what is measured.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace zvonok::load {

struct ProcessFigures {
  double cpu_seconds = 0;     // user and system, of all threads
  double waited_seconds = 0;  // ready to run, without a core: what the rest of the machine took from it
  std::uint64_t resident_bytes = 0;
};

/// Nothing when there is no such process or it can't be read.
[[nodiscard]] std::optional<ProcessFigures> read_process(int pid);
/// What its UDP sockets that are open had no room for. Slow with many of them.
[[nodiscard]] std::uint64_t socket_drops(int pid);
/// CPU time alone, which is cheap.
[[nodiscard]] std::optional<double> cpu_seconds(int pid);

/// A process over a run: what it used within the window, and what it grew by since before.
class ProcessWatch {
 public:
  struct Used {
    double cpu_seconds = 0;  // within the window, as are the next two
    double waited_seconds = 0;
    std::uint64_t socket_drops = 0;  // since it was prepared; sockets that were closed took their count with them
    std::uint64_t resident_bytes = 0;
    std::uint64_t grown_bytes = 0;
    double cpu_seconds_before = 0;  // from the start to the window
  };
  /// False: there is no such process.
  [[nodiscard]] bool start(int pid);
  /// Whether it was started.
  [[nodiscard]] bool watches() const { return pid_ != 0; }
  /// Reads what takes long: the drops. kCatchUp before `begin_window`.
  void prepare_window();
  /// Until what was due meanwhile has been done.
  static constexpr Duration kCatchUp = milliseconds{50};
  void begin_window();
  [[nodiscard]] Used end_window() const;
  /// CPU time since the last call, or since `start`.
  [[nodiscard]] double take_cpu_seconds();
  [[nodiscard]] double cpu_seconds_since_start() const;

 private:
  int pid_ = 0;
  ProcessFigures before_;
  ProcessFigures at_begin_;
  std::uint64_t drops_before_ = 0;
  double taken_ = 0;
};

/// Of the last minute: how busy the machine is.
[[nodiscard]] double load_average();

}  // namespace zvonok::load
