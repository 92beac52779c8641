// The statements of the listings that grow with the years, for the test of their query plans.
#pragma once
#include <string>

namespace zvonok::store_sql {

/// All have the parameters user (the last one: group), at, id and limit.
[[nodiscard]] const std::string& call_history_sql();
[[nodiscard]] const std::string& private_chats_sql();
[[nodiscard]] const std::string& groups_sql();
[[nodiscard]] const std::string& group_members_sql();

}  // namespace zvonok::store_sql
