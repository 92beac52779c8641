// See watchdog.h.
#include "adapter/store_sql/watchdog.h"

#include <algorithm>

#include <sys/socket.h>

namespace zvonok::store_sql {

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Watchdog::Guard::Guard(Watchdog& watchdog, int socket, SteadyTime deadline) : watchdog_{watchdog} {
  if (socket < 0) return;
  {
    const std::lock_guard lock{watchdog.mutex_};
    id_ = watchdog.next_id_++;
    watchdog.watched_.emplace(id_, Watched{socket, deadline});
    if (!watchdog.thread_.joinable()) watchdog.thread_ = std::thread{[&watchdog] { watchdog.run(); }};
  }
  watchdog.changed_.notify_all();
}

Watchdog::Guard::~Guard() {
  if (id_ == 0) return;
  // The thread shuts down under the same lock, so after this line the socket may be closed.
  const std::lock_guard lock{watchdog_.mutex_};
  watchdog_.watched_.erase(id_);
}

void Watchdog::run() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    auto wake = SteadyTime::max();
    for (auto it = watched_.begin(); it != watched_.end();) {
      if (it->second.deadline <= now) {
        ::shutdown(it->second.socket, SHUT_RDWR);
        it = watched_.erase(it);
      } else {
        wake = std::min(wake, it->second.deadline);
        ++it;
      }
    }
    if (wake == SteadyTime::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, wake);
    }
  }
}

}  // namespace zvonok::store_sql
