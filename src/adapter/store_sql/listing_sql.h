// The statements of the listings that grow with the years, for the test of their query plans.
#pragma once
#include <string>

namespace zvonok::store_sql {

/// Both have the parameters user, at, id and limit.
[[nodiscard]] const std::string& call_history_sql();
[[nodiscard]] const std::string& private_chats_sql();

}  // namespace zvonok::store_sql
