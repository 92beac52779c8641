// Contract of CallStore.
#include <algorithm>
#include <atomic>
#include <random>

#include "contract/store/fixture.h"

namespace zvonok::test {
namespace {

using call::CallKind;
using call::CallRecord;
using call::CallState;
using call::EndReason;
using port::StoreErrorKind;

CallRecord ringing(std::uint64_t number, const std::string& caller = "alice", const std::string& callee = "bob") {
  CallRecord record;
  record.id = CallId{uuid_of(number)};
  record.kind = CallKind::Pair;
  record.state = CallState::Ringing;
  record.caller = UserId{caller};
  record.callee = UserId{callee};
  record.started_at = at(static_cast<double>(number));
  return record;
}

CallRecord active(CallRecord record) {
  record.state = CallState::Active;
  record.ringing_at = record.started_at + milliseconds{120};
  record.answered_at = record.started_at + seconds{5};
  return record;
}

CallRecord ended(CallRecord record) {
  record.state = CallState::Ended;
  record.reason = EndReason::Hangup;
  record.ended_at = record.started_at + seconds{65};
  record.duration_seconds = 60;
  return record;
}

class Calls : public StoreContract {
 protected:
  std::optional<CallRecord> found(std::uint64_t number) {
    const auto result = store().find_call(CallId{uuid_of(number)});
    EXPECT_TRUE(result.has_value()) << result.error().detail;
    return result ? *result : std::nullopt;
  }
  std::vector<CallRecord> history(const std::string& user, std::size_t limit = 50) {
    return all_pages<CallRecord>([&](const port::PageRequest& page) { return store().list_calls(UserId{user}, page); },
                                 limit);
  }
};
ZVONOK_STORE_CONTRACT(Calls);

TEST_P(Calls, AreKeptInEveryStateKindAndReason) {
  std::vector<CallRecord> records;
  std::uint64_t number = 0;
  for (const CallKind kind : {CallKind::Pair, CallKind::Room, CallKind::Tunnel, CallKind::Phone}) {
    for (const EndReason reason :
         {EndReason::Hangup, EndReason::Declined, EndReason::Canceled, EndReason::NoAnswer, EndReason::Busy,
          EndReason::Offline, EndReason::Disconnected, EndReason::ServerShutdown, EndReason::Failed}) {
      CallRecord record = ended(active(ringing(++number)));
      record.kind = kind;
      record.reason = reason;
      if (number % 2 == 0) record.chat = ChatId{"chat 'ü' 1"};
      records.push_back(record);
    }
  }
  records.push_back(ringing(++number));
  records.push_back(active(ringing(++number)));
  CallRecord nobody = ringing(++number, "", "");
  nobody.kind = CallKind::Room;
  records.push_back(nobody);
  ASSERT_STORED(store().save_calls(records, "node-1"));
  for (const auto& record : records) EXPECT_EQ(store().find_call(record.id).value(), record);
  reopen();
  for (const auto& record : records) EXPECT_EQ(store().find_call(record.id).value(), record) << "after a restart";
  EXPECT_EQ(store().find_call(CallId{"unknown"}).value(), std::nullopt);
}

TEST_P(Calls, NeedNoUsersInThisStore) {
  ASSERT_STORED(store().save_calls({ringing(1, "of", "elsewhere")}, "node-1"));
}

TEST_P(Calls, BecomeMoreCompleteWithEachWrite) {
  ASSERT_STORED(store().save_calls({ringing(1)}, "node-1"));
  EXPECT_EQ(found(1), ringing(1));
  ASSERT_STORED(store().save_calls({active(ringing(1))}, "node-1"));
  EXPECT_EQ(found(1), active(ringing(1)));
  ASSERT_STORED(store().save_calls({ended(active(ringing(1)))}, "node-1"));
  EXPECT_EQ(found(1), ended(active(ringing(1))));
}

TEST_P(Calls, AnEndedRecordIsNeverReopenedOrChanged) {
  const CallRecord final = ended(active(ringing(1)));
  ASSERT_STORED(store().save_calls({final}, "node-1"));
  CallRecord other_end = final;
  other_end.reason = EndReason::Failed;
  other_end.duration_seconds = 9;
  other_end.caller = UserId{"mallory"};
  for (const CallRecord& late : {ringing(1), active(ringing(1)), other_end}) {
    ASSERT_STORED(store().save_calls({late}, "node-2"));
    EXPECT_EQ(found(1), final);
  }
  EXPECT_EQ(store().settle_open_calls("node-2", at(500), hours{2}).value(), 0);
}

TEST_P(Calls, WritesInAnyOrderGiveTheSameRecord) {
  const CallRecord final = ended(active(ringing(0)));
  std::vector<CallRecord> writes{ringing(0), active(ringing(0)), final};
  std::uint64_t number = 0;
  std::vector<int> order{0, 1, 2};
  do {
    ++number;
    for (const int i : order) {
      CallRecord record = writes[static_cast<std::size_t>(i)];
      record.id = CallId{uuid_of(number)};
      ASSERT_STORED(store().save_calls({record}, "node-1"));
    }
    CallRecord expected = final;
    expected.id = CallId{uuid_of(number)};
    EXPECT_EQ(found(number), expected) << order[0] << order[1] << order[2];
  } while (std::ranges::next_permutation(order).found);
  CallRecord late = ringing(100);
  ASSERT_STORED(store().save_calls({active(late)}, "node-1"));
  ASSERT_STORED(store().save_calls({late}, "node-1"));
  EXPECT_EQ(found(100), active(late)) << "an answered call does not ring again";
}

TEST_P(Calls, ABatchMayHoldOneCallTwice) {
  ASSERT_STORED(store().save_calls({ringing(2), ringing(1), active(ringing(2)), ended(active(ringing(2)))}, "node-1"));
  EXPECT_EQ(found(1), ringing(1));
  EXPECT_EQ(found(2), ended(active(ringing(2))));
}

TEST_P(Calls, ABatchIsStoredWhollyOrNotAtAll) {
  CallRecord bad = ringing(2);
  bad.caller = UserId{std::string("nul\0", 4)};
  EXPECT_STORE_ERROR(store().save_calls({ringing(1), bad}, "node-1"), StoreErrorKind::Invalid);
  EXPECT_EQ(found(1), std::nullopt);
  // And when it is the database that refuses, in the middle of the batch.
  const auto session = database_.session();
  session->command("CREATE UNIQUE INDEX one_callee ON calls (callee_id)");
  std::vector<CallRecord> batch;
  for (std::uint64_t i = 1; i <= 50; ++i) batch.push_back(ringing(i, "alice", "callee " + std::to_string(i % 40)));
  EXPECT_STORE_ERROR(store().save_calls(batch, "node-1"), StoreErrorKind::Conflict);
  EXPECT_TRUE(history("alice").empty());
  session->command("DROP INDEX one_callee");
  ASSERT_STORED(store().save_calls(batch, "node-1"));
  EXPECT_EQ(history("alice").size(), 50U);
}

TEST_P(Calls, AnEmptyBatchIsFine) {
  ASSERT_STORED(store().save_calls({}, "node-1"));
}

TEST_P(Calls, TextsThatBreakTheLimitsAreInvalid) {
  for (const std::string& text : {std::string("nul\0", 4), std::string{"\xff"}, std::string(10240, 'a')}) {
    CallRecord record = ringing(1);
    record.id = CallId{text};
    EXPECT_STORE_ERROR(store().save_calls({record}, "node-1"), StoreErrorKind::Invalid);
    record = ringing(1);
    record.callee = UserId{text};
    EXPECT_STORE_ERROR(store().save_calls({record}, "node-1"), StoreErrorKind::Invalid);
    record = ringing(1);
    record.chat = ChatId{text};
    EXPECT_STORE_ERROR(store().save_calls({record}, "node-1"), StoreErrorKind::Invalid);
    EXPECT_STORE_ERROR(store().save_calls({ringing(1)}, text), StoreErrorKind::Invalid);
    EXPECT_EQ(store().find_call(CallId{text}).value(), std::nullopt);
    EXPECT_TRUE(history(text).empty());
    EXPECT_EQ(store().settle_open_calls(text, at(0), hours{2}).value(), 0);
  }
  EXPECT_STORE_ERROR(store().save_calls({CallRecord{}}, "node-1"), StoreErrorKind::Invalid);
}

TEST_P(Calls, HistoryHasBothSidesNewestFirstThenGreatestId) {
  auto same_time = [](std::uint64_t number, const std::string& caller, const std::string& callee) {
    CallRecord record = ringing(number, caller, callee);
    record.started_at = at(50);
    return record;
  };
  ASSERT_STORED(
      store().save_calls({ringing(1, "alice", "bob"), ringing(90, "bob", "alice"), same_time(7, "carol", "alice"),
                          same_time(8, "alice", "carol"), ringing(5, "bob", "carol"), ringing(60, "alice", "alice")},
                         "node-1"));
  std::vector<std::string> ids;
  for (const auto& record : history("alice", 2)) ids.push_back(record.id.value());
  EXPECT_EQ(ids, (std::vector<std::string>{uuid_of(90), uuid_of(60), uuid_of(8), uuid_of(7), uuid_of(1)}));
  EXPECT_EQ(history("nobody").size(), 0U);
}

TEST_P(Calls, HistoryPagesOver500RowsGiveEachRowOnceWhateverThePageSize) {
  constexpr std::uint64_t kSeed = 20250101;
  std::mt19937_64 random{kSeed};
  std::vector<CallRecord> records;
  for (std::uint64_t i = 0; i < 500; ++i) {
    CallRecord record = i % 3 == 0 ? ringing(i, "alice", "bob") : ringing(i, "user " + std::to_string(i % 7), "alice");
    // Few different moments, so that ties are longer than pages.
    record.started_at = at(static_cast<double>(random() % 20));
    records.push_back(record);
  }
  std::ranges::shuffle(records, random);
  ASSERT_STORED(store().save_calls(records, "node-1"));
  std::ranges::sort(records, [](const CallRecord& a, const CallRecord& b) {
    return std::tie(a.started_at, a.id) > std::tie(b.started_at, b.id);
  });
  for (const std::size_t limit : {std::size_t{1}, std::size_t{13}, std::size_t{100}, std::size_t{200}}) {
    EXPECT_EQ(history("alice", limit), records) << "limit " << limit << ", seed " << kSeed;
  }
}

TEST_P(Calls, ACallThatStartsBetweenTwoPagesShiftsNothing) {
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_STORED(store().save_calls({ringing(i)}, "node-1"));
  const auto first = store().list_calls(UserId{"bob"}, {.after = "", .limit = 10});
  ASSERT_STORED(first);
  ASSERT_STORED(store().save_calls({ringing(100)}, "node-1"));
  const auto second = store().list_calls(UserId{"bob"}, {.after = first->next, .limit = 10});
  ASSERT_STORED(second);
  ASSERT_EQ(second->items.size(), 10U);
  EXPECT_EQ(second->items.front(), ringing(9));
  EXPECT_EQ(second->items.back(), ringing(0));
  EXPECT_EQ(second->next, "");
}

TEST_P(Calls, ForeignCursorsGiveAnEmptyPage) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    ASSERT_STORED(store().save_calls({ringing(i)}, "node-1"));
    add_user(uuid_of(i));
  }
  const std::string of_users =
      store().list_users({.search = "", .include_disabled = false, .page = {.after = "", .limit = 2}})->next;
  const std::string of_calls = store().list_calls(UserId{"alice"}, {.after = "", .limit = 2})->next;
  ASSERT_NE(of_users, "");
  ASSERT_NE(of_calls, "");
  for (const std::string& cursor :
       {std::string{"x"}, std::string{"!!!"}, std::string{"AAAA"}, std::string{"%00"}, of_users, of_calls + "A",
        std::string(100000, 'A'), std::string{"Yzo5"}, std::string{"' OR 1=1 --"}}) {
    const auto page = store().list_calls(UserId{"alice"}, {.after = cursor, .limit = 2});
    ASSERT_STORED(page);
    EXPECT_TRUE(page->items.empty()) << cursor.substr(0, 40);
    EXPECT_EQ(page->next, "");
  }
  const auto users =
      store().list_users({.search = "", .include_disabled = false, .page = {.after = of_calls, .limit = 2}});
  ASSERT_STORED(users);
  EXPECT_TRUE(users->items.empty());
}

TEST_P(Calls, SettleEndsTheOpenCallsOfOneNode) {
  CallRecord answered = active(ringing(1));  // answered at 6
  CallRecord unanswered = ringing(2);
  CallRecord future = active(ringing(1000));  // by a clock that was set back since
  const CallRecord other_node = active(ringing(3));
  const CallRecord over = ended(active(ringing(4)));
  ASSERT_STORED(store().save_calls({answered, unanswered, future, over}, "node-1"));
  ASSERT_STORED(store().save_calls({other_node}, "node-2"));
  EXPECT_EQ(store().settle_open_calls("node-1", at(36.9), hours{2}).value(), 3);
  for (CallRecord* record : {&answered, &unanswered, &future}) {
    record->state = CallState::Ended;
    record->reason = EndReason::ServerShutdown;
    record->ended_at = at(36.9);
  }
  answered.duration_seconds = 30;  // 30.9 s
  future.ended_at = future.answered_at;
  EXPECT_EQ(found(1), answered);
  EXPECT_EQ(found(2), unanswered);
  EXPECT_EQ(found(1000), future);
  EXPECT_EQ(found(3), other_node);
  EXPECT_EQ(found(4), over);
  EXPECT_EQ(store().settle_open_calls("node-1", at(40), hours{2}).value(), 0) << "idempotent";
  EXPECT_EQ(store().settle_open_calls("", at(40), hours{2}).value(), 0);
}

TEST_P(Calls, SettleGivesNoPhoneCallMoreThanItMayLast) {
  CallRecord phone = active(ringing(1));
  CallRecord brief = active(ringing(80'000));
  for (CallRecord* record : {&phone, &brief}) {
    record->kind = CallKind::Phone;
    record->phone = call::PhoneSide{.number = "+4930123456", .session_id = "s"};
  }
  CallRecord pair = active(ringing(2));
  ASSERT_STORED(store().save_calls({phone, pair, brief}, "node-1"));
  EXPECT_EQ(store().settle_open_calls("node-1", at(86'400), hours{2}).value(), 3);  // a day later
  EXPECT_EQ(found(1)->duration_seconds, 7200);
  EXPECT_EQ(found(1)->ended_at, *phone.answered_at + hours{2});
  EXPECT_EQ(found(80'000)->duration_seconds, 6395);
  EXPECT_EQ(found(2)->ended_at, at(86'400)) << "other calls may be as long as they like";
  const auto usage = store().phone_usage(at(0));
  ASSERT_STORED(usage);
  EXPECT_EQ(usage->at(0).talked_seconds, 7200 + 6395);
}

TEST_P(Calls, ACallThatMovedBelongsToItsNewNode) {
  ASSERT_STORED(store().save_calls({ringing(1)}, "node-1"));
  ASSERT_STORED(store().save_calls({active(ringing(1))}, "node-2"));
  EXPECT_EQ(store().settle_open_calls("node-1", at(40), hours{2}).value(), 0);
  EXPECT_EQ(store().settle_open_calls("node-2", at(40), hours{2}).value(), 1);
}

TEST_P(Calls, WritersAndReadersOnManyThreadsDoNotFail) {
  constexpr std::uint64_t kPerThread = 60;
  std::atomic<int> errors = 0;
  in_parallel(12, [&](std::size_t thread) {
    for (std::uint64_t i = 0; i < kPerThread; ++i) {
      if (thread < 8) {
        // Neighbours write the same calls, in opposite orders.
        std::vector<CallRecord> batch;
        for (std::uint64_t k = 0; k < 5; ++k)
          batch.push_back(active(ringing((thread / 2) * 1000 + (i + k) % kPerThread)));
        if (thread % 2 == 0) std::ranges::reverse(batch);
        if (!store().save_calls(batch, "node-1")) ++errors;
      } else {
        if (!store().list_calls(UserId{"alice"}, {.after = "", .limit = 50})) ++errors;
      }
    }
  });
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(history("alice", 200).size(), 4 * kPerThread);
}

TEST_P(Calls, TwoStoresOnOneDatabaseShareIt) {
  // Two nodes; on SQLite, two processes' worth of locks.
  auto second = store_sql::StoreSql::create(database_.options());
  ASSERT_TRUE(second.has_value()) << second.error().message;
  std::atomic<int> errors = 0;
  in_parallel(6, [&](std::size_t thread) {
    auto& mine = thread % 2 == 0 ? store() : **second;
    for (std::uint64_t i = 0; i < 40; ++i) {
      if (!mine.save_calls({ringing(thread * 1000 + i)}, "node")) ++errors;
    }
  });
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(history("alice", 200).size(), 240U);
}

// ---- phone calls and searches ---------------------------------------------------------------------------------------

CallRecord phoned(std::uint64_t number, const std::string& caller, const std::string& telephone) {
  CallRecord record = ringing(number, caller, "");
  record.kind = CallKind::Phone;
  record.phone = call::PhoneSide{.number = telephone, .session_id = "sess_" + std::to_string(number)};
  return record;
}

CallRecord unanswered(CallRecord record, EndReason reason) {
  record.state = CallState::Ended;
  record.reason = reason;
  record.ended_at = record.started_at + seconds{9};
  return record;
}

TEST_P(Calls, ThroughTunnelsKeepWhatTheySent) {
  CallRecord counted = ringing(1);
  counted.kind = CallKind::Tunnel;
  ASSERT_STORED(store().save_calls({counted}, "node-1"));
  EXPECT_EQ(found(1)->tunnel, std::nullopt);
  counted = ended(active(counted));
  const call::TunnelTraffic caller{
      .bytes_sent = std::int64_t{1} << 40, .packets_sent = 2, .bytes_received = 3, .packets_received = 4};
  const call::TunnelTraffic callee{.bytes_sent = 5, .packets_sent = 6, .bytes_received = 7, .packets_received = 0};
  counted.tunnel = call::TunnelUse{.seconds = 61, .sides = std::array{caller, callee}};
  ASSERT_STORED(store().save_calls({counted}, "node-1"));
  EXPECT_EQ(found(1), counted);
  CallRecord uncounted = counted;
  uncounted.id = ringing(2).id;
  uncounted.tunnel = call::TunnelUse{.seconds = 7};
  ASSERT_STORED(store().save_calls({uncounted}, "node-1"));
  EXPECT_EQ(found(2), uncounted);
}

TEST_P(Calls, ThroughTunnelsLearnLaterWhatTheySent) {
  CallRecord call = ringing(1);
  call.kind = CallKind::Tunnel;
  call = ended(active(call));
  call.tunnel = call::TunnelUse{.seconds = 61};
  ASSERT_STORED(store().save_calls({call}, "node-1"));
  CallRecord counted = call;
  const call::TunnelTraffic caller{.bytes_sent = 5, .bytes_received = 0};
  counted.tunnel->sides = std::array{caller, call::TunnelTraffic{.bytes_sent = 6, .bytes_received = 7}};
  ASSERT_STORED(store().save_calls({counted}, "node-1"));
  EXPECT_EQ(found(1), counted) << "without packets, which nobody has counted";
  CallRecord again = counted;
  (*again.tunnel->sides)[0].bytes_sent = 99;
  ASSERT_STORED(store().save_calls({again, call}, "node-1"));
  EXPECT_EQ(found(1), counted) << "once, and not forgotten again";
  CallRecord open = counted;
  open.state = CallState::Active;
  open.reason = std::nullopt;
  open.ended_at = std::nullopt;
  ASSERT_STORED(store().save_calls({call, open}, "node-1"));
  EXPECT_EQ(found(1), counted) << "never reopened";
  // A call that was settled for this node knows of no tunnel: it stays as it is.
  CallRecord settled = ended(active(ringing(2)));
  settled.kind = CallKind::Tunnel;
  ASSERT_STORED(store().save_calls({settled}, "node-1"));
  CallRecord late = settled;
  late.tunnel = counted.tunnel;
  ASSERT_STORED(store().save_calls({late}, "node-1"));
  EXPECT_EQ(found(2), settled);
}

TEST_P(Calls, OfTelephonesKeepTheNumberAndTheSession) {
  const CallRecord open = phoned(1, "alice", "+491512345678");
  ASSERT_STORED(store().save_calls({open}, "node-1"));
  EXPECT_EQ(found(1), open);
  ASSERT_STORED(store().save_calls({ended(active(open))}, "node-1"));
  EXPECT_EQ(found(1), ended(active(open)));
  EXPECT_EQ(history("alice"), (std::vector{ended(active(open))}));
  EXPECT_TRUE(history("").empty()) << "the telephone's side is nobody's history";
  CallRecord nameless = phoned(2, "alice", "");
  EXPECT_STORE_ERROR(store().save_calls({nameless}, "node-1"), StoreErrorKind::Invalid);
  nameless.callee = std::exchange(nameless.caller, UserId{});
  ASSERT_STORED(store().save_calls({nameless}, "node-1"));
  EXPECT_EQ(found(2), nameless) << "who calls may withhold it";
}

TEST_P(Calls, OfTelephonesInRoomsKeepTheRoom) {
  CallRecord in_room = phoned(1, "alice", "+491512345678");
  in_room.chat = ChatId{"team"};
  in_room.phone->room = call::RoomKey{.kind = call::RoomKind::Group, .id = ChatId{"team"}};
  ASSERT_STORED(store().save_calls({in_room}, "node-1"));
  EXPECT_EQ(found(1), in_room);
  ASSERT_STORED(store().save_calls({ended(active(in_room))}, "node-1"));
  EXPECT_EQ(history("alice"), (std::vector{ended(active(in_room))}));
}

TEST_P(Calls, OfTelephonesAreFoundByTheKeyOfTheirRequest) {
  CallRecord keyed = phoned(3, "alice", "+491512345678");
  keyed.phone->key = "one call";
  ASSERT_STORED(store().save_calls({keyed, phoned(4, "alice", "+491512345678")}, "node-1"));
  EXPECT_EQ(found(3), keyed);
  const auto by_key = [&](const std::string& user, const std::string& key, double since) {
    return store().find_keyed_call(UserId{user}, key, at(since)).value();
  };
  EXPECT_EQ(by_key("alice", "one call", 3), keyed);
  EXPECT_EQ(by_key("alice", "one call", 4), std::nullopt) << "too long ago";
  EXPECT_EQ(by_key("bob", "one call", 0), std::nullopt) << "a key is its user's";
  EXPECT_EQ(by_key("alice", "another", 0), std::nullopt);
  EXPECT_EQ(by_key("alice", "", 0), std::nullopt) << "no key is no key";
  CallRecord later = phoned(5, "alice", "+491512345678");
  later.phone->key = "one call";
  ASSERT_STORED(store().save_calls({ended(active(keyed)), later}, "node-1"));
  EXPECT_EQ(by_key("alice", "one call", 0), later) << "the newest";
  keyed.id = CallId{uuid_of(6)};
  keyed.phone->key = std::string(256, 'k');
  EXPECT_STORE_ERROR(store().save_calls({keyed}, "node-1"), StoreErrorKind::Invalid);
}

TEST_P(Calls, OfTelephonesAreSettledLikeOthers) {
  ASSERT_STORED(
      store().save_calls({phoned(1, "alice", "+491512345678"), active(phoned(2, "bob", "+12025550123"))}, "n"));
  EXPECT_EQ(store().settle_open_calls("n", at(100), hours{2}).value(), 2);
  EXPECT_EQ(store().settle_open_calls("n", at(100), hours{2}).value(), 0);
  for (const std::uint64_t number : {1U, 2U}) {
    EXPECT_EQ(found(number)->state, CallState::Ended);
    EXPECT_EQ(found(number)->reason, EndReason::ServerShutdown);
  }
  EXPECT_EQ(found(2)->phone->number, "+12025550123");
  EXPECT_EQ(found(2)->duration_seconds, 93);
}

TEST_P(Calls, AreFoundByWhatIsAskedFor) {
  const std::string telephone = "+491512345678";
  ASSERT_STORED(store().save_calls({ended(active(ringing(1))), unanswered(ringing(2), EndReason::Busy),
                                    unanswered(ringing(3, "bob", "alice"), EndReason::Failed),
                                    ended(active(phoned(4, "alice", telephone))), active(phoned(5, "alice", telephone)),
                                    phoned(6, "alice", "+12025550123"), ended(active(phoned(7, "bob", telephone)))},
                                   "node-1"));
  const auto numbers = [&](const port::CallFilter& filter, std::size_t limit = 50) {
    std::vector<std::uint64_t> out;
    const auto records = all_pages<CallRecord>(
        [&](const port::PageRequest& page) { return store().search_calls(UserId{"alice"}, filter, page); }, limit);
    for (const CallRecord& record : records) {
      for (std::uint64_t n = 1; n <= 7; ++n) {
        if (record.id == CallId{uuid_of(n)}) out.push_back(n);
      }
    }
    return out;
  };
  using Numbers = std::vector<std::uint64_t>;
  port::CallFilter filter;
  EXPECT_EQ(numbers(filter), (Numbers{6, 5, 4, 3, 2, 1}));
  filter.kind = CallKind::Phone;
  EXPECT_EQ(numbers(filter), (Numbers{6, 5, 4}));
  EXPECT_EQ(numbers(filter, 1), (Numbers{6, 5, 4})) << "page by page";
  filter.phone_number = telephone;
  EXPECT_EQ(numbers(filter), (Numbers{5, 4}));
  filter.state = CallState::Active;
  EXPECT_EQ(numbers(filter), Numbers{5});
  filter = {};
  filter.state = CallState::Ringing;
  filter.rung = false;
  EXPECT_EQ(numbers(filter), Numbers{6});
  filter.rung = true;
  EXPECT_EQ(numbers(filter), Numbers{});
  filter = {};
  filter.answered = true;
  EXPECT_EQ(numbers(filter), (Numbers{5, 4, 1}));
  filter = {};
  filter.state = CallState::Ended;
  filter.answered = false;
  filter.reasons = {EndReason::Failed, EndReason::Busy};
  EXPECT_EQ(numbers(filter), (Numbers{3, 2}));
  filter.reasons = {EndReason::Busy};
  EXPECT_EQ(numbers(filter), Numbers{2});
  filter = {};
  filter.outgoing = true;
  const Numbers outgoing = numbers(filter);
  filter.outgoing = false;
  const Numbers incoming = numbers(filter);
  EXPECT_EQ(outgoing.size() + incoming.size(), 6U);
  EXPECT_FALSE(incoming.empty());
  for (const std::uint64_t n : incoming)
    EXPECT_EQ(store().find_call(CallId{uuid_of(n)}).value()->callee, UserId{"alice"});
  filter = {};
  filter.started_from = at(2);
  filter.started_until = at(5);
  EXPECT_EQ(numbers(filter), (Numbers{4, 3, 2}));
  filter.phone_number = std::string{"\xff", 1};
  EXPECT_EQ(numbers(filter), Numbers{}) << "what no number can be is found nowhere";
}

TEST_P(Calls, OfTelephonesAreSummedUpForTheDay) {
  ASSERT_STORED(store().save_calls(
      {ended(active(phoned(1, "alice", "+491512345678"))), ended(active(phoned(2, "alice", "+491512345678"))),
       unanswered(phoned(3, "alice", "+491512345678"), EndReason::Busy), phoned(4, "bob", "+491512345678"),
       ended(active(ringing(5)))},
      "node-1"));
  auto usage = store().phone_usage(at(2)).value();
  std::ranges::sort(usage, {}, &port::PhoneUsage::user);
  EXPECT_EQ(usage, (std::vector<port::PhoneUsage>{{.user = UserId{"alice"}, .calls = 2, .talked_seconds = 60},
                                                  {.user = UserId{"bob"}, .calls = 1, .talked_seconds = 0}}));
  EXPECT_TRUE(store().phone_usage(at(50)).value().empty());
}

}  // namespace
}  // namespace zvonok::test
