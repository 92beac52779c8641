// Users: see port/store.h.
#include <algorithm>

#include "adapter/store_sql/database.h"
#include "adapter/store_sql/store_sql.h"
#include "adapter/store_sql/text.h"

namespace zvonok::store_sql {
namespace {

using port::StoreError;
using port::StoreErrorKind;
using port::StoreResult;
using port::User;

/// The listing's order needs no more of a name, and PostgreSQL's index can't hold more than 2700 bytes.
constexpr std::size_t kNameKeyCodePointsMax = 100;

constexpr const char* kSelect =
    "SELECT id, email, display_name, password_hash, disabled, created_at, name_key FROM users";
const std::vector<Column> kColumns{Column::Text,    Column::Text,    Column::Text, Column::Text,
                                   Column::Integer, Column::Integer, Column::Text};
constexpr std::size_t kNameKeyColumn = 6;

User to_user(const Row& row) {
  return {.id = UserId{row.text(0)},
          .email = row.optional_text(1),
          .display_name = row.text(2),
          .password_hash = row.text(3),
          .disabled = row.integer(4) != 0,
          .created_at = row.time(5)};
}

std::string name_key(std::string_view display_name) {
  return fold_case(first_code_points(display_name, kNameKeyCodePointsMax));
}

std::optional<StoreError> check(const User& user) {
  return TextCheck{}
      .required("user id", user.id.value())
      .allowed("email", user.email.value_or(""), port::kEmailBytesMax)
      .allowed("display name", user.display_name, port::kDisplayNameBytesMax)
      .allowed("password hash", user.password_hash, port::kPasswordHashBytesMax)
      .error();
}

std::string insert_sql(std::string_view on_conflict) {
  return "INSERT INTO users (id, email, display_name, name_key, password_hash, disabled, created_at) "
         "VALUES (:id, :email, :name, :key, :hash, :disabled, :at)" +
         std::string{on_conflict};
}

Params insert_params(const User& user) {
  return {{"id", user.id.value()},
          {"email", optional_value(user.email ? std::optional{fold_case(*user.email)} : std::nullopt)},
          {"name", user.display_name},
          {"key", name_key(user.display_name)},
          {"hash", user.password_hash},
          {"disabled", std::int64_t{user.disabled ? 1 : 0}},
          {"at", unix_milliseconds(user.created_at)}};
}

std::optional<User> find_by(Session& session, const char* condition, std::string value) {
  const auto rows = session.query(std::string{kSelect} + condition, kColumns, {{"value", std::move(value)}});
  return rows.empty() ? std::nullopt : std::optional{to_user(rows.front())};
}

StoreResult<void> changed_one(std::int64_t rows) {
  if (rows == 0) return fail(StoreError{StoreErrorKind::NotFound, "no such user"});
  return {};
}

}  // namespace

StoreResult<void> StoreSql::create_user(const User& user) {
  if (auto error = check(user)) return fail(std::move(*error));
  return database_->run("create_user", Access::Write, [&](Session& session) -> StoreResult<void> {
    session.execute(insert_sql(""), insert_params(user));
    return {};
  });
}

StoreResult<User> StoreSql::ensure_user(const User& user) {
  if (auto error = check(user)) return fail(std::move(*error));
  // Nearly always the user is there already: look before asking for the write lock.
  auto found = find_user(user.id);
  if (!found) return fail(std::move(found.error()));
  if (*found) return std::move(**found);
  return database_->run("ensure_user", Access::Write, [&](Session& session) -> StoreResult<User> {
    session.execute(insert_sql(" ON CONFLICT (id) DO NOTHING"), insert_params(user));
    auto stored = find_by(session, " WHERE id = :value", user.id.value());
    if (!stored) return fail(StoreError{StoreErrorKind::Unavailable, "ensure_user: the row went away"});
    return std::move(*stored);
  });
}

StoreResult<std::optional<User>> StoreSql::find_user(const UserId& id) {
  if (!possible_id(id.value())) return std::nullopt;
  return database_->run("find_user", Access::Read, [&](Session& session) -> StoreResult<std::optional<User>> {
    return find_by(session, " WHERE id = :value", id.value());
  });
}

StoreResult<std::optional<User>> StoreSql::find_user_by_email(std::string_view email) {
  if (email.size() > port::kEmailBytesMax || !storable(email)) return std::nullopt;
  return database_->run("find_user_by_email", Access::Read, [&](Session& session) -> StoreResult<std::optional<User>> {
    return find_by(session, " WHERE email = :value", fold_case(email));
  });
}

StoreResult<port::Page<User>> StoreSql::list_users(const ListUsers& request) {
  port::Page<User> page;
  Cursor after;
  if (!request.page.after.empty()) {
    auto cursor = decode_cursor(Listing::Users, request.page.after);
    if (!cursor) return page;
    after = std::move(*cursor);
  }
  // Nothing that is searched is longer than an email or a name.
  constexpr std::size_t kLongestBytes = std::max(port::kEmailBytesMax, port::kDisplayNameBytesMax);
  if (request.search.size() > kLongestBytes || !storable(request.search)) return page;
  const std::size_t limit = std::clamp<std::size_t>(request.page.limit, 1, port::kPageLimitMax);
  std::string sql = std::string{kSelect} + " WHERE (name_key, id) > (:key, :id)";
  Params params{{"key", after.key}, {"id", after.id}};
  if (!request.include_disabled) sql += " AND disabled = 0";
  if (!request.search.empty()) {
    sql += " AND (name_key LIKE :part ESCAPE '!' OR email LIKE :part ESCAPE '!')";
    params.emplace_back("part", containing_pattern(fold_case(request.search)));
  }
  sql += " ORDER BY name_key, id LIMIT :limit";
  params.emplace_back("limit", static_cast<std::int64_t>(limit) + 1);
  return database_->run("list_users", Access::Read, [&](Session& session) -> StoreResult<port::Page<User>> {
    const auto rows = session.query(sql, kColumns, params);
    port::Page<User> out;
    for (std::size_t i = 0; i < std::min(rows.size(), limit); ++i) out.items.push_back(to_user(rows[i]));
    if (rows.size() > limit) {
      const Row& last = rows[limit - 1];
      out.next = encode_cursor(Listing::Users, Cursor{.key = last.text(kNameKeyColumn), .id = last.text(0)});
    }
    return out;
  });
}

StoreResult<void> StoreSql::set_user_disabled(const UserId& id, bool disabled) {
  if (!possible_id(id.value())) return changed_one(0);
  return database_->run("set_user_disabled", Access::Write, [&](Session& session) -> StoreResult<void> {
    return changed_one(session.execute("UPDATE users SET disabled = :disabled WHERE id = :id",
                                       {{"disabled", std::int64_t{disabled ? 1 : 0}}, {"id", id.value()}}));
  });
}

StoreResult<void> StoreSql::set_display_name(const UserId& id, std::string_view name) {
  if (auto error = TextCheck{}.allowed("display name", name, port::kDisplayNameBytesMax).error()) {
    return fail(std::move(*error));
  }
  if (!possible_id(id.value())) return changed_one(0);
  return database_->run("set_display_name", Access::Write, [&](Session& session) -> StoreResult<void> {
    return changed_one(session.execute("UPDATE users SET display_name = :name, name_key = :key WHERE id = :id",
                                       {{"name", std::string{name}}, {"key", name_key(name)}, {"id", id.value()}}));
  });
}

}  // namespace zvonok::store_sql
