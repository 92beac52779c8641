// The lane of call records: one thread that writes them in order, in batches, and reads the history behind them, so
// that whoever hears that a call has ended finds it in the history. While the database is down, records wait here
// (bounded, oldest dropped and counted) and reads fail at once.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/log.h"
#include "port/store.h"

namespace zvonok::app {

class CallJournal {
 public:
  using HistoryPage = port::Page<call::CallRecord>;
  /// Null while the database does not answer: then records wait in memory, and what is read could be old.
  using Query = std::move_only_function<void(port::CallStore* store)>;
  struct Options {
    std::string node;
    std::size_t records_max = 100'000;  // waiting for the database
    std::size_t reads_max = 1'000;      // waiting for their turn
    std::size_t urgent_max = 10'000;    // likewise of those that go before them
  };
  CallJournal(port::CallStore& store, Logger& log, Options options);
  CallJournal(const CallJournal&) = delete;
  CallJournal& operator=(const CallJournal&) = delete;
  ~CallJournal() { finish(); }

  /// Writes what it can within a few seconds, then ends the thread. Idempotent.
  void finish();

  /// Thread-safe; never blocks.
  void save(call::CallRecord record);
  /// Urgent: a telephone call waits for it. Goes before everything else that is read.
  enum class Turn : std::uint8_t { Urgent, Usual };
  /// `query` runs on the journal's thread, after every record saved before this call was written. False: too many wait.
  [[nodiscard]] bool query(Query query, Turn turn = Turn::Usual);
  /// What a query tells when it gets no store.
  [[nodiscard]] static port::StoreError database_is_down() {
    return {port::StoreErrorKind::Unavailable, "records wait for the database"};
  }

  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Read {
    Query query;
    std::uint64_t after_record = 0;  // records with a smaller number come first
  };
  void work();
  void serve_reads(std::vector<Read> reads, bool database_down);
  [[nodiscard]] std::vector<Read> take_due_reads(bool database_down);
  /// False: the database does not answer; what is left of the batch is to be kept. True: what is left was written.
  [[nodiscard]] bool write(std::vector<call::CallRecord>& batch);
  void keep_again(std::vector<call::CallRecord> batch);

  port::CallStore& store_;
  Logger& log_;
  const Options options_;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::atomic<std::uint64_t> failures_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<call::CallRecord> records_;
  std::deque<Read> reads_;
  std::deque<Read> urgent_;
  std::uint64_t saved_ = 0;    // records accepted so far
  std::uint64_t written_ = 0;  // of them written or dropped
  bool ending_ = false;
  std::jthread thread_;
};

}  // namespace zvonok::app
