// The pool of sessions and the frame of every store method: lease a session, (re)connect it, begin, run the body,
// commit, turn failures into StoreErrors.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "adapter/store_sql/session.h"
#include "adapter/store_sql/watchdog.h"
#include "port/store.h"

namespace zvonok::store_sql {

enum class Access {
  Read,         // no transaction: the body is one statement, or its statements need no common snapshot
  Write,        // a transaction; on SQLite one at a time
  Maintenance,  // a Write that may take longer
};

/// Thread-safe.
class Database {
 public:
  /// Opens the first session, so that bad credentials and the like show at start. The options were checked.
  [[nodiscard]] static Result<std::unique_ptr<Database>, StoreSqlError> open(const StoreSqlOptions& options);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs `body(Session&)`, which returns a StoreResult and may throw SqlFailure. With Write it is committed when the
  /// result is a value and rolled back otherwise. The body may run several times (deadlocks, a connection that turned
  /// out to be dead), so it must not touch anything outside.
  template <class F>
  [[nodiscard]] std::invoke_result_t<F&, Session&> run(std::string_view operation, Access access, F&& body) {
    using R = std::invoke_result_t<F&, Session&>;
    std::optional<R> result;
    const auto error = perform(operation, access, [&](Session& session) {
      result.emplace(body(session));
      return result->has_value() ? Verdict::Commit : Verdict::Rollback;
    });
    if (error) return fail(*error);
    return std::move(*result);
  }

 private:
  enum class Verdict { Commit, Rollback };
  using Body = std::function<Verdict(Session&)>;
  struct Slot {
    std::unique_ptr<Session> session;
  };
  class Lease;
  struct Attempt;

  explicit Database(const StoreSqlOptions& options);
  [[nodiscard]] std::optional<port::StoreError> perform(std::string_view operation, Access access, const Body& body);
  [[nodiscard]] std::optional<SqlFailure> attempt(Session& session, Access access, const Body& body, Attempt& state);
  [[nodiscard]] std::optional<std::size_t> lease(Access access);
  void give_back(std::size_t slot, Access access);
  [[nodiscard]] std::optional<SqlFailure> connect(Slot& slot, SteadyTime call_started, Attempt& state);
  [[nodiscard]] bool exclusive(Access access) const;

  const StoreSqlOptions options_;
  const Engine engine_;
  Watchdog watchdog_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;  // the last one given back is leased first, so that few connections stay busy
  bool writer_active_ = false;     // SQLite only
  SteadyTime connect_failed_at_{};
  SqlFailure connect_failure_;
};

}  // namespace zvonok::store_sql
