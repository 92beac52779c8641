// Ends calls that wait for a server which neither answers nor hangs up: the client library waits without a limit of its
// own, so at the deadline the socket is shut down under it and the wait ends with an error.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

namespace zvonok::store_sql {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Thread-safe. The thread starts with the first deadline and ends with the object.
class Watchdog {
 public:
  Watchdog() = default;
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Watches one call while it lives. `socket` must stay open as long; -1 watches nothing.
  class Guard {
   public:
    Guard(Watchdog& watchdog, int socket, SteadyTime deadline);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    Watchdog& watchdog_;
    std::uint64_t id_ = 0;  // 0: nothing is watched
  };

 private:
  struct Watched {
    int socket;
    SteadyTime deadline;
  };
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Watched> watched_;  // as many as there are database sessions
  std::uint64_t next_id_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace zvonok::store_sql
