// The listings read what they show, not the table: their query plans, with enough rows for a plan to matter.
#include "adapter/store_sql/listing_sql.h"
#include "contract/store/fixture.h"

namespace zvonok::test {
namespace {

using store_sql::Column;
using testing::HasSubstr;
using testing::Not;

class Plans : public StoreContract {
 protected:
  std::string plan(const std::string& sql, const store_sql::Params& params) {
    const auto session = database_.session();
    std::string out;
    switch (GetParam()) {
      case DatabaseKind::Sqlite:
        for (const auto& row :
             session->query("EXPLAIN QUERY PLAN " + sql,
                            {Column::Integer, Column::Integer, Column::Integer, Column::Text}, params)) {
          out += row.text(3) + "\n";
        }
        break;
      case DatabaseKind::Postgres:
        session->command("ANALYZE");
        for (const auto& row : session->query("EXPLAIN " + sql, {Column::Text}, params)) out += row.text(0) + "\n";
        break;
    }
    return out;
  }
  void expect_by_index(const std::string& text, const std::vector<std::string>& indexes) {
    for (const auto& index : indexes) EXPECT_THAT(text, HasSubstr(index)) << text;
    EXPECT_THAT(text, Not(HasSubstr("Seq Scan"))) << text;
    EXPECT_THAT(text, Not(HasSubstr("SCAN calls"))) << text;
    EXPECT_THAT(text, Not(HasSubstr("SCAN private_chats"))) << text;
  }
  /// Every tenth row is the heavy user's, so that an index is no foregone conclusion.
  void fill() {
    std::vector<call::CallRecord> records;
    for (std::uint64_t i = 0; i < 6000; ++i) {
      call::CallRecord record;
      record.id = CallId{uuid_of(i)};
      record.state = call::CallState::Ended;
      record.reason = call::EndReason::Hangup;
      record.caller = UserId{i % 10 == 0 ? "heavy" : "user-" + std::to_string(i % 97)};
      record.callee = UserId{i % 10 == 5 ? "heavy" : "user-" + std::to_string(i % 89)};
      record.started_at = at(static_cast<double>(i));
      record.ended_at = record.started_at;
      records.push_back(record);
    }
    ASSERT_STORED(store().save_calls(records, "node-1"));
  }
};
ZVONOK_STORE_CONTRACT(Plans);

TEST_P(Plans, HistoryReadsTwoIndexes) {
  fill();
  for (const char* user : {"heavy", "user-1", "nobody"}) {
    expect_by_index(plan(store_sql::call_history_sql(), {{"user", std::string{user}},
                                                         {"at", unix_milliseconds(at(3000))},
                                                         {"id", uuid_of(5)},
                                                         {"limit", std::int64_t{51}}}),
                    {"calls_by_caller", "calls_by_callee"});
  }
}

TEST_P(Plans, PrivateChatsReadTwoIndexes) {
  const auto session = database_.session();
  session->command("BEGIN");
  for (int i = 0; i < 2000; ++i) {
    session->execute(
        "INSERT INTO users (id, display_name, name_key, password_hash, disabled, created_at) "
        "VALUES (:id, '', '', '', 0, 0)",
        {{"id", "user-" + std::to_string(i)}});
  }
  for (int i = 1; i < 2000; ++i) {
    session->execute(
        "INSERT INTO private_chats (id, first_user_id, second_user_id, created_at) VALUES (:id, :first, :second, :at)",
        {{"id", uuid_of(static_cast<std::uint64_t>(i))},
         {"first", std::string{i % 3 == 0 ? "user-0" : "user-1"}},
         {"second", "user-" + std::to_string(i)},
         {"at", std::int64_t{i}}});
  }
  session->command("COMMIT");
  expect_by_index(plan(store_sql::private_chats_sql(), {{"user", std::string{"user-0"}},
                                                        {"at", std::int64_t{1000}},
                                                        {"id", uuid_of(5)},
                                                        {"limit", std::int64_t{51}}}),
                  {"private_chats_by_first", "private_chats_by_second"});
}

TEST_P(Plans, GroupsAndTheirMembersReadOneIndexEach) {
  const auto session = database_.session();
  session->command("BEGIN");
  for (int i = 0; i < 1000; ++i) {
    const store_sql::Params id{{"id", uuid_of(static_cast<std::uint64_t>(i))}};
    session->execute(
        "INSERT INTO users (id, display_name, name_key, password_hash, disabled, created_at) "
        "VALUES (:id, '', '', '', 0, 0)",
        id);
    session->execute("INSERT INTO chat_groups VALUES (:id, 'title', 'somebody', 0, 6)", id);
  }
  for (int i = 0; i < 6000; ++i) {
    session->execute("INSERT INTO group_members VALUES (:group, :user, 'member', :at)",
                     {{"group", uuid_of(static_cast<std::uint64_t>(i % 1000))},
                      {"user", uuid_of(static_cast<std::uint64_t>((i % 1000 * 37 + i / 1000) % 1000))},
                      {"at", std::int64_t{i}}});
  }
  session->command("COMMIT");
  const auto expect_index = [&](const std::string& sql, const char* key, const std::string& index) {
    const std::string text =
        plan(sql, {{key, uuid_of(7)}, {"at", std::int64_t{3000}}, {"id", uuid_of(5)}, {"limit", std::int64_t{51}}});
    EXPECT_THAT(text, HasSubstr(index)) << text;
    EXPECT_THAT(text, Not(HasSubstr("Seq Scan on group_members"))) << text;
    EXPECT_THAT(text, Not(HasSubstr("SCAN group_members"))) << text;
  };
  expect_index(store_sql::groups_sql(), "user", "group_members_by_user");
  expect_index(store_sql::group_members_sql(), "group", "group_members_by_time");
}

TEST_P(Plans, TheCleanUpAfterACrashReadsOpenCallsOnly) {
  fill();
  expect_by_index(
      plan("SELECT id FROM calls WHERE node = :node AND state <> 'ended'", {{"node", std::string{"node-1"}}}),
      {"calls_open"});
}

}  // namespace
}  // namespace zvonok::test
