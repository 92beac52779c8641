// See fixture.h.
#include "contract/store/fixture.h"

#include <array>
#include <barrier>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <stdlib.h>

#include "support/postgres.h"

namespace zvonok::test {

std::string to_text(DatabaseKind kind) {
  switch (kind) {
    case DatabaseKind::Sqlite: return "sqlite";
    case DatabaseKind::Postgres: return "postgres";
  }
  return "";
}

void PrintTo(DatabaseKind kind, std::ostream* out) {
  *out << to_text(kind);
}

TestDatabase::TestDatabase(DatabaseKind kind) : kind_{kind} {
  switch (kind) {
    case DatabaseKind::Sqlite: {
      std::string pattern = testing::TempDir() + "zvonok-store-XXXXXX";
      if (::mkdtemp(pattern.data()) == nullptr) std::abort();
      name_ = pattern;
      break;
    }
    case DatabaseKind::Postgres: name_ = Postgres::shared().create_database(); break;
  }
}

TestDatabase::~TestDatabase() {
  switch (kind_) {
    case DatabaseKind::Sqlite: {
      std::error_code error;
      std::filesystem::remove_all(name_, error);
      break;
    }
    case DatabaseKind::Postgres: Postgres::shared().drop_database(name_); break;
  }
}

store_sql::StoreSqlOptions TestDatabase::options() const {
  store_sql::StoreSqlOptions options;
  // Enough patience for a machine that runs several test programs at once.
  options.acquire_timeout = seconds{20};
  options.statement_timeout = seconds{20};
  switch (kind_) {
    case DatabaseKind::Sqlite:
      options.database = store_sql::SqliteOptions{.path = sqlite_path(), .busy_timeout = seconds{20}};
      break;
    case DatabaseKind::Postgres: {
      auto& server = Postgres::shared();
      store_sql::PostgresOptions postgres;
      postgres.host = "127.0.0.1";
      postgres.port = server.port();
      postgres.user = server.user();
      postgres.password = Private{server.password()};
      postgres.dbname = name_;
      options.database = postgres;
      break;
    }
  }
  return options;
}

std::string TestDatabase::postgres_url() const {
  auto& server = Postgres::shared();
  std::string password;
  for (const char c : server.password()) {
    std::array<char, 8> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    password += escaped.data();
  }
  return "postgres://" + server.user() + ":" + password + "@127.0.0.1:" + std::to_string(server.port()) + "/" + name_;
}

std::unique_ptr<store_sql::Session> TestDatabase::session() const {
  return store_sql::Session::open(options(), store_sql::SessionUse::Serve);
}

void StoreContract::reopen() {
  reopen(database_.options());
}

void StoreContract::reopen(const store_sql::StoreSqlOptions& options) {
  store_.reset();
  auto opened = store_sql::StoreSql::create(options);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  store_ = std::move(*opened);
}

port::User StoreContract::add_user(const std::string& id, const std::string& display_name) {
  const auto user = user_named(id, display_name);
  const auto created = store().create_user(user);
  EXPECT_TRUE(created.has_value()) << created.error().detail;
  return user;
}

WallTime at(double seconds_in) {
  return wall_from_unix_milliseconds(1'760'000'000'000 + static_cast<std::int64_t>(seconds_in * 1000));
}

port::User user_named(const std::string& id, const std::string& display_name) {
  return {.id = UserId{id},
          .email = std::nullopt,
          .display_name = display_name.empty() ? id : display_name,
          .password_hash = "",
          .disabled = false,
          .created_at = at(0)};
}

std::string uuid_of(std::uint64_t number) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "00000000-0000-4000-8000-%012llx", static_cast<unsigned long long>(number));
  return text.data();
}

std::string hash_of(std::uint64_t number) {
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%064llx", static_cast<unsigned long long>(number));
  return text.data();
}

void in_parallel(std::size_t threads, const std::function<void(std::size_t)>& body) {
  std::barrier start{static_cast<std::ptrdiff_t>(threads)};
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      start.arrive_and_wait();
      body(i);
    });
  }
  for (auto& thread : running) thread.join();
}

}  // namespace zvonok::test
