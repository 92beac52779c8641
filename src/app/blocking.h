// Runs blocking work on a pool and its completion back on the loop.
#pragma once
#include <utility>

#include "app/worker_pool.h"
#include "net/loop.h"

namespace zvonok::app {

/// `work` runs on a thread of `pool`; `done(result)` runs on the loop. False: the pool's queue is full, neither runs
/// (but `done` was moved from: keep what is needed to refuse).
template <class Work, class Done>
[[nodiscard]] bool run_blocking(WorkerPool& pool, net::Loop& loop, Work work, Done done) {
  return pool.submit([&loop, work = std::move(work), done = std::move(done)]() mutable {
    loop.post([result = work(), done = std::move(done)]() mutable { done(std::move(result)); });
  });
}

}  // namespace zvonok::app
