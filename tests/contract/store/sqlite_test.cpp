// What only a file has: its mode, its folder, its disk, and other processes that open it.
#include <filesystem>
#include <fstream>

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/store/faulty_disk.h"
#include "contract/store/fixture.h"
#include "contract/store/helper_process.h"

namespace zvonok::test {
namespace {

using port::StoreErrorKind;
using store_sql::Column;
using store_sql::SqliteOptions;
using store_sql::StoreSql;
using store_sql::StoreSqlErrorKind;
using store_sql::StoreSqlOptions;
using testing::HasSubstr;

call::CallRecord ringing(std::uint64_t number) {
  call::CallRecord record;
  record.id = CallId{uuid_of(number)};
  record.caller = UserId{"alice"};
  record.callee = UserId{"bob"};
  record.started_at = at(static_cast<double>(number));
  return record;
}

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

StoreSqlOptions at_path(const std::string& path) {
  StoreSqlOptions options;
  options.database = SqliteOptions{.path = path};
  return options;
}

/// Files are opened as an ordinary user: root may write everywhere. For this thread, while it lives.
class AsOrdinaryUser {
 public:
  static constexpr uid_t kUser = 65534;
  AsOrdinaryUser() {
    if (::geteuid() == 0) ::setfsuid(kUser);
  }
  ~AsOrdinaryUser() { ::setfsuid(::geteuid()); }
  AsOrdinaryUser(const AsOrdinaryUser&) = delete;
  AsOrdinaryUser& operator=(const AsOrdinaryUser&) = delete;
};

class SqliteFile : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<StoreSql> open() const { return open(database_.options()); }
  [[nodiscard]] static std::unique_ptr<StoreSql> open(const StoreSqlOptions& options) {
    auto opened = StoreSql::create(options);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  static std::string error_at(const std::string& path) {
    const auto opened = StoreSql::create(at_path(path));
    EXPECT_FALSE(opened.has_value());
    if (opened) return "";
    EXPECT_EQ(opened.error().kind, StoreSqlErrorKind::Unavailable);
    EXPECT_THAT(opened.error().message, HasSubstr(path)) << "the path is named";
    return opened.error().message;
  }
  TestDatabase database_{DatabaseKind::Sqlite};
};

TEST_F(SqliteFile, IsClosedToOtherUsersWhateverTheUmaskIs) {
  const mode_t before = ::umask(0);
  const auto store = open();
  ASSERT_STORED(store->create_user(user_named("alice")));
  ::umask(before);
  for (const char* suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(database_.sqlite_path() + suffix), 0600U) << suffix;
}

TEST_F(SqliteFile, IsSafeAgainstPowerFailureAndChecksItsReferences) {
  (void)open();
  const auto session = database_.session();
  const auto pragma = [&](const std::string& name, Column column) {
    return session->query("PRAGMA " + name, {column}).front();
  };
  EXPECT_EQ(pragma("journal_mode", Column::Text).text(0), "wal");
  EXPECT_EQ(pragma("synchronous", Column::Integer).integer(0), 2);
  EXPECT_EQ(pragma("foreign_keys", Column::Integer).integer(0), 1);
  EXPECT_EQ(pragma("busy_timeout", Column::Integer).integer(0), 20000);
}

TEST_F(SqliteFile, AnyPathWorks) {
  for (const std::string name :
       {"with space.db", "with 'quote'.db", "a=b;c.db", "звонок.db", ":memory:", "file:x?mode=ro"}) {
    const std::string path = database_.name() + "/" + name;
    const auto store = open(at_path(path));
    ASSERT_NE(store, nullptr);
    ASSERT_STORED(store->create_user(user_named("alice")));
    EXPECT_TRUE(std::filesystem::exists(path)) << path;
  }
}

TEST_F(SqliteFile, ASecondSessionKeepsTheLocksOfTheFirst) {
  // Closing any descriptor of a file ends all the locks of the process on it. Without them another process that closes
  // the database believes to be the last one, and takes the log away under our feet.
  const auto first = database_.options();
  const auto store = open(first);
  ASSERT_STORED(store->ping());
  const auto second = open(first);
  const auto status = store_sql::migration_status(first);
  ASSERT_TRUE(status.has_value());
  const auto session = database_.session();
  EXPECT_EQ((HelperProcess{HelperJob::ProbeLocks, database_}.finish()), 0);
}

TEST_F(SqliteFile, WritesFailInTimeWhileAnotherProcessHoldsItAndReadsGoOn) {
  auto options = database_.options();
  std::get<SqliteOptions>(options.database).busy_timeout = milliseconds{100};
  const auto store = open(options);
  ASSERT_STORED(store->create_user(user_named("alice")));
  HelperProcess other{HelperJob::HoldLock, database_};
  ASSERT_TRUE(other.wait_until_ready());
  in_parallel(8, [&](std::size_t i) {
    EXPECT_STORE_ERROR(store->create_user(user_named("user-" + std::to_string(i))), StoreErrorKind::Unavailable);
    EXPECT_TRUE(store->find_user(UserId{"alice"}).value().has_value());
    EXPECT_EQ(store->find_user(UserId{"helper"}).value(), std::nullopt) << "not committed";
  });
  const auto another = StoreSql::create(options);
  EXPECT_TRUE(another.has_value()) << "a start with nothing to migrate needs no lock";
  EXPECT_EQ(other.finish(), 0);
  ASSERT_STORED(store->create_user(user_named("bob")));
}

TEST_F(SqliteFile, AWriteWaitsForAnotherProcessThatEndsInTime) {
  const auto store = open();
  HelperProcess other{HelperJob::HoldLock, database_};
  ASSERT_TRUE(other.wait_until_ready());
  in_parallel(2, [&](std::size_t i) {
    if (i == 0) {
      ASSERT_STORED(store->create_user(user_named("alice")));
    } else {
      EXPECT_EQ(other.finish(), 0);
    }
  });
}

TEST_F(SqliteFile, AProcessThatDiesInATransactionLeavesNothing) {
  const auto store = open();
  HelperProcess other{HelperJob::HoldLock, database_};
  ASSERT_TRUE(other.wait_until_ready());
  other.kill();
  EXPECT_EQ(store->find_user(UserId{"helper"}).value(), std::nullopt);
  ASSERT_STORED(store->create_user(user_named("helper")));
}

TEST_F(SqliteFile, AnotherFileInItsPlaceIsNoticed) {
  const auto store = open();
  ASSERT_STORED(store->create_user(user_named("alice")));
  const TestDatabase backup{DatabaseKind::Sqlite};
  {
    const auto other = open(backup.options());
    ASSERT_STORED(other->create_user(user_named("from the backup")));
  }
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database_.sqlite_path() + suffix);
  EXPECT_STORE_ERROR(store->ping(), StoreErrorKind::Unavailable);
  EXPECT_STORE_ERROR(store->create_user(user_named("bob")), StoreErrorKind::Unavailable);
  EXPECT_FALSE(std::filesystem::exists(database_.sqlite_path())) << "no empty database is made";
  std::filesystem::copy_file(backup.sqlite_path(), database_.sqlite_path());
  ASSERT_STORED(store->ping());
  EXPECT_TRUE(store->find_user(UserId{"from the backup"}).value().has_value());
}

TEST_F(SqliteFile, WhatCanNotBeOpenedIsNamedWithTheReason) {
  EXPECT_THAT(error_at(database_.name() + "/nowhere/zvonok.db"), HasSubstr("No such file or directory"));
  std::filesystem::create_directory(database_.name() + "/folder");
  (void)error_at(database_.name() + "/folder");
  std::ofstream{database_.name() + "/text"} << "This is no database at all, whatever the name of the file may say.\n";
  EXPECT_THAT(error_at(database_.name() + "/text"), HasSubstr("not a database"));
}

TEST_F(SqliteFile, AReadOnlyFolderOrFileIsNamedAtStart) {
  (void)open();
  std::filesystem::permissions(database_.name(), std::filesystem::perms{0755});
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(database_.sqlite_path().c_str(), AsOrdinaryUser::kUser, AsOrdinaryUser::kUser), 0);
  }
  std::filesystem::permissions(database_.name(), std::filesystem::perms{0555});
  {
    const AsOrdinaryUser user;
    EXPECT_THAT(error_at(database_.name() + "/new.db"), HasSubstr("Permission denied"));
    EXPECT_THAT(error_at(database_.sqlite_path()), HasSubstr("folder"));
  }
  std::filesystem::permissions(database_.name(), std::filesystem::perms{0755});
  std::filesystem::permissions(database_.sqlite_path(), std::filesystem::perms{0400});
  {
    const AsOrdinaryUser user;
    EXPECT_THAT(error_at(database_.sqlite_path()), HasSubstr("Permission denied"));
  }
}

// ---- a bad disk --------------------------------------------------------------------------------------------------

TEST_F(SqliteFile, AFailingDiskAtAnyMomentIsUnavailableAndLosesNothing) {
  FaultyDisk disk;
  for (const DiskFault fault : {DiskFault::Full, DiskFault::BadFlush}) {
    const TestDatabase database{DatabaseKind::Sqlite};
    auto store = open(database.options());
    std::uint64_t next = 0;
    std::vector<call::CallRecord> kept;
    for (std::int64_t operations = 0; operations < 25; ++operations) {
      disk.break_after(fault, operations);
      std::vector<call::CallRecord> batch;
      for (int i = 0; i < 40; ++i) batch.push_back(ringing(next++));
      const std::int64_t refusals_before = disk.refusals();
      const auto saved = store->save_calls(batch, "node-1");
      if (saved) {
        kept.insert(kept.end(), batch.begin(), batch.end());
      } else {
        EXPECT_EQ(saved.error().kind, StoreErrorKind::Unavailable) << saved.error().detail;
        EXPECT_GT(disk.refusals(), refusals_before) << saved.error().detail;
      }
      disk.heal();
      ASSERT_STORED(store->ping());
      if (!saved) {
        // After Unavailable it may have happened; repeating it is harmless.
        const bool first_is_there = store->find_call(batch.front().id).value().has_value();
        const bool last_is_there = store->find_call(batch.back().id).value().has_value();
        EXPECT_EQ(first_is_there, last_is_there) << "wholly or not at all";
        ASSERT_STORED(store->save_calls(batch, "node-1"));
        kept.insert(kept.end(), batch.begin(), batch.end());
      }
    }
    EXPECT_GT(disk.refusals(), 0) << "the test reached the disk";
    store.reset();
    store = open(database.options());
    for (const auto& record : kept) ASSERT_EQ(store->find_call(record.id).value(), record);
    const auto check = database.session()->query("PRAGMA integrity_check", {Column::Text});
    EXPECT_EQ(check.front().text(0), "ok");
  }
}

TEST_F(SqliteFile, AFullDiskAtStartIsSaidAndTheNextStartWorks) {
  FaultyDisk disk;
  int failures = 0;
  for (std::int64_t operations = 0; operations < 60; operations += 3) {
    const TestDatabase database{DatabaseKind::Sqlite};
    disk.break_after(DiskFault::Full, operations);
    {
      const auto store = StoreSql::create(database.options());
      if (!store) {
        ++failures;
        EXPECT_THAT(store.error().message, testing::AnyOf(HasSubstr("full"), HasSubstr("disk I/O error")));
      }
    }
    disk.heal();
    const auto store = open(database.options());
    ASSERT_NE(store, nullptr);
    ASSERT_STORED(store->create_user(user_named("alice")));
  }
  EXPECT_GT(failures, 5);
}

}  // namespace
}  // namespace zvonok::test
