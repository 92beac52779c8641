// Migrations: order, failures, several processes at once, and binaries older or newer than the database.
#include <algorithm>
#include <filesystem>
#include <thread>

#include "adapter/store_sql/migrator.h"
#include "contract/store/fixture.h"
#include "contract/store/helper_process.h"
#include "support/postgres.h"

namespace zvonok::test {
namespace {

using store_sql::Column;
using store_sql::Migration;
using store_sql::MigrationState;
using store_sql::SchemaOnStart;
using store_sql::StoreSql;
using store_sql::StoreSqlError;
using store_sql::StoreSqlErrorKind;
using store_sql::StoreSqlOptions;
using testing::HasSubstr;

const Migration kFirst{1, "first", "-- One.\nCREATE TABLE one (a BIGINT);\n"};
const Migration kSecond{2, "second", "CREATE TABLE two (a BIGINT);\nINSERT INTO two VALUES (2);\n"};
const Migration kBroken{3, "broken", "CREATE TABLE three (a BIGINT);\nINSERT INTO nowhere VALUES (3);\n"};

class Migrations : public testing::TestWithParam<DatabaseKind> {
 protected:
  Migrations() : database_{GetParam()} {}
  [[nodiscard]] StoreSqlOptions with(std::vector<Migration> list) const {
    auto options = database_.options();
    options.migrations = std::move(list);
    return options;
  }
  /// Applies the list; the error, or nullopt when all went well.
  [[nodiscard]] std::optional<StoreSqlError> error_of(const std::vector<Migration>& list) const {
    const auto report = store_sql::migrate(with(list));
    return report ? std::nullopt : std::optional{report.error()};
  }
  [[nodiscard]] std::int64_t count(const std::string& table) const {
    return database_.session()->query("SELECT COUNT(*) FROM " + table, {Column::Integer}).front().integer(0);
  }
  [[nodiscard]] bool has_table(const std::string& table) const {
    try {
      return count(table) >= 0;
    } catch (const store_sql::SqlFailure&) {
      return false;
    }
  }
  [[nodiscard]] std::vector<MigrationState> states(const std::vector<Migration>& list) const {
    std::vector<MigrationState> out;
    const auto status = store_sql::migration_status(with(list));
    EXPECT_TRUE(status.has_value());
    for (const auto& row : status.value()) out.push_back(row.state);
    return out;
  }

  TestDatabase database_;
};
ZVONOK_STORE_CONTRACT(Migrations);

TEST_P(Migrations, AreAppliedInOrderOnceAndReported) {
  const std::vector<Migration> list{kFirst, kSecond};
  EXPECT_EQ(states(list), (std::vector{MigrationState::Pending, MigrationState::Pending}));
  const auto report = store_sql::migrate(with(list));
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->applied, (std::vector<store_sql::MigrationName>{{1, "first"}, {2, "second"}}));
  EXPECT_EQ(report->applied_before, 0U);
  const auto again = store_sql::migrate(with(list));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->applied.empty());
  EXPECT_EQ(again->applied_before, 2U);
  EXPECT_EQ(count("two"), 1);
  EXPECT_EQ(states(list), (std::vector{MigrationState::Applied, MigrationState::Applied}));
}

TEST_P(Migrations, NumberThreeGivesCallsTheirBrowserSide) {
  const auto& list = store_sql::embedded_migrations();
  ASSERT_GE(list.size(), 3U);
  EXPECT_EQ(list[2].version, 3);
  EXPECT_EQ(list[2].name, "add_webrtc_fields_to_calls");
  ASSERT_TRUE(store_sql::migrate(database_.options()).has_value());
  EXPECT_TRUE(
      database_.session()
          ->query("SELECT session_id, sdp_offer, sdp_answer FROM calls", {Column::Text, Column::Text, Column::Text})
          .empty());
}

TEST_P(Migrations, AFailedOneLeavesTheOnesBeforeItAndNothingOfItself) {
  const auto error = error_of({kFirst, kSecond, kBroken});
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, StoreSqlErrorKind::Migration);
  EXPECT_THAT(error->message, HasSubstr("migrations/003_broken.sql, statement 2 of 2 (INSERT INTO nowhere"));
  EXPECT_EQ(count("two"), 1);
  EXPECT_FALSE(has_table("three"));
  EXPECT_EQ(count("schema_migrations"), 2);
  EXPECT_EQ(error_of({kFirst, kSecond, {3, "mended", "CREATE TABLE three (a BIGINT);\n"}}), std::nullopt);
  EXPECT_TRUE(has_table("three"));
}

TEST_P(Migrations, AnEditedOneIsNamedAndNothingIsApplied) {
  ASSERT_EQ(error_of({kFirst}), std::nullopt);
  const Migration edited{1, "first", kFirst.sql + "CREATE TABLE more (a BIGINT);\n"};
  const auto error = error_of({edited, kSecond});
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, StoreSqlErrorKind::Migration);
  EXPECT_THAT(error->message, HasSubstr("migrations/001_first.sql was edited after it was applied"));
  EXPECT_FALSE(has_table("two"));
  EXPECT_EQ(states({edited, kSecond}), (std::vector{MigrationState::Edited, MigrationState::Pending}));
  const auto store = StoreSql::create(with({edited}));
  ASSERT_FALSE(store.has_value());
  EXPECT_THAT(store.error().message, HasSubstr("migrations/001_first.sql was edited"));
}

TEST_P(Migrations, OtherLineEndsAreNoEdit) {
  ASSERT_EQ(error_of({kFirst}), std::nullopt);
  EXPECT_EQ(error_of({{1, "first", "-- One.\r\nCREATE TABLE one (a BIGINT);\r\n"}, kSecond}), std::nullopt);
}

TEST_P(Migrations, AnOlderBinaryRefusesANewerDatabase) {
  ASSERT_EQ(error_of({kFirst, kSecond}), std::nullopt);
  const auto error = error_of({kFirst});
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, StoreSqlErrorKind::Migration);
  EXPECT_THAT(error->message, HasSubstr("the database is newer than this binary: version 2 (second)"));
  EXPECT_EQ(states({kFirst}), (std::vector{MigrationState::Applied, MigrationState::Unknown}));
  EXPECT_FALSE(StoreSql::create(with({kFirst})).has_value());
}

TEST_P(Migrations, GapsAreRefusedInTheListAndInTheDatabase) {
  const auto in_list = error_of({kFirst, {3, "third", "CREATE TABLE three (a BIGINT);\n"}});
  ASSERT_TRUE(in_list.has_value());
  EXPECT_THAT(in_list->message, HasSubstr("migrations/003_third.sql where version 2 should be"));
  ASSERT_EQ(error_of({kFirst, kSecond}), std::nullopt);
  database_.session()->command("DELETE FROM schema_migrations WHERE version = 1");
  const auto in_database = error_of({kFirst, kSecond});
  ASSERT_TRUE(in_database.has_value());
  EXPECT_THAT(in_database->message, HasSubstr("version 2 (second) is applied, version 1 is not"));
}

TEST_P(Migrations, ASemicolonInsideALineIsRefusedBecauseOneDatabaseWouldStopThere) {
  const auto error = error_of({{1, "first", "CREATE TABLE one (a BIGINT); CREATE TABLE two (a BIGINT);\n"}});
  ASSERT_TRUE(error.has_value());
  EXPECT_THAT(error->message, HasSubstr("migrations/001_first.sql"));
  EXPECT_FALSE(has_table("one"));
  EXPECT_TRUE(error_of({{1, "first", "-- nothing\n"}}).has_value());
}

TEST_P(Migrations, RequireCurrentChangesNothingAndNamesWhatIsPending) {
  auto options = with({kFirst, kSecond});
  options.schema_on_start = SchemaOnStart::RequireCurrent;
  const auto store = StoreSql::create(options);
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().kind, StoreSqlErrorKind::Migration);
  EXPECT_THAT(store.error().message, HasSubstr("version 1 (first) is pending"));
  if (GetParam() == DatabaseKind::Sqlite) {
    EXPECT_FALSE(std::filesystem::exists(database_.sqlite_path()));
  }
  ASSERT_TRUE(store_sql::migrate(options).has_value());
  EXPECT_TRUE(StoreSql::create(options).has_value());
}

TEST_P(Migrations, ManyProcessesAtOnceApplyEachOnce) {
  for (int round = 0; round < 3; ++round) {
    const TestDatabase database{GetParam()};
    std::vector<std::unique_ptr<HelperProcess>> processes;
    for (int i = 0; i < 6; ++i) processes.push_back(std::make_unique<HelperProcess>(HelperJob::Migrate, database));
    for (const auto& process : processes) EXPECT_EQ(process->finish(), 0);
    const auto status = store_sql::migration_status(database.options());
    ASSERT_TRUE(status.has_value()) << status.error().message;
    EXPECT_EQ(status->size(), store_sql::embedded_migrations().size());
    for (const auto& row : *status) EXPECT_EQ(row.state, MigrationState::Applied) << row.name;
  }
}

TEST_P(Migrations, ManyThreadsAtOnceApplyEachOnce) {
  std::vector<std::size_t> applied(8);
  std::vector<std::string> errors(8);
  in_parallel(8, [&](std::size_t i) {
    const auto report = store_sql::migrate(database_.options());
    if (report) {
      applied[i] = report->applied.size();
    } else {
      errors[i] = report.error().message;
    }
  });
  for (const auto& error : errors) EXPECT_EQ(error, "");
  std::size_t total = 0;
  for (const std::size_t count_of_one : applied) total += count_of_one;
  EXPECT_EQ(total, store_sql::embedded_migrations().size());
}

/// What another node that migrates holds.
void take_migration_lock(store_sql::Session& session) {
  if (session.engine() == store_sql::Engine::Sqlite) {
    session.command("BEGIN EXCLUSIVE");
  } else {
    session.execute("SELECT pg_advisory_lock(CAST(:key AS BIGINT))", {{"key", std::int64_t{0x7A766F6E6F6B}}});
  }
}

TEST_P(Migrations, WaitForAnotherNodeAndGoOnWhenItDies) {
  ASSERT_EQ(error_of({kFirst}), std::nullopt);
  auto other = database_.session();
  take_migration_lock(*other);
  auto impatient = with({kFirst, kSecond});
  impatient.migration_timeout = milliseconds{200};
  const auto refused = store_sql::migrate(impatient);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, StoreSqlErrorKind::Unavailable);
  EXPECT_FALSE(has_table("two"));
  std::optional<StoreSqlError> error;
  std::thread waiting{[&] { error = error_of({kFirst, kSecond}); }};
  other.reset();
  waiting.join();
  EXPECT_EQ(error, std::nullopt);
  EXPECT_EQ(count("two"), 1);
}

TEST_P(Migrations, NothingToDoNeedsNoLock) {
  ASSERT_EQ(error_of({kFirst, kSecond}), std::nullopt);
  auto other = database_.session();
  take_migration_lock(*other);
  auto options = with({kFirst, kSecond});
  options.migration_timeout = milliseconds{200};
  const auto store = StoreSql::create(options);
  EXPECT_TRUE(store.has_value()) << store.error().message;
}

TEST(MigrationsOnPostgres, ARoleThatMayOnlyReadAndWriteCanStartACurrentDatabase) {
  const TestDatabase database{DatabaseKind::Postgres};
  auto& server = Postgres::shared();
  ASSERT_TRUE(store_sql::migrate(database.options()).has_value());
  server.sql(database.name(), "CREATE ROLE modest LOGIN PASSWORD 'modest'");
  server.sql(database.name(), "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO modest");
  auto options = database.options();
  auto& postgres = std::get<store_sql::PostgresOptions>(options.database);
  postgres.user = "modest";
  postgres.password = Private<std::string>{"modest"};
  {
    const auto store = StoreSql::create(options);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_TRUE((*store)->create_user(user_named("alice")).has_value());
  }
  server.sql(database.name(), "DROP OWNED BY modest");
  server.sql(database.name(), "DROP ROLE modest");
}

TEST(MigrationsOnPostgres, AnotherEncodingThanUtf8IsRefusedAtStart) {
  const TestDatabase database{DatabaseKind::Postgres};
  auto& server = Postgres::shared();
  const std::string name = database.name() + "_ascii";
  server.sql("postgres",
             "CREATE DATABASE " + name + " ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0");
  auto options = database.options();
  std::get<store_sql::PostgresOptions>(options.database).dbname = name;
  const auto store = StoreSql::create(options);
  ASSERT_FALSE(store.has_value());
  EXPECT_THAT(store.error().message, HasSubstr("encoding is SQL_ASCII, it has to be UTF8"));
  server.drop_database(name);
}

TEST(MigrationTexts, AreSplitAtSemicolonsThatEndALine) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"", {}},
      {"-- only a comment\n\n", {}},
      {"SELECT 1;", {"SELECT 1"}},
      {"SELECT 1;  \r\nSELECT 2", {"SELECT 1", "SELECT 2"}},
      {"-- about it\nSELECT\n  -- inside\n  1;\n", {"SELECT\n  1"}},
  };
  for (const auto& [sql, statements] : cases) EXPECT_EQ(store_sql::split_statements(sql), statements) << sql;
}

}  // namespace
}  // namespace zvonok::test
