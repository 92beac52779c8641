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

bool CallJournal::query(Query query, Turn turn) {
  {
    const std::lock_guard lock{mutex_};
    std::deque<Read>& lane = turn == Turn::Urgent ? urgent_ : reads_;
    if (ending_ || lane.size() >= (turn == Turn::Urgent ? options_.urgent_max : options_.reads_max)) return false;
    lane.push_back({std::move(query), saved_});
  }
  wake_.notify_one();
  return true;
}

std::size_t CallJournal::waiting() const {
  const std::lock_guard lock{mutex_};
  return records_.size();
}

/// Reads whose records are written: the urgent ones, and one of the others, so that nothing urgent waits behind more
/// than one. With the database down, all of them: they fail now instead of hanging.
std::vector<CallJournal::Read> CallJournal::take_due_reads(bool database_down) {
  std::vector<Read> due;
  const std::lock_guard lock{mutex_};
  const auto take = [&](std::deque<Read>& lane, std::size_t count) {
    while (!lane.empty() && count-- > 0 && (database_down || lane.front().after_record <= written_)) {
      due.push_back(std::move(lane.front()));
      lane.pop_front();
    }
  };
  take(urgent_, urgent_.size());
  take(reads_, database_down ? reads_.size() : 1);
  return due;
}

void CallJournal::serve_reads(std::vector<Read> reads, bool database_down) {
  for (Read& read : reads) read.query(database_down ? nullptr : &store_);
}

void CallJournal::keep_again(std::vector<call::CallRecord> batch) {
  const std::lock_guard lock{mutex_};
  // New ones came meanwhile: of the old ones only the newest have room.
  const std::size_t room = options_.records_max - std::min(records_.size(), options_.records_max);
  const std::size_t kept = std::min(room, batch.size());
  const std::size_t lost = batch.size() - kept;
  dropped_.fetch_add(lost, std::memory_order_relaxed);
  written_ += lost;
  records_.insert(records_.begin(), std::make_move_iterator(batch.end() - static_cast<std::ptrdiff_t>(kept)),
                  std::make_move_iterator(batch.end()));
}

bool CallJournal::write(std::vector<call::CallRecord>& batch) {
  const auto together = store_.save_calls(batch, options_.node);
  if (together) return true;
  failures_.fetch_add(1, std::memory_order_relaxed);
  if (together.error().kind == port::StoreErrorKind::Unavailable) {
    log_.debug("call records wait", {{"detail", together.error().detail}});
    return false;
  }
  // One of them is refused for what it is, and would be for ever: the others must not wait behind it.
  while (!batch.empty()) {
    const auto alone = store_.save_calls({batch.front()}, options_.node);
    if (!alone) {
      if (alone.error().kind == port::StoreErrorKind::Unavailable) return false;
      dropped_.fetch_add(1, std::memory_order_relaxed);
      log_.error("a call record is refused by the database and lost",
                 {{"call", batch.front().id}, {"detail", alone.error().detail}});
    }
    batch.erase(batch.begin());
    const std::lock_guard lock{mutex_};
    ++written_;
  }
  return true;
}

void CallJournal::work() {
  int attempts_left = kFinalAttempts;
  bool database_down = false;
  for (;;) {
    std::vector<call::CallRecord> batch;
    {
      std::unique_lock lock{mutex_};
      const auto has_work = [this] { return ending_ || !records_.empty() || !reads_.empty() || !urgent_.empty(); };
      if (database_down) {
        wake_.wait_for(lock, kRetryAfter, [this] { return ending_; });
      } else {
        wake_.wait(lock, has_work);
      }
      if (ending_ && reads_.empty() && urgent_.empty() && (records_.empty() || attempts_left == 0)) return;
      const auto count = static_cast<std::ptrdiff_t>(std::min(records_.size(), kBatchMax));
      std::move(records_.begin(), records_.begin() + count, std::back_inserter(batch));
      records_.erase(records_.begin(), records_.begin() + count);
      if (ending_ && database_down) --attempts_left;
    }
    if (!batch.empty()) {
      const bool written = write(batch);
      if (written && database_down) log_.info("call records are written again");
      if (!written && !database_down) log_.error("call records wait: the database does not answer");
      database_down = !written;
      if (written) {
        const std::lock_guard lock{mutex_};
        written_ += batch.size();
      } else {
        keep_again(std::move(batch));
      }
    }
    serve_reads(take_due_reads(database_down), database_down);
  }
}

}  // namespace zvonok::app
