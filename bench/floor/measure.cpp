#include "measure.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "net/fd.h"

namespace zvonok::floor {
namespace {

/// Below this share of its median a least isn't to be relied on: README.md.
constexpr double kDoubtful = 0.75;

double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Sleeps until the next turn is due.
class Pacer {
 public:
  explicit Pacer(int per_second)
      : timer_{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)}, epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
    if (!timer_.valid() || !epoll_.valid()) give_up("timerfd, epoll");
    const long period = 1'000'000'000L / per_second;
    const timespec every{.tv_sec = period / 1'000'000'000L, .tv_nsec = period % 1'000'000'000L};
    const itimerspec spec{.it_interval = every, .it_value = every};
    epoll_event event{};
    event.events = EPOLLIN;
    if (::timerfd_settime(timer_.get(), 0, &spec, nullptr) != 0 ||
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), &event) != 0)
      give_up("timerfd, epoll");
  }
  void wait() {
    epoll_event event{};
    std::uint64_t due = 0;
    while (::epoll_wait(epoll_.get(), &event, 1, 1000) < 0) {
    }
    if (::read(timer_.get(), &due, sizeof due) < 0) return;
  }

 private:
  net::Fd timer_;
  net::Fd epoll_;
};

}  // namespace

double thread_seconds() {
  return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double wall_seconds() {
  return seconds_of(CLOCK_MONOTONIC);
}

void choose_cores(Options& options) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  std::vector<int> cores;
  for (std::size_t core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &allowed)) cores.push_back(static_cast<int>(core));
  if (cores.size() < 2) return;
  if (options.core < 0) options.core = cores[0] == options.drain_core ? cores[1] : cores[0];
  if (options.drain_core < 0) options.drain_core = cores[0] == options.core ? cores[1] : cores[0];
}

void pin(int core) {
  if (core < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

Sample sample_tight(const Options& options, const Turn& turn) {
  const double end = wall_seconds() + options.milliseconds / 1000.0;
  const double begin = thread_seconds();
  std::size_t packets = 0;
  do {
    packets += turn();
  } while (wall_seconds() < end);
  return {.us = (thread_seconds() - begin) * 1e6 / static_cast<double>(std::max<std::size_t>(packets, 1))};
}

Sample sample_paced(const Options& options, int per_second, const Turn& turn) {
  Pacer pacer{per_second};
  const double start = wall_seconds();
  const double end = start + options.milliseconds / 1000.0;
  const double begin = thread_seconds();
  std::size_t packets = 0;
  std::size_t turns = 0;
  do {
    pacer.wait();
    packets += turn();
    ++turns;
  } while (wall_seconds() < end);
  const double busy = thread_seconds() - begin;
  const double wall = wall_seconds() - start;
  return {.us = busy * 1e6 / static_cast<double>(std::max<std::size_t>(packets, 1)),
          .turns_per_second = static_cast<double>(turns) / wall,
          .core = busy / wall};
}

void Table::add(std::string name, std::size_t bytes, Compare compare, std::function<Sample()> round) {
  lines_.push_back({.name = std::move(name), .bytes = bytes, .compare = compare, .round = std::move(round)});
}

void Table::run() {
  for (std::size_t round = 0; round < options_.rounds; ++round)
    for (Line& line : lines_) line.samples.push_back(line.round());
  for (Line& line : lines_) print(line);
}

void Table::print(Line& line) const {
  std::ranges::sort(line.samples, {}, &Sample::us);
  const Sample& least = line.samples.front();
  const double median = line.samples[line.samples.size() / 2].us;
  std::printf("%-34s %5zu bytes  %7.3f us a packet  (median %7.3f)%s", line.name.c_str(), line.bytes, least.us, median,
              least.us < kDoubtful * median ? " doubtful" : "");
  if (least.turns_per_second > 0)
    std::printf("  %4.0f turns/s, %4.1f %% of a core", least.turns_per_second, least.core * 100);
  if (line.compare == Compare::WithOurs && options_.ours_us > 0)
    std::printf("  ours %.2f us: %.2f times this (median: %.2f)", options_.ours_us, options_.ours_us / least.us,
                options_.ours_us / median);
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace zvonok::floor
