// The parts of the migrator that others and tests of this adapter use; the rest is in store_sql.h.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/store_sql/store_sql.h"

namespace zvonok::store_sql {

/// An error that names what is pending, edited or unknown; nullopt when the schema is the one of this binary.
[[nodiscard]] std::optional<StoreSqlError> require_current(const StoreSqlOptions& options);

/// The statements of a migration: comment lines (`--`) and empty lines are left out, a statement ends with a line whose
/// last character is ';'. Simple on purpose: a text literal must not have a line that ends with ';', and several
/// statements on one line are one.
[[nodiscard]] std::vector<std::string> split_statements(std::string_view sql);

/// SHA-256 of the text with LF line ends, lower-case hex: a checkout that writes CRLF changes nothing.
[[nodiscard]] std::string migration_checksum(std::string_view sql);

}  // namespace zvonok::store_sql
