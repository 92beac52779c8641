// The threaded parts without a server: the worker pool and the journal of call records.
#include <atomic>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "app/call_journal.h"
#include "app/worker_pool.h"
#include "support/memory_store.h"

namespace zvonok::app {
namespace {

using test::MemoryStore;

TEST(WorkerPool, RunsEverythingItAccepted) {
  constexpr int kTasks = 5'000;
  std::atomic<int> left = kTasks;
  std::promise<void> all;
  WorkerPool pool{{.threads = 4, .queue_max = 10'000}};
  for (int i = 0; i < kTasks; ++i) {
    ASSERT_TRUE(pool.submit([&] {
      if (--left == 0) all.set_value();
    }));
  }
  all.get_future().wait();
}

TEST(WorkerPool, EndsWithoutDoingWhatStillWaits) {
  std::promise<void> release;
  std::promise<void> started;
  std::atomic<int> ran = 0;
  WorkerPool pool{{.threads = 1, .queue_max = 100}};
  ASSERT_TRUE(pool.submit([&] {
    started.set_value();
    release.get_future().wait();
    ++ran;
  }));
  started.get_future().wait();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool.submit([&] { ++ran; }));
  std::jthread ending{[&] { pool.finish(); }};
  // Once it refuses, it has thrown away what waits.
  while (pool.queued() > 0) std::this_thread::yield();
  release.set_value();
  ending.join();
  EXPECT_EQ(ran, 1);
}

TEST(WorkerPool, RefusesWhatDoesNotFitAndCountsIt) {
  std::promise<void> release;
  std::promise<void> started;
  WorkerPool pool{{.threads = 1, .queue_max = 2}};
  ASSERT_TRUE(pool.submit([&] {
    started.set_value();
    release.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  EXPECT_EQ(pool.queued(), 2U);
  EXPECT_EQ(pool.refused(), 1U);
  release.set_value();
  pool.finish();
  EXPECT_FALSE(pool.submit([] {}));
}

call::CallRecord record(int number, call::CallState state) {
  call::CallRecord out;
  out.id = CallId{"call-" + std::to_string(number)};
  out.caller = UserId{"alice"};
  out.callee = UserId{"bob"};
  out.state = state;
  out.started_at = WallTime{seconds{1'000'000 + number}};
  if (state == call::CallState::Ended) {
    out.ended_at = out.started_at + seconds{1};
    out.reason = call::EndReason::Hangup;
  }
  return out;
}

port::StoreResult<port::Page<call::CallRecord>> read_now(CallJournal& journal) {
  std::promise<port::StoreResult<CallJournal::HistoryPage>> answer;
  auto future = answer.get_future();
  EXPECT_TRUE(journal.query([&](port::CallStore* store) {
    if (store == nullptr) {
      answer.set_value(fail(CallJournal::database_is_down()));
    } else {
      answer.set_value(store->list_calls(UserId{"alice"}, port::PageRequest{.after = {}, .limit = 100}));
    }
  }));
  return future.get();
}

TEST(CallJournal, ReadsSeeEverythingSavedBefore) {
  MemoryStore store;
  NullLogger log;
  CallJournal journal{store, log, {.node = "n", .records_max = 1000, .reads_max = 10}};
  for (int i = 0; i < 50; ++i) {
    journal.save(record(i, call::CallState::Ringing));
    journal.save(record(i, call::CallState::Ended));
    const auto page = read_now(journal);
    ASSERT_TRUE(page);
    ASSERT_EQ(page->items.size(), static_cast<std::size_t>(i) + 1);
    EXPECT_EQ(page->items[0].state, call::CallState::Ended);
  }
}

TEST(CallJournal, WhatIsUrgentGoesBeforeTheReadsThatWait) {
  MemoryStore store;
  NullLogger log;
  CallJournal journal{store, log, {.node = "n", .records_max = 1000, .reads_max = 100, .urgent_max = 1}};
  std::promise<void> begun;
  std::promise<void> release;
  std::vector<std::string> order;
  std::promise<void> all_read;
  ASSERT_TRUE(journal.query([&](port::CallStore*) {
    begun.set_value();
    release.get_future().wait();
  }));
  begun.get_future().wait();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(journal.query([&, i](port::CallStore*) {
      order.push_back("read");
      if (i == 99) all_read.set_value();
    }));
  }
  EXPECT_FALSE(journal.query([](port::CallStore*) {})) << "too many wait";
  journal.save(record(1, call::CallState::Ringing));
  ASSERT_TRUE(journal.query(
      [&](port::CallStore* books) {
        EXPECT_TRUE(*books->find_call(CallId{"call-1"})) << "its record is written first";
        order.push_back("dial");
      },
      CallJournal::Turn::Urgent));
  EXPECT_FALSE(journal.query([](port::CallStore*) {}, CallJournal::Turn::Urgent)) << "a limit of its own";
  release.set_value();
  all_read.get_future().wait();
  ASSERT_EQ(order.size(), 101U);
  EXPECT_EQ(order.front(), "dial");
}

TEST(CallJournal, KeepsRecordsWhileTheDatabaseIsDownAndWritesThemAfterwards) {
  MemoryStore store;
  NullLogger log;
  CallJournal journal{store, log, {.node = "n", .records_max = 1000, .reads_max = 10}};
  store.set_health(MemoryStore::Health::Down);
  for (int i = 0; i < 20; ++i) journal.save(record(i, call::CallState::Ended));
  EXPECT_FALSE(read_now(journal)) << "reads fail at once while the database is down";
  store.set_health(MemoryStore::Health::Up);
  journal.finish();
  const auto page = store.list_calls(UserId{"alice"}, port::PageRequest{.after = {}, .limit = 100});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items.size(), 20U);
  EXPECT_EQ(journal.dropped(), 0U);
}

TEST(CallJournal, DropsTheOldestBeyondItsLimitAndCountsThem) {
  MemoryStore store;
  NullLogger log;
  store.set_health(MemoryStore::Health::Down);
  CallJournal journal{store, log, {.node = "n", .records_max = 10, .reads_max = 10}};
  for (int i = 0; i < 100; ++i) journal.save(record(i, call::CallState::Ended));
  EXPECT_FALSE(read_now(journal));
  EXPECT_GE(journal.dropped(), 80U);
  EXPECT_LE(journal.waiting(), 10U);
  store.set_health(MemoryStore::Health::Up);
  journal.finish();
  const auto page = store.list_calls(UserId{"alice"}, port::PageRequest{.after = {}, .limit = 100});
  ASSERT_TRUE(page);
  ASSERT_FALSE(page->items.empty());
  EXPECT_EQ(page->items[0].id, CallId{"call-99"}) << "the newest are kept";
}

}  // namespace
}  // namespace zvonok::app
