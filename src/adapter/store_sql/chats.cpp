// Private chats: see port/store.h.
#include <algorithm>
#include <limits>

#include "adapter/store_sql/database.h"
#include "adapter/store_sql/listing_sql.h"
#include "adapter/store_sql/store_sql.h"
#include "adapter/store_sql/text.h"

namespace zvonok::store_sql {
namespace {

using port::PrivateChat;
using port::StoreError;
using port::StoreErrorKind;
using port::StoreResult;

const std::string kSelect = "SELECT id, first_user_id, second_user_id, created_at FROM private_chats";
const std::vector<Column> kColumns{Column::Text, Column::Text, Column::Text, Column::Integer};

// As for calls: one range of each index, merged.
const std::string kList =
    "SELECT * FROM (" + kSelect +
    " WHERE first_user_id = :user AND (created_at, id) < (:at, :id) ORDER BY created_at DESC, id DESC LIMIT :limit) "
    "AS a UNION ALL SELECT * FROM (" +
    kSelect +
    " WHERE second_user_id = :user AND (created_at, id) < (:at, :id) ORDER BY created_at DESC, id DESC LIMIT :limit) "
    "AS b ORDER BY created_at DESC, id DESC LIMIT :limit";

PrivateChat to_chat(const Row& row) {
  return {.id = ChatId{row.text(0)},
          .first = UserId{row.text(1)},
          .second = UserId{row.text(2)},
          .created_at = row.time(3)};
}

std::optional<PrivateChat> find_pair(Session& session, const PrivateChat& chat) {
  const auto rows = session.query(kSelect + " WHERE first_user_id = :first AND second_user_id = :second", kColumns,
                                  {{"first", chat.first.value()}, {"second", chat.second.value()}});
  return rows.empty() ? std::nullopt : std::optional{to_chat(rows.front())};
}

StoreResult<PrivateChat> ensure(Session& session, const PrivateChat& chat) {
  // Looked for first: with the pair and the id both taken, which of the two rules speaks up differs by database.
  if (auto found = find_pair(session, chat)) return std::move(*found);
  session.execute(
      "INSERT INTO private_chats (id, first_user_id, second_user_id, created_at) VALUES (:id, :first, :second, :at) "
      "ON CONFLICT (first_user_id, second_user_id) DO NOTHING",
      {{"id", chat.id.value()},
       {"first", chat.first.value()},
       {"second", chat.second.value()},
       {"at", unix_milliseconds(chat.created_at)}});
  auto stored = find_pair(session, chat);
  if (!stored) return fail(StoreError{StoreErrorKind::Unavailable, "ensure_private_chat: the row went away"});
  return std::move(*stored);
}

}  // namespace

const std::string& private_chats_sql() {
  return kList;
}

StoreResult<PrivateChat> StoreSql::ensure_private_chat(const PrivateChat& chat) {
  const auto check = TextCheck{}
                         .required("chat id", chat.id.value())
                         .required("first user", chat.first.value())
                         .required("second user", chat.second.value());
  if (check.error()) return fail(*check.error());
  if (chat.first == chat.second) return fail(StoreError{StoreErrorKind::Conflict, "both sides of a chat are the same"});
  PrivateChat ordered = chat;
  if (ordered.second < ordered.first) std::swap(ordered.first, ordered.second);
  return database_->run("ensure_private_chat", Access::Write,
                        [&](Session& session) -> StoreResult<PrivateChat> { return ensure(session, ordered); });
}

StoreResult<std::optional<PrivateChat>> StoreSql::find_private_chat(const ChatId& id) {
  if (!possible_id(id.value())) return std::nullopt;
  return database_->run("find_private_chat", Access::Read,
                        [&](Session& session) -> StoreResult<std::optional<PrivateChat>> {
                          const auto rows = session.query(kSelect + " WHERE id = :id", kColumns, {{"id", id.value()}});
                          if (rows.empty()) return std::nullopt;
                          return to_chat(rows.front());
                        });
}

StoreResult<port::Page<PrivateChat>> StoreSql::list_private_chats(const UserId& user, const port::PageRequest& page) {
  TimeCursor before{.at = std::numeric_limits<std::int64_t>::max(), .id = ""};
  if (!page.after.empty()) {
    auto cursor = decode_time_cursor(Listing::Chats, page.after);
    if (!cursor) return port::Page<PrivateChat>{};
    before = std::move(*cursor);
  }
  if (!possible_id(user.value())) return port::Page<PrivateChat>{};
  const std::size_t limit = std::clamp<std::size_t>(page.limit, 1, port::kPageLimitMax);
  const Params params{
      {"user", user.value()}, {"at", before.at}, {"id", before.id}, {"limit", static_cast<std::int64_t>(limit) + 1}};
  return database_->run(
      "list_private_chats", Access::Read, [&](Session& session) -> StoreResult<port::Page<PrivateChat>> {
        const auto rows = session.query(kList, kColumns, params);
        port::Page<PrivateChat> out;
        for (std::size_t i = 0; i < std::min(rows.size(), limit); ++i) out.items.push_back(to_chat(rows[i]));
        if (rows.size() > limit) {
          const PrivateChat& last = out.items.back();
          out.next = encode_cursor(Listing::Chats,
                                   TimeCursor{.at = unix_milliseconds(last.created_at), .id = last.id.value()});
        }
        return out;
      });
}

}  // namespace zvonok::store_sql
