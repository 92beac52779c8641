// See database.h.
#include "adapter/store_sql/database.h"

#include <utility>

namespace zvonok::store_sql {
namespace {

constexpr int kAttemptsMax = 4;
/// Maintenance walks over many rows; it runs seldom and nobody waits for it.
constexpr milliseconds kMaintenanceTimeout{30'000};
/// The server's own statement_timeout should act first: it leaves the connection usable.
constexpr milliseconds kWatchdogMargin{300};

SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}

port::StoreError store_error(std::string_view operation, const SqlFailure& failure) {
  port::StoreError error{port::StoreErrorKind::Unavailable, std::string{operation} + ": " + failure.detail};
  switch (failure.kind) {
    case FailureKind::Unique: error.kind = port::StoreErrorKind::Conflict; break;
    case FailureKind::ForeignKey: error.kind = port::StoreErrorKind::NotFound; break;
    case FailureKind::Connection:
    case FailureKind::Retry:
    case FailureKind::Timeout:
    case FailureKind::Other: break;
  }
  return error;
}

/// False when it could not be said: on SQLite some errors (a full disk) have rolled back already.
bool rolled_back(Session& session) {
  try {
    session.command("ROLLBACK");
    return true;
  } catch (const SqlFailure&) {
    return false;
  }
}

}  // namespace

/// What one run of a body found out, for the decision to try again.
struct Database::Attempt {
  bool reused = false;      // the connection was opened by an earlier call, so it may have been dead all along
  bool committing = false;  // COMMIT was sent: trying again could do the work twice
  bool discard = false;     // the session could not be brought back to a known state
};

/// Gives the slot back at the end of the scope.
class Database::Lease {
 public:
  Lease(Database& database, std::size_t slot, Access access) : database_{database}, slot_{slot}, access_{access} {}
  ~Lease() { database_.give_back(slot_, access_); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  [[nodiscard]] Slot& slot() const { return database_.slots_[slot_]; }

 private:
  Database& database_;
  std::size_t slot_;
  Access access_;
};

Database::Database(const StoreSqlOptions& options)
    : options_{options},
      engine_{std::holds_alternative<SqliteOptions>(options.database) ? Engine::Sqlite : Engine::Postgres},
      slots_(options.pool_size) {
  for (std::size_t i = slots_.size(); i > 0; --i) free_.push_back(i - 1);
}

Result<std::unique_ptr<Database>, StoreSqlError> Database::open(const StoreSqlOptions& options) {
  std::unique_ptr<Database> database{new Database{options}};
  Attempt state;
  if (const auto failure = database->connect(database->slots_.front(), steady_now(), state)) {
    return fail(StoreSqlError{StoreSqlErrorKind::Unavailable, failure->detail});
  }
  return database;
}

bool Database::exclusive(Access access) const {
  return engine_ == Engine::Sqlite && access != Access::Read;
}

std::optional<std::size_t> Database::lease(Access access) {
  std::unique_lock lock{mutex_};
  const bool got = given_back_.wait_for(lock, options_.acquire_timeout,
                                        [&] { return !free_.empty() && !(exclusive(access) && writer_active_); });
  if (!got) return std::nullopt;
  const std::size_t slot = free_.back();
  free_.pop_back();
  if (exclusive(access)) writer_active_ = true;
  return slot;
}

void Database::give_back(std::size_t slot, Access access) {
  {
    const std::lock_guard lock{mutex_};
    free_.push_back(slot);
    if (exclusive(access)) writer_active_ = false;
  }
  // All, because a reader and a writer wait for different things.
  given_back_.notify_all();
}

std::optional<SqlFailure> Database::connect(Slot& slot, SteadyTime call_started, Attempt& state) {
  state.reused = slot.session != nullptr;
  if (slot.session && slot.session->looks_alive()) return std::nullopt;
  slot.session.reset();
  state.reused = false;
  {
    // During an outage the calls that queued up behind a failing connection attempt share its outcome; each trying for
    // itself would let the last of them wait for the sum.
    const std::lock_guard lock{mutex_};
    if (connect_failed_at_ > call_started) return connect_failure_;
  }
  try {
    slot.session = Session::open(options_, SessionUse::Serve);
    if (engine_ == Engine::Postgres) {
      const Watchdog::Guard guard{watchdog_, slot.session->socket(),
                                  steady_now() + options_.statement_timeout + kWatchdogMargin};
      slot.session->limit_statements(options_.statement_timeout);
    }
    return std::nullopt;
  } catch (const SqlFailure& failure) {
    slot.session.reset();
    const std::lock_guard lock{mutex_};
    connect_failed_at_ = steady_now();
    connect_failure_ = failure;
    return failure;
  }
}

std::optional<SqlFailure> Database::attempt(Session& session, Access access, const Body& body, Attempt& state) {
  const milliseconds limit = access == Access::Maintenance ? kMaintenanceTimeout : options_.statement_timeout;
  const Watchdog::Guard guard{watchdog_, session.socket(), steady_now() + limit + kWatchdogMargin};
  const bool transaction = access != Access::Read;
  bool begun = false;
  try {
    if (transaction) {
      session.command(engine_ == Engine::Sqlite ? "BEGIN IMMEDIATE" : "BEGIN ISOLATION LEVEL READ COMMITTED");
      begun = true;
      if (access == Access::Maintenance && engine_ == Engine::Postgres) {
        session.command("SET LOCAL statement_timeout = " + std::to_string(limit.count()));
      }
    }
    const Verdict verdict = body(session);
    if (transaction) {
      state.committing = verdict == Verdict::Commit;
      session.command(verdict == Verdict::Commit ? "COMMIT" : "ROLLBACK");
    }
    return std::nullopt;
  } catch (const SqlFailure& failure) {
    SqlFailure outcome = failure;
    // The library sometimes loses the error's class with the connection.
    if (outcome.kind != FailureKind::Connection && !session.looks_alive()) outcome.kind = FailureKind::Connection;
    state.discard = outcome.kind == FailureKind::Connection || (begun && !rolled_back(session));
    return outcome;
  } catch (const std::exception&) {
    // A row that is not what the schema says, or no memory. Its text may quote what it read.
    state.discard = true;
    return SqlFailure{FailureKind::Other, "an unexpected failure between two statements"};
  }
}

std::optional<port::StoreError> Database::perform(std::string_view operation, Access access, const Body& body) {
  const SteadyTime started = steady_now();
  for (int tries = 1;; ++tries) {
    const auto slot = lease(access);
    if (!slot) return store_error(operation, {FailureKind::Timeout, "all database sessions are busy"});
    const Lease held{*this, *slot, access};
    Attempt state;
    if (const auto failure = connect(held.slot(), started, state)) return store_error(operation, *failure);
    const auto failure = attempt(*held.slot().session, access, body, state);
    if (!failure) return std::nullopt;
    if (state.discard) held.slot().session.reset();
    const auto took = steady_now() - started;
    // A server takes a second to find a deadlock, so the loser of one may begin again as long as it has time at all.
    const bool lost_race = failure->kind == FailureKind::Retry && took < options_.statement_timeout;
    // A retry after a slow failure would double the longest wait.
    const bool was_dead = failure->kind == FailureKind::Connection && state.reused && !state.committing &&
                          took < options_.statement_timeout / 4;
    if ((lost_race || was_dead) && tries < kAttemptsMax) continue;
    return store_error(operation, *failure);
  }
}

}  // namespace zvonok::store_sql
