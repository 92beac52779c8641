// The connection string of the PostgreSQL client library, and the checks of all options.
#pragma once
#include <optional>
#include <string>

#include "adapter/store_sql/store_sql.h"

namespace zvonok::store_sql {

/// In URI form with every unusual byte escaped: SOCI loses the blanks of quoted values in the keyword form. Holds the
/// password.
[[nodiscard]] Private<std::string> connection_text(const PostgresOptions& options);

/// What is wrong with them, if anything.
[[nodiscard]] std::optional<StoreSqlError> check_options(const StoreSqlOptions& options);

}  // namespace zvonok::store_sql
