// Making a StoreSql: options, schema, pool. The methods are in users.cpp, login_sessions.cpp, calls.cpp, chats.cpp and
// groups.cpp.
#include "adapter/store_sql/store_sql.h"

#include "adapter/store_sql/connection_text.h"
#include "adapter/store_sql/database.h"
#include "adapter/store_sql/migrator.h"

namespace zvonok::store_sql {

Result<std::unique_ptr<StoreSql>, StoreSqlError> StoreSql::create(const StoreSqlOptions& options) {
  if (auto error = check_options(options)) return fail(std::move(*error));
  switch (options.schema_on_start) {
    case SchemaOnStart::Migrate:
      if (auto report = migrate(options); !report) return fail(std::move(report.error()));
      break;
    case SchemaOnStart::RequireCurrent:
      if (auto error = require_current(options)) return fail(std::move(*error));
      break;
  }
  auto database = Database::open(options);
  if (!database) return fail(std::move(database.error()));
  return std::unique_ptr<StoreSql>{new StoreSql{std::move(*database)}};
}

StoreSql::StoreSql(std::unique_ptr<Database> database) : database_{std::move(database)} {}
StoreSql::~StoreSql() = default;

port::StoreResult<void> StoreSql::ping() {
  return database_->run("ping", Access::Read, [](Session& session) -> port::StoreResult<void> {
    // A table of ours, not just `SELECT 1`: it also notices a database that was replaced by an empty one.
    (void)session.query("SELECT COUNT(*) FROM schema_migrations", {Column::Integer});
    return {};
  });
}

}  // namespace zvonok::store_sql
