// SIGTERM, SIGINT and SIGHUP as events of the loop (signalfd).
#pragma once
#include <functional>
#include <memory>

#include "net/fd.h"
#include "net/loop.h"

namespace zvonok::app {

class Signals final : public net::ReadyHandler {
 public:
  /// Blocks the signals for the calling thread; call before other threads start. Null when the system refuses.
  [[nodiscard]] static std::unique_ptr<Signals> create(net::Loop& loop, std::function<void(int)> on_signal);
  ~Signals() override;
  void on_ready(std::uint32_t events) override;

  /// Blocks them without handling, for threads that start before `create`.
  static void block();
  /// After the loop: the next signal ends the process, whatever still takes its time.
  static void restore();

 private:
  Signals(net::Loop& loop, net::Fd fd, std::function<void(int)> on_signal);
  net::Loop& loop_;
  net::Fd fd_;
  std::function<void(int)> on_signal_;
};

}  // namespace zvonok::app
