// The load generator's event loop: one thread, one epoll, level-triggered. What clients queue during a turn leaves at
// its end in one write per socket. It must cost less than the servers that it drives, so it does nothing else.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace zvonok::bench {

class WsClient;

class Hub {
 public:
  Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  /// Waits for events, at most `wait_ns` (0: looks and goes on), handles them and sends what they made clients queue.
  void turn(std::int64_t wait_ns);
  /// Sends what was queued outside of events.
  void flush();

  // For WsClient.
  void watch(int fd, std::uint32_t events, WsClient& client);
  void change(int fd, std::uint32_t events, WsClient& client);
  void mark_dirty(WsClient& client) { dirty_.push_back(&client); }
  void forget(WsClient& client);
  [[nodiscard]] MutableBytes scratch() { return scratch_; }

 private:
  int epoll_ = -1;
  std::vector<WsClient*> dirty_;
  std::vector<WsClient*> flushing_;
  std::array<std::uint8_t, 64 * 1024> scratch_{};
};

}  // namespace zvonok::bench
