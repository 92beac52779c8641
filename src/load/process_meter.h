// What Linux knows of a process: its CPU time, its memory, how long it waited for a core, and the packets that its
// sockets had no room for. Reads /proc, so it blocks for some hundred microseconds: not within what is measured.
#pragma once
#include <cstdint>
#include <optional>

namespace zvonok::load {

struct ProcessFigures {
  double cpu_seconds = 0;     // user and system, of all threads
  double waited_seconds = 0;  // ready to run, without a core: what the rest of the machine took from it
  std::uint64_t resident_bytes = 0;
  std::uint64_t socket_drops = 0;  // of its UDP sockets that are open
};

/// Nothing when there is no such process or it can't be read.
[[nodiscard]] std::optional<ProcessFigures> read_process(int pid);
/// CPU time alone, which is cheap.
[[nodiscard]] std::optional<double> cpu_seconds(int pid);

/// Of the last minute: how busy the machine is.
[[nodiscard]] double load_average();

}  // namespace zvonok::load
