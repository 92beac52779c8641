// What every test of the store contract needs: a fresh database of either kind, users, records, threads.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapter/store_sql/session.h"
#include "adapter/store_sql/store_sql.h"

namespace zvonok::test {

enum class DatabaseKind { Sqlite, Postgres };
[[nodiscard]] std::string to_text(DatabaseKind kind);
void PrintTo(DatabaseKind kind, std::ostream* out);

/// An empty database that goes away with the object.
class TestDatabase {
 public:
  explicit TestDatabase(DatabaseKind kind);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  [[nodiscard]] store_sql::StoreSqlOptions options() const;
  [[nodiscard]] DatabaseKind kind() const { return kind_; }
  /// The SQLite file's folder, or the name of the PostgreSQL database.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string sqlite_path() const { return name_ + "/zvonok.db"; }
  /// The PostgreSQL database as a DATABASE_URL, password included.
  [[nodiscard]] std::string postgres_url() const;
  /// A connection beside the store, for looking behind its back.
  [[nodiscard]] std::unique_ptr<store_sql::Session> session() const;

 private:
  DatabaseKind kind_;
  std::string name_;
};

class StoreContract : public testing::TestWithParam<DatabaseKind> {
 protected:
  StoreContract() : database_{GetParam()} {}
  void SetUp() override { reopen(); }
  /// Closes the store and opens it again on the same data.
  void reopen();
  void reopen(const store_sql::StoreSqlOptions& options);

  [[nodiscard]] store_sql::StoreSql& store() { return *store_; }
  void close() { store_.reset(); }
  /// A user with this id, created in the store.
  port::User add_user(const std::string& id, const std::string& display_name = "");

  TestDatabase database_;

 private:
  std::unique_ptr<store_sql::StoreSql> store_;
};

#define ZVONOK_STORE_CONTRACT(suite)                                                                                   \
  INSTANTIATE_TEST_SUITE_P(                                                                                            \
      Databases, suite, testing::Values(::zvonok::test::DatabaseKind::Sqlite, ::zvonok::test::DatabaseKind::Postgres), \
      [](const auto& parameter) { return ::zvonok::test::to_text(parameter.param); })

/// Wall time in the tests' own epoch, so that records read well: at(5) is five seconds in.
[[nodiscard]] WallTime at(double seconds_in);
[[nodiscard]] port::User user_named(const std::string& id, const std::string& display_name = "");
/// A UUID made of the number; greater numbers give greater texts.
[[nodiscard]] std::string uuid_of(std::uint64_t number);
[[nodiscard]] std::string hash_of(std::uint64_t number);

/// Runs `body(index)` on so many threads at once; they all start together.
void in_parallel(std::size_t threads, const std::function<void(std::size_t)>& body);

/// Walks a listing to its end; fails the test when it does not come to one.
template <class Item, class List>
std::vector<Item> all_pages(List&& list, std::size_t limit) {
  std::vector<Item> items;
  port::PageRequest request{.after = "", .limit = limit};
  for (int pages = 0;; ++pages) {
    auto page = list(request);
    if (!page || pages > 1000) {
      ADD_FAILURE() << (page ? "the listing has no end" : page.error().detail);
      return items;
    }
    EXPECT_LE(page->items.size(), limit);
    for (auto& item : page->items) items.push_back(std::move(item));
    if (page->next.empty()) return items;
    EXPECT_EQ(page->items.size(), limit) << "only the last page may be short";
    request.after = page->next;
  }
}

}  // namespace zvonok::test

#define EXPECT_STORE_ERROR(result, wanted)                               \
  do {                                                                   \
    const auto& checked = (result);                                      \
    ASSERT_FALSE(checked.has_value());                                   \
    EXPECT_EQ(checked.error().kind, (wanted)) << checked.error().detail; \
  } while (false)

#define ASSERT_STORED(result)                                   \
  do {                                                          \
    const auto& checked = (result);                             \
    ASSERT_TRUE(checked.has_value()) << checked.error().detail; \
  } while (false)
