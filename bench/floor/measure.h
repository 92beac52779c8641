// Rounds of measuring, and the table that they become. Time is CPU time of the calling thread.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace zvonok::floor {

struct Options {
  std::size_t destinations = 150;
  std::size_t train = 4;
  int milliseconds = 200;  // of one round
  std::size_t rounds = 9;
  int core = -1;
  int drain_core = -1;
  double ours_us = 0;
  std::vector<int> turns_per_second;
  std::vector<std::size_t> bytes{140, 1100};
  bool candidates = false;
  bool paced_only = false;
};

/// Seconds that this thread has been at work.
[[nodiscard]] double thread_seconds();
[[nodiscard]] double wall_seconds();

/// Where to measure and where to receive, unless the options say: two different cores, where the process may use two.
void choose_cores(Options& options);
void pin(int core);
[[noreturn]] void give_up(const char* what);

/// Does some packets and says how many.
using Turn = std::function<std::size_t()>;

struct Sample {
  double us = 0;                // of CPU, for a packet
  double turns_per_second = 0;  // of a paced round: what became of the rate
  double core = 0;              // of a paced round: the share of a core that the thread took
};

/// A round of turns without a pause.
[[nodiscard]] Sample sample_tight(const Options& options, const Turn& turn);

/// A round of turns begun `per_second` times a second; in between the thread sleeps in epoll_wait, as a server does.
/// Waking up is in the figure. A turn that comes too late is left out, not made up for.
[[nodiscard]] Sample sample_paced(const Options& options, int per_second, const Turn& turn);

enum class Compare : std::uint8_t { Nothing, WithOurs };

/// Lines take turns by the round, so that what else the machine does hits all of them alike.
class Table {
 public:
  explicit Table(const Options& options) : options_{options} {}
  void add(std::string name, std::size_t bytes, Compare compare, std::function<Sample()> round);
  /// Measures and prints everything that was added.
  void run();

 private:
  struct Line {
    std::string name;
    std::size_t bytes;
    Compare compare;
    std::function<Sample()> round;
    std::vector<Sample> samples{};
  };
  void print(Line& line) const;

  const Options& options_;
  std::vector<Line> lines_;
};

}  // namespace zvonok::floor
