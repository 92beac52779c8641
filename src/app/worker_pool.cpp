#include "app/worker_pool.h"

namespace zvonok::app {

WorkerPool::WorkerPool(Options options) : options_{options} {
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
}

void WorkerPool::finish() {
  std::deque<Task> dropped;
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  threads_.clear();  // joins
}

bool WorkerPool::submit(Task task) {
  {
    const std::lock_guard lock{mutex_};
    if (ending_ || queue_.size() >= options_.queue_max) {
      ++refused_;
      return false;
    }
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

std::size_t WorkerPool::queued() const {
  const std::lock_guard lock{mutex_};
  return queue_.size();
}

std::uint64_t WorkerPool::refused() const {
  const std::lock_guard lock{mutex_};
  return refused_;
}

void WorkerPool::work() {
  for (;;) {
    Task task;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace zvonok::app
