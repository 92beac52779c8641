#include "app/call_journal.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace zvonok::app {
namespace {
constexpr std::size_t kBatchMax = 256;
constexpr auto kRetryAfter = std::chrono::milliseconds{500};
constexpr int kFinalAttempts = 6;
}  // namespace

CallJournal::CallJournal(port::CallStore& store, Logger& log, Options options)
    : store_{store}, log_{log}, options_{std::move(options)} {
  thread_ = std::jthread{[this] { work(); }};
}

void CallJournal::finish() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CallJournal::save(call::CallRecord record) {
  {
    const std::lock_guard lock{mutex_};
    if (records_.size() >= options_.records_max) {
      records_.pop_front();
      ++written_;
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
    records_.push_back(std::move(record));
    ++saved_;
  }
  wake_.notify_one();
}

bool CallJournal::read(UserId user, port::PageRequest page, HistoryDone done) {
  {
    const std::lock_guard lock{mutex_};
    if (ending_ || reads_.size() >= options_.reads_max) return false;
    reads_.push_back({std::move(user), std::move(page), std::move(done), saved_});
  }
  wake_.notify_one();
  return true;
}

std::size_t CallJournal::waiting() const {
  const std::lock_guard lock{mutex_};
  return records_.size();
}

/// Reads whose records are written; with the database down, all of them: they fail now instead of hanging.
std::vector<CallJournal::Read> CallJournal::take_due_reads(bool database_down) {
  std::vector<Read> due;
  const std::lock_guard lock{mutex_};
  while (!reads_.empty() && (database_down || reads_.front().after_record <= written_)) {
    due.push_back(std::move(reads_.front()));
    reads_.pop_front();
  }
  return due;
}

void CallJournal::serve_reads(std::vector<Read> reads, bool database_down) {
  for (Read& read : reads) {
    if (database_down) {
      read.done(fail(port::StoreError{port::StoreErrorKind::Unavailable, "records wait for the database"}));
    } else {
      read.done(store_.list_calls(read.user, read.page));
    }
  }
}

void CallJournal::keep_again(std::vector<call::CallRecord> batch) {
  const std::lock_guard lock{mutex_};
  records_.insert(records_.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
}

void CallJournal::work() {
  int attempts_left = kFinalAttempts;
  bool database_down = false;
  for (;;) {
    std::vector<call::CallRecord> batch;
    {
      std::unique_lock lock{mutex_};
      const auto has_work = [this] { return ending_ || !records_.empty() || !reads_.empty(); };
      if (database_down) {
        wake_.wait_for(lock, kRetryAfter, [this] { return ending_; });
      } else {
        wake_.wait(lock, has_work);
      }
      if (ending_ && reads_.empty() && (records_.empty() || attempts_left == 0)) return;
      const auto count = static_cast<std::ptrdiff_t>(std::min(records_.size(), kBatchMax));
      std::move(records_.begin(), records_.begin() + count, std::back_inserter(batch));
      records_.erase(records_.begin(), records_.begin() + count);
      if (ending_ && database_down) --attempts_left;
    }
    if (!batch.empty()) {
      const auto written = store_.save_calls(batch, options_.node);
      if (!written) {
        failures_.fetch_add(1, std::memory_order_relaxed);
        if (!database_down) log_.error("call records wait: the database failed", {{"detail", written.error().detail}});
        keep_again(std::move(batch));
        database_down = true;
      } else {
        if (database_down) log_.info("call records are written again");
        database_down = false;
        const std::lock_guard lock{mutex_};
        written_ += batch.size();
      }
    }
    serve_reads(take_due_reads(database_down), database_down);
  }
}

}  // namespace zvonok::app
