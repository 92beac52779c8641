// Threads for work that blocks: databases, password hashing. A bounded queue; a full one refuses.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace zvonok::app {

class WorkerPool {
 public:
  using Task = std::move_only_function<void()>;
  struct Options {
    std::size_t threads = 1;
    std::size_t queue_max = 1024;
  };
  explicit WorkerPool(Options options);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() { finish(); }

  /// Takes no more, lets running tasks end, drops those that wait (here, on the caller's thread), and ends the threads.
  /// Idempotent.
  void finish();

  /// False when the queue is full (or the pool is ending): the task is not run. Thread-safe.
  [[nodiscard]] bool submit(Task task);
  [[nodiscard]] std::size_t queued() const;
  /// Tasks that were not taken, so far.
  [[nodiscard]] std::uint64_t refused() const;

 private:
  void work();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> queue_;
  bool ending_ = false;
  std::uint64_t refused_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace zvonok::app
