// PostgreSQL that goes away, comes back, refuses, or is silent: every call ends in time, as a value.
#include <algorithm>
#include <atomic>
#include <chrono>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contract/store/fixture.h"
#include "support/postgres.h"

namespace zvonok::test {
namespace {

using port::StoreErrorKind;
using store_sql::StoreSql;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

/// Far above what the limits under test allow, far below "for ever".
constexpr auto kNoHang = seconds{15};

class Stopwatch {
 public:
  [[nodiscard]] auto elapsed() const { return std::chrono::steady_clock::now() - start_; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

call::CallRecord ringing(std::uint64_t number) {
  call::CallRecord record;
  record.id = CallId{uuid_of(number)};
  record.caller = UserId{"alice"};
  record.callee = UserId{"bob"};
  record.started_at = at(static_cast<double>(number));
  return record;
}

class Outage : public testing::Test {
 protected:
  Outage() {
    options_.statement_timeout = milliseconds{1000};
    options_.pool_size = 4;
    auto opened = StoreSql::create(options_);
    if (!opened) throw std::runtime_error{opened.error().message};
    store_ = std::move(*opened);
  }
  ~Outage() override {
    if (stopped_) server_.start();
  }
  void stop() {
    server_.stop();
    stopped_ = true;
  }
  void start() {
    server_.start();
    stopped_ = false;
  }
  /// Makes the pool open all of its sessions: a lock lets four calls meet.
  void open_whole_pool() {
    auto other = database_.session();
    other->command("BEGIN");
    other->command("LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
    std::atomic<bool> all_wait = false;
    in_parallel(5, [&](std::size_t i) {
      if (i < 4) {
        while (!all_wait) (void)store_->find_user(UserId{"alice"});  // again when it took too long till the others came
        return;
      }
      while (sessions_that("wait_event_type = 'Lock'") < 4) {
      }
      all_wait = true;
      other->command("ROLLBACK");
    });
    EXPECT_EQ(sessions_that("application_name = 'zvonok-store'"), 4);
  }
  [[nodiscard]] int sessions_that(const std::string& condition) {
    return std::stoi(server_
                         .sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '" + database_.name() +
                                              "' AND " + condition)
                         .front());
  }
  [[nodiscard]] static store_sql::StoreSqlOptions named(store_sql::StoreSqlOptions options) {
    std::get<store_sql::PostgresOptions>(options.database).application_name = "zvonok-store";
    return options;
  }
  StoreSql& store() { return *store_; }

  Postgres& server_ = Postgres::shared();
  TestDatabase database_{DatabaseKind::Postgres};
  store_sql::StoreSqlOptions options_ = named(database_.options());
  std::unique_ptr<StoreSql> store_;
  bool stopped_ = false;
};

TEST_F(Outage, CallsFailAtOnceWhileTheServerIsAwayAndWorkWhenItIsBack) {
  open_whole_pool();
  ASSERT_STORED(store().create_user(user_named("alice")));
  stop();
  const Stopwatch watch;
  in_parallel(8, [&](std::size_t) {
    for (int i = 0; i < 5; ++i) {
      const auto found = store().find_user(UserId{"alice"});
      ASSERT_FALSE(found.has_value());
      EXPECT_EQ(found.error().kind, StoreErrorKind::Unavailable);
      EXPECT_STORE_ERROR(store().create_user(user_named("bob")), StoreErrorKind::Unavailable);
      EXPECT_STORE_ERROR(store().ping(), StoreErrorKind::Unavailable);
    }
  });
  EXPECT_LT(watch.elapsed(), kNoHang);
  start();
  in_parallel(8, [&](std::size_t) { ASSERT_STORED(store().ping()); });
  EXPECT_TRUE(store().find_user(UserId{"alice"}).value().has_value());
  EXPECT_EQ(store().find_user(UserId{"bob"}).value(), std::nullopt);
}

TEST_F(Outage, ARestartBetweenTwoCallsIsNotNoticed) {
  open_whole_pool();
  stop();
  start();
  in_parallel(8, [&](std::size_t i) { ASSERT_STORED(store().create_user(user_named("user-" + std::to_string(i)))); });
}

TEST_F(Outage, ConnectionsThatTheServerEndedAreReplaced) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_STORED(store().ping());
    server_.sql("postgres",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database_.name() + "'");
    while (sessions_that("true") > 0) {
    }
    ASSERT_STORED(store().save_calls({ringing(static_cast<std::uint64_t>(i))}, "node-1"));
  }
}

TEST_F(Outage, WhatWasAcknowledgedBeforeACrashIsThereAfterIt) {
  std::array<std::atomic<std::uint64_t>, 8> acknowledged{};
  std::atomic<bool> down = false;
  in_parallel(9, [&](std::size_t thread) {
    if (thread == 8) {
      while (std::ranges::any_of(acknowledged, [](const auto& count) { return count < 20; })) {
      }
      // Starting is left to the main thread: the server dies with the thread that started it.
      server_.stop();
      down = true;
      return;
    }
    while (!down) {
      const std::uint64_t number = thread * 100000 + acknowledged[thread];
      const auto saved = store().save_calls({ringing(number)}, "node-1");
      if (saved) {
        ++acknowledged[thread];
      } else {
        EXPECT_EQ(saved.error().kind, StoreErrorKind::Unavailable) << saved.error().detail;
      }
    }
  });
  stopped_ = true;
  start();
  for (std::uint64_t thread = 0; thread < 8; ++thread) {
    for (std::uint64_t i = 0; i < acknowledged[thread]; ++i) {
      const auto found = store().find_call(CallId{uuid_of(thread * 100000 + i)});
      ASSERT_STORED(found);
      ASSERT_TRUE(found->has_value()) << "thread " << thread << ", write " << i;
    }
    // The write that failed may be repeated: it was not done, or is done again without harm.
    ASSERT_STORED(store().save_calls({ringing(thread * 100000 + acknowledged[thread])}, "node-1"));
  }
}

TEST_F(Outage, AStatementThatTakesTooLongIsUnavailableAndLeavesNoTransaction) {
  auto other = database_.session();
  other->command("BEGIN");
  other->command("LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
  const Stopwatch watch;
  in_parallel(8, [&](std::size_t i) {
    EXPECT_STORE_ERROR(store().create_user(user_named("user-" + std::to_string(i))), StoreErrorKind::Unavailable);
  });
  EXPECT_LT(watch.elapsed(), kNoHang);
  EXPECT_EQ(sessions_that("application_name = 'zvonok-store' AND state LIKE 'idle in transaction%'"), 0);
  other->command("ROLLBACK");
  ASSERT_STORED(store().create_user(user_named("alice")));
}

TEST_F(Outage, AServerThatStopsAnsweringIsGivenUpInTime) {
  auto options = options_;
  options.pool_size = 1;
  options.statement_timeout = milliseconds{300};
  store_.reset();
  while (sessions_that("application_name = 'zvonok-store'") > 0) {
  }
  store_ = StoreSql::create(options).value();
  const auto pid = std::stoi(server_
                                 .sql("postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '" +
                                                      database_.name() + "' AND application_name = 'zvonok-store'")
                                 .front());
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const Stopwatch watch;
  EXPECT_STORE_ERROR(store().create_user(user_named("alice")), StoreErrorKind::Unavailable);
  EXPECT_LT(watch.elapsed(), kNoHang);
  ASSERT_STORED(store().ping());  // by a new connection
  EXPECT_EQ(::kill(pid, SIGCONT), 0);
}

TEST_F(Outage, ALoserOfADeadlockBeginsAgain) {
  // The server looks for deadlocks after a second.
  auto options = options_;
  options.statement_timeout = seconds{20};
  store_ = StoreSql::create(options).value();
  ASSERT_STORED(store().save_calls({ringing(1), ringing(2)}, "node-1"));
  auto other = database_.session();
  other->command("SET deadlock_timeout = '1h'");  // so that the store's side is the loser
  other->command("BEGIN");
  other->command("UPDATE calls SET node = 'other' WHERE id = '" + uuid_of(2) + "'");
  in_parallel(2, [&](std::size_t thread) {
    if (thread == 0) {
      call::CallRecord first = ringing(1);
      first.state = call::CallState::Active;
      ASSERT_STORED(store().save_calls({first, ringing(2)}, "node-1"));
    } else {
      while (sessions_that("wait_event_type = 'Lock' AND application_name = 'zvonok-store'") < 1) {
      }
      other->command("UPDATE calls SET node = 'other' WHERE id = '" + uuid_of(1) + "'");
      other->command("COMMIT");
    }
  });
  EXPECT_EQ(store().find_call(CallId{uuid_of(1)}).value()->state, call::CallState::Active);
}

TEST_F(Outage, TheServersOwnDiskFullIsUnavailableAndLeavesNothing) {
  server_.sql(database_.name(),
              "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
              "IF NEW.caller_id = 'full' THEN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END IF; "
              "RETURN NEW; END $$");
  server_.sql(database_.name(),
              "CREATE TRIGGER full_disk BEFORE INSERT ON calls FOR EACH ROW EXECUTE FUNCTION full_disk()");
  auto full = ringing(2);
  full.caller = UserId{"full"};
  for (int i = 0; i < 10; ++i) {
    EXPECT_STORE_ERROR(store().save_calls({ringing(1), full}, "node-1"), StoreErrorKind::Unavailable);
  }
  EXPECT_EQ(store().find_call(ringing(1).id).value(), std::nullopt);
  ASSERT_STORED(store().save_calls({ringing(1)}, "node-1"));
}

TEST_F(Outage, ConnectionsAreNeverMoreThanThePoolAndAreGivenBack) {
  in_parallel(16, [&](std::size_t i) {
    for (int round = 0; round < 10; ++round) {
      (void)store().create_user(user_named("user-" + std::to_string(i)));
      (void)store().ensure_private_chat(
          {.id = ChatId{"c"}, .first = UserId{"x"}, .second = UserId{"y"}, .created_at = {}});
    }
  });
  EXPECT_LE(sessions_that("application_name = 'zvonok-store'"), 4);
  EXPECT_EQ(sessions_that("application_name = 'zvonok-store' AND state LIKE 'idle in transaction%'"), 0);
  store_.reset();
  const Stopwatch watch;
  while (sessions_that("application_name = 'zvonok-store'") > 0 && watch.elapsed() < kNoHang) {
  }
  EXPECT_EQ(sessions_that("application_name = 'zvonok-store'"), 0);
}

// ---- connecting --------------------------------------------------------------------------------------------------

void expect_no_secret(const std::string& message) {
  EXPECT_THAT(message, Not(AnyOf(HasSubstr("secret"), HasSubstr("%5C"), HasSubstr("%73%65"), HasSubstr("password="))));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  EXPECT_FALSE(message.empty());
}

TEST(Connecting, FailuresNameNoPassword) {
  const TestDatabase database{DatabaseKind::Postgres};
  const auto good = std::get<store_sql::PostgresOptions>(database.options().database);
  std::vector<store_sql::PostgresOptions> bad(6, good);
  bad[0].password = Private<std::string>{"another secret"};
  bad[1].dbname = "no such database";
  bad[2].user = "nobody at all";
  bad[3].port = 1;
  bad[4].host = "name.invalid";
  bad[5].sslmode = "require";
  for (const auto& postgres : bad) {
    auto options = database.options();
    options.database = postgres;
    const auto store = StoreSql::create(options);
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().kind, store_sql::StoreSqlErrorKind::Unavailable);
    expect_no_secret(store.error().message);
  }
}

TEST(Connecting, FailuresInTheMiddleOfTheDayNameNoPasswordEither) {
  const TestDatabase database{DatabaseKind::Postgres};
  auto& server = Postgres::shared();
  const auto store = StoreSql::create(database.options()).value();
  server.sql("postgres", "ALTER ROLE zvonok PASSWORD 'changed'");
  server.sql("postgres",
             "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database.name() + "'");
  port::StoreResult<void> result = store->ping();
  while (result) result = store->ping();
  EXPECT_EQ(result.error().kind, StoreErrorKind::Unavailable);
  expect_no_secret(result.error().detail);
  server.sql("postgres", "ALTER ROLE zvonok PASSWORD E'it''s a \\\\ secret'");
  EXPECT_TRUE(store->ping().has_value());
}

TEST(Connecting, AServerThatAcceptsAndSaysNothingIsGivenUpInTime) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 16), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  store_sql::PostgresOptions postgres;
  postgres.port = ntohs(address.sin_port);
  postgres.user = "zvonok";
  postgres.password = Private<std::string>{"secret"};
  store_sql::StoreSqlOptions options;
  options.database = postgres;
  const Stopwatch watch;
  const auto store = StoreSql::create(options);
  EXPECT_LT(watch.elapsed(), kNoHang);
  ASSERT_FALSE(store.has_value());
  expect_no_secret(store.error().message);
  ::close(listener);
}

TEST(Connecting, ADatabaseUrlSaysWhereAndAs) {
  const auto parsed =
      store_sql::parse_database_url(Private<std::string>{"postgresql://al%40ice:p%2Fa%3As%3Fs@db.example.org:6543/"
                                                         "calls%20db?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"
                                                         "&connect_timeout=7&application_name=z"});
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->user, "al@ice");
  EXPECT_EQ(parsed->password.reveal(), "p/a:s?s");
  EXPECT_EQ(parsed->host, "db.example.org");
  EXPECT_EQ(parsed->port, 6543);
  EXPECT_EQ(parsed->dbname, "calls db");
  EXPECT_EQ(parsed->sslmode, "verify-full");
  EXPECT_EQ(parsed->sslrootcert, "/etc/ca.pem");
  EXPECT_EQ(parsed->connect_timeout, seconds{7});
  EXPECT_EQ(parsed->application_name, "z");
  const auto v6 = store_sql::parse_database_url(Private<std::string>{"postgres://u@[::1]/d"});
  ASSERT_TRUE(v6.has_value()) << v6.error().message;
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 5432);
  const auto folder = store_sql::parse_database_url(Private<std::string>{"postgres:///d?host=/run/postgresql"});
  ASSERT_TRUE(folder.has_value()) << folder.error().message;
  EXPECT_EQ(folder->host, "/run/postgresql");
}

TEST(Connecting, ADatabaseUrlThatIsWrongIsRefusedWithoutItsPassword) {
  for (const std::string url : {"mysql://u:secret@h/d", "postgres://u:secret@h:99999/d", "postgres://u:secret@h:port/d",
                                "postgres://u:secret%@h/d", "postgres://u:secret%00@h/d", "postgres://u:a?secret@h/d",
                                "postgres://u:a?secret=1@h/d", "postgres://u:1/secret@h/d", "postgres://u:a/secret@h/d",
                                "postgres://u:secret@[::1/d", "postgres://u:secret@h/d?sslmode=maybe",
                                "postgres://u:secret@h/d?sslmood=require", "postgres://u:secret@h/d?connect_timeout=0",
                                "postgres://u:secret@h/%zz", "secret", ""}) {
    const auto parsed = store_sql::parse_database_url(Private<std::string>{url});
    ASSERT_FALSE(parsed.has_value()) << url;
    EXPECT_EQ(parsed.error().kind, store_sql::StoreSqlErrorKind::BadOptions);
    EXPECT_THAT(parsed.error().message, HasSubstr("DATABASE_URL"));
    expect_no_secret(parsed.error().message);
  }
  const auto unknown = store_sql::parse_database_url(Private<std::string>{"postgres://u:secret@h/d?sslmood=require"});
  EXPECT_THAT(unknown.error().message, HasSubstr("'sslmood'")) << "an honest mistake is named";
}

}  // namespace
}  // namespace zvonok::test
