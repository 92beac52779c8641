// Whose telephone numbers: see port/store.h.
#include <algorithm>

#include "adapter/store_sql/database.h"
#include "adapter/store_sql/store_sql.h"
#include "adapter/store_sql/text.h"

namespace zvonok::store_sql {
namespace {

using port::PhoneNumberOwner;
using port::StoreResult;

constexpr const char* kSelect = "SELECT number, user_id, created_at FROM phone_numbers";
const std::vector<Column> kColumns{Column::Text, Column::Text, Column::Integer};

PhoneNumberOwner to_owner(const Row& row) {
  return {.number = row.text(0), .user = UserId{row.text(1)}, .since = row.time(2)};
}

}  // namespace

StoreResult<void> StoreSql::put_phone_number(const PhoneNumberOwner& owner) {
  if (auto error = TextCheck{}.required("number", owner.number).required("user id", owner.user.value()).error()) {
    return fail(std::move(*error));
  }
  return database_->run("put_phone_number", Access::Write, [&](Session& session) -> StoreResult<void> {
    session.execute(
        "INSERT INTO phone_numbers (number, user_id, created_at) VALUES (:number, :user, :at) "
        "ON CONFLICT (number) DO UPDATE SET user_id = excluded.user_id, created_at = excluded.created_at",
        {{"number", owner.number}, {"user", owner.user.value()}, {"at", unix_milliseconds(owner.since)}});
    return {};
  });
}

StoreResult<void> StoreSql::remove_phone_number(std::string_view number) {
  const port::StoreError none{port::StoreErrorKind::NotFound, "nobody has that number"};
  if (!possible_id(number)) return fail(none);
  return database_->run("remove_phone_number", Access::Write, [&](Session& session) -> StoreResult<void> {
    const std::int64_t rows =
        session.execute("DELETE FROM phone_numbers WHERE number = :number", {{"number", std::string{number}}});
    if (rows == 0) return fail(none);
    return {};
  });
}

StoreResult<port::Page<PhoneNumberOwner>> StoreSql::list_phone_numbers(const std::optional<UserId>& user,
                                                                       const port::PageRequest& page) {
  using Owners = port::Page<PhoneNumberOwner>;
  if (user && !possible_id(user->value())) return Owners{};
  if (!page.after.empty() && !possible_id(page.after)) return Owners{};
  const std::size_t limit = std::clamp<std::size_t>(page.limit, 1, port::kPageLimitMax);
  Params params{{"after", page.after}, {"limit", static_cast<std::int64_t>(limit) + 1}};
  std::string sql = std::string{kSelect} + " WHERE number > :after";
  if (user) {
    sql += " AND user_id = :user";
    params.push_back({"user", user->value()});
  }
  sql += " ORDER BY number LIMIT :limit";
  return database_->run("list_phone_numbers", Access::Read, [&](Session& session) -> StoreResult<Owners> {
    const auto rows = session.query(sql, kColumns, params);
    Owners out;
    for (std::size_t i = 0; i < std::min(rows.size(), limit); ++i) out.items.push_back(to_owner(rows[i]));
    if (rows.size() > limit) out.next = out.items.back().number;
    return out;
  });
}

StoreResult<std::optional<UserId>> StoreSql::find_phone_user(std::string_view number) {
  if (!possible_id(number)) return std::nullopt;
  return database_->run("find_phone_user", Access::Read, [&](Session& session) -> StoreResult<std::optional<UserId>> {
    const auto rows = session.query(
        "SELECT user_id FROM phone_numbers WHERE number IN (:number, '*') AND NOT EXISTS "
        "(SELECT 1 FROM users WHERE users.id = phone_numbers.user_id AND users.disabled <> 0) "
        "ORDER BY CASE WHEN number = '*' THEN 1 ELSE 0 END LIMIT 1",
        {Column::Text}, {{"number", std::string{number}}});
    if (rows.empty()) return std::nullopt;
    return UserId{rows.front().text(0)};
  });
}

}  // namespace zvonok::store_sql
