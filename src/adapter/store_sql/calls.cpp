// The history of calls: see port/store.h.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "adapter/store_sql/database.h"
#include "adapter/store_sql/listing_sql.h"
#include "adapter/store_sql/store_sql.h"
#include "adapter/store_sql/text.h"
#include "call/room_words.h"

namespace zvonok::store_sql {
namespace {

using call::CallRecord;
using port::StoreResult;

const std::string kSelect =
    "SELECT id, kind, state, caller_id, callee_id, chat_id, started_at, ringing_at, answered_at, ended_at, end_reason, "
    "duration_seconds, session_id, phone_number, tunnel_seconds, "
    "caller_bytes_sent, caller_packets_sent, caller_bytes_received, caller_packets_received, "
    "callee_bytes_sent, callee_packets_sent, callee_bytes_received, callee_packets_received, "
    "idempotency_key, room_kind FROM calls";
const std::vector<Column> kColumns{Column::Text,    Column::Text,    Column::Text,    Column::Text,    Column::Text,
                                   Column::Text,    Column::Integer, Column::Integer, Column::Integer, Column::Integer,
                                   Column::Text,    Column::Integer, Column::Text,    Column::Text,    Column::Integer,
                                   Column::Integer, Column::Integer, Column::Integer, Column::Integer, Column::Integer,
                                   Column::Integer, Column::Integer, Column::Integer, Column::Text,    Column::Text};
constexpr std::size_t kTunnelColumn = 14;
constexpr std::size_t kKeyColumn = 23;
constexpr std::size_t kRoomColumn = 24;

// The states are spelled as call::to_text spells them; 'ended' also stands in the condition of an index.
const InsertSql kUpsert{
    "calls (id, kind, state, caller_id, callee_id, chat_id, started_at, ringing_at, answered_at, ended_at, end_reason, "
    "duration_seconds, session_id, phone_number, tunnel_seconds, "
    "caller_bytes_sent, caller_packets_sent, caller_bytes_received, caller_packets_received, "
    "callee_bytes_sent, callee_packets_sent, callee_bytes_received, callee_packets_received, "
    "idempotency_key, room_kind, node)",
    "ON CONFLICT (id) DO UPDATE SET "
    "state = CASE WHEN calls.state = 'active' AND excluded.state = 'ringing' THEN calls.state ELSE excluded.state END, "
    "ringing_at = COALESCE(excluded.ringing_at, calls.ringing_at), "
    "answered_at = COALESCE(excluded.answered_at, calls.answered_at), "
    "ended_at = excluded.ended_at, end_reason = excluded.end_reason, "
    "duration_seconds = excluded.duration_seconds, tunnel_seconds = excluded.tunnel_seconds, "
    "caller_bytes_sent = excluded.caller_bytes_sent, caller_packets_sent = excluded.caller_packets_sent, "
    "caller_bytes_received = excluded.caller_bytes_received, "
    "caller_packets_received = excluded.caller_packets_received, "
    "callee_bytes_sent = excluded.callee_bytes_sent, callee_packets_sent = excluded.callee_packets_sent, "
    "callee_bytes_received = excluded.callee_bytes_received, "
    "callee_packets_received = excluded.callee_packets_received, node = excluded.node "
    // What was used of its tunnel may be known later than the end of a call, and once.
    "WHERE calls.state <> 'ended' OR (excluded.state = 'ended' AND calls.tunnel_seconds IS NOT NULL "
    "AND calls.caller_bytes_sent IS NULL AND excluded.caller_bytes_sent IS NOT NULL)"};

// `caller = ? OR callee = ?` would read and sort a whole history; two ranges, each of one index and each cut at the
// limit, are merged instead. A call to oneself belongs to the first. `more` is "" or begins with AND.
std::string list_sql(std::string_view more) {
  const std::string rest = " AND (started_at, id) < (:at, :id)" + std::string{more};
  constexpr std::string_view kOrder = " ORDER BY started_at DESC, id DESC LIMIT :limit";
  std::string sql = "SELECT * FROM (" + kSelect + " WHERE caller_id = :user" + rest;
  sql.append(kOrder).append(") AS a UNION ALL SELECT * FROM (");
  sql.append(kSelect).append(" WHERE callee_id = :user AND caller_id <> :user").append(rest);
  return sql.append(kOrder).append(") AS b").append(kOrder);
}

const std::string kList = list_sql("");

/// The conditions of a filter, and their values at the end of `params`.
std::string conditions_of(const port::CallFilter& filter, Params& params) {
  std::string sql;
  const auto add = [&](std::string_view condition, const char* name, Value value) {
    sql.append(" AND ").append(condition).append(" :").append(name);
    params.push_back({name, std::move(value)});
  };
  if (filter.kind) add("kind =", "kind", std::string{to_text(*filter.kind)});
  if (filter.state) add("state =", "state", std::string{to_text(*filter.state)});
  if (filter.answered) sql += *filter.answered ? " AND answered_at IS NOT NULL" : " AND answered_at IS NULL";
  if (filter.rung) sql += *filter.rung ? " AND ringing_at IS NOT NULL" : " AND ringing_at IS NULL";
  if (filter.outgoing) sql += *filter.outgoing ? " AND caller_id = :user" : " AND caller_id <> :user";
  if (filter.started_from) add("started_at >=", "started_from", unix_milliseconds(*filter.started_from));
  if (filter.started_until) add("started_at <", "started_until", unix_milliseconds(*filter.started_until));
  if (filter.phone_number) add("phone_number =", "phone_number", *filter.phone_number);
  if (filter.reasons.empty()) return sql;
  std::string_view before = " AND end_reason IN ('";
  for (const call::EndReason reason : filter.reasons) {  // words of ours, so they may stand in the text
    sql.append(std::exchange(before, "', '")).append(to_text(reason));
  }
  return sql.append("')");
}

std::optional<std::int64_t> optional_integer(const Row& row, std::size_t at) {
  return row.is_null(at) ? std::nullopt : std::optional{row.integer(at)};
}

std::optional<call::TunnelUse> to_tunnel_use(const Row& row) {
  if (row.is_null(kTunnelColumn)) return std::nullopt;
  call::TunnelUse use{.seconds = row.integer(kTunnelColumn)};
  if (row.is_null(kTunnelColumn + 1)) return use;
  const auto side = [&](std::size_t at) {
    return call::TunnelTraffic{.bytes_sent = row.integer(at),
                               .packets_sent = optional_integer(row, at + 1),
                               .bytes_received = row.integer(at + 2),
                               .packets_received = optional_integer(row, at + 3)};
  };
  use.sides = {side(kTunnelColumn + 1), side(kTunnelColumn + 5)};
  return use;
}

std::optional<CallRecord> to_record(const Row& row) {
  const auto kind = call::call_kind_from(row.text(1));
  const auto state = call::call_state_from(row.text(2));
  if (!kind || !state) return std::nullopt;
  const auto chat = row.optional_text(5);
  const auto reason = row.optional_text(10);
  std::optional<call::PhoneSide> phone;
  if (auto number = row.optional_text(13)) {
    phone = call::PhoneSide{.number = std::move(*number),
                            .session_id = row.optional_text(12).value_or(""),
                            .key = row.optional_text(kKeyColumn).value_or("")};
    const auto room = call::room_kind_from(row.optional_text(kRoomColumn).value_or(""));
    if (room && chat) phone->room = call::RoomKey{.kind = *room, .id = ChatId{*chat}};
  }
  return CallRecord{.id = CallId{row.text(0)},
                    .kind = *kind,
                    .state = *state,
                    .caller = UserId{row.text(3)},
                    .callee = UserId{row.text(4)},
                    .chat = chat ? std::optional{ChatId{*chat}} : std::nullopt,
                    .started_at = row.time(6),
                    .ringing_at = row.optional_time(7),
                    .answered_at = row.optional_time(8),
                    .ended_at = row.optional_time(9),
                    .reason = reason ? call::end_reason_from(*reason) : std::nullopt,
                    .duration_seconds = row.integer(11),
                    .phone = std::move(phone),
                    .tunnel = to_tunnel_use(row)};
}

/// A kind or state that this binary does not know was written by a newer one that shares the database.
port::StoreError unreadable(std::string_view operation) {
  return {port::StoreErrorKind::Unavailable,
          std::string{operation} + ": a record has a kind or state that this binary does not know"};
}

void add_tunnel_use(Params& params, const std::optional<call::TunnelUse>& use) {
  const bool counted = use && use->sides;
  const auto number = [&](const char* name, std::optional<std::int64_t> value) {
    params.push_back({name, optional_value(value)});
  };
  const auto bytes = [&](std::int64_t value) { return counted ? std::optional{value} : std::nullopt; };
  const auto [caller, callee] = counted ? *use->sides : std::array<call::TunnelTraffic, 2>{};
  number("tunnel_seconds", use ? std::optional{use->seconds} : std::nullopt);
  number("caller_bytes_sent", bytes(caller.bytes_sent));
  number("caller_packets_sent", caller.packets_sent);
  number("caller_bytes_received", bytes(caller.bytes_received));
  number("caller_packets_received", caller.packets_received);
  number("callee_bytes_sent", bytes(callee.bytes_sent));
  number("callee_packets_sent", callee.packets_sent);
  number("callee_bytes_received", bytes(callee.bytes_received));
  number("callee_packets_received", callee.packets_received);
}

Params to_params(const CallRecord& record, std::string_view node) {
  using OptionalText = std::optional<std::string>;
  Params params{{"id", record.id.value()},
                {"kind", std::string{to_text(record.kind)}},
                {"state", std::string{to_text(record.state)}},
                {"caller_id", record.caller.value()},
                {"callee_id", record.callee.value()},
                {"chat_id", optional_value(record.chat ? OptionalText{record.chat->value()} : std::nullopt)},
                {"started_at", unix_milliseconds(record.started_at)},
                {"ringing_at", optional_value(record.ringing_at)},
                {"answered_at", optional_value(record.answered_at)},
                {"ended_at", optional_value(record.ended_at)},
                {"end_reason", optional_value(record.reason ? OptionalText{to_text(*record.reason)} : std::nullopt)},
                {"duration_seconds", record.duration_seconds},
                {"session_id", optional_value(record.phone ? OptionalText{record.phone->session_id} : std::nullopt)},
                {"phone_number", optional_value(record.phone ? OptionalText{record.phone->number} : std::nullopt)}};
  add_tunnel_use(params, record.tunnel);
  const bool is_keyed = record.phone && !record.phone->key.empty();
  params.push_back({"idempotency_key", optional_value(is_keyed ? OptionalText{record.phone->key} : std::nullopt)});
  const bool in_room = record.phone && record.phone->room;
  params.push_back(
      {"room_kind", optional_value(in_room ? OptionalText{to_text(record.phone->room->kind)} : std::nullopt)});
  params.push_back({"node", std::string{node}});
  return params;
}

std::optional<port::StoreError> check(const CallRecord& record) {
  TextCheck texts;
  texts.required("call id", record.id.value())
      .allowed("caller", record.caller.value(), port::kIdBytesMax)
      .allowed("callee", record.callee.value(), port::kIdBytesMax);
  if (record.chat) texts.required("chat id", record.chat->value());
  if (record.phone) {
    texts.allowed("phone number", record.phone->number, port::kIdBytesMax)
        .allowed("session id", record.phone->session_id, port::kIdBytesMax)
        .allowed("key", record.phone->key, port::kCallKeyBytesMax);
    // Who calls us may withhold it.
    if (!record.caller.empty()) texts.required("phone number", record.phone->number);
  }
  return texts.error();
}

const std::string& id_of(const Params& row) {
  return std::get<std::string>(row.front().value);
}

/// The first writes of every call, then the second ones, and so on: one statement can't change a row twice. `rows` is
/// ordered by id.
std::vector<std::vector<Params>> into_rounds(std::vector<Params> rows) {
  std::vector<std::vector<Params>> rounds;
  std::string last_id;
  std::size_t round = 0;
  for (Params& row : rows) {
    round = !rounds.empty() && id_of(row) == last_id ? round + 1 : 0;
    last_id = id_of(row);
    if (round == rounds.size()) rounds.emplace_back();
    rounds[round].push_back(std::move(row));
  }
  return rounds;
}

}  // namespace

const std::string& call_history_sql() {
  return kList;
}

StoreResult<void> StoreSql::save_calls(const std::vector<CallRecord>& records, std::string_view node) {
  if (auto error = TextCheck{}.required("node", node).error()) return fail(std::move(*error));
  std::vector<Params> rows;
  rows.reserve(records.size());
  for (const CallRecord& record : records) {
    if (auto error = check(record)) return fail(std::move(*error));
    rows.push_back(to_params(record, node));
  }
  if (rows.empty()) return {};
  // One order for everybody, so that two batches with the same calls can't lock each other out. Stable, because a call
  // may be in a batch twice.
  std::ranges::stable_sort(rows, {}, id_of);
  const auto rounds = into_rounds(std::move(rows));
  return database_->run("save_calls", Access::Write, [&](Session& session) -> StoreResult<void> {
    for (const auto& round : rounds) session.insert_each(kUpsert, round);
    return {};
  });
}

StoreResult<port::Page<CallRecord>> StoreSql::list_calls(const UserId& user, const port::PageRequest& page) {
  return search_calls(user, {}, page);
}

StoreResult<port::Page<CallRecord>> StoreSql::search_calls(const UserId& user, const port::CallFilter& filter,
                                                           const port::PageRequest& page) {
  TimeCursor before{.at = std::numeric_limits<std::int64_t>::max(), .id = ""};
  if (!page.after.empty()) {
    auto cursor = decode_time_cursor(Listing::Calls, page.after);
    if (!cursor) return port::Page<CallRecord>{};
    before = std::move(*cursor);
  }
  if (!possible_id(user.value())) return port::Page<CallRecord>{};
  if (filter.phone_number && !possible_id(*filter.phone_number)) return port::Page<CallRecord>{};
  const std::size_t limit = std::clamp<std::size_t>(page.limit, 1, port::kPageLimitMax);
  Params params{
      {"user", user.value()}, {"at", before.at}, {"id", before.id}, {"limit", static_cast<std::int64_t>(limit) + 1}};
  const std::string more = conditions_of(filter, params);
  const std::string sql = more.empty() ? kList : list_sql(more);
  return database_->run("list_calls", Access::Read, [&](Session& session) -> StoreResult<port::Page<CallRecord>> {
    const auto rows = session.query(sql, kColumns, params);
    port::Page<CallRecord> out;
    for (std::size_t i = 0; i < std::min(rows.size(), limit); ++i) {
      auto record = to_record(rows[i]);
      if (!record) return fail(unreadable("list_calls"));
      out.items.push_back(std::move(*record));
    }
    if (rows.size() > limit) {
      const CallRecord& last = out.items.back();
      out.next =
          encode_cursor(Listing::Calls, TimeCursor{.at = unix_milliseconds(last.started_at), .id = last.id.value()});
    }
    return out;
  });
}

StoreResult<std::vector<port::PhoneUsage>> StoreSql::phone_usage(WallTime since) {
  using Usage = std::vector<port::PhoneUsage>;
  return database_->run("phone_usage", Access::Read, [&](Session& session) -> StoreResult<Usage> {
    Usage out;
    // CAST: a sum of BIGINT is NUMERIC to PostgreSQL.
    const auto rows = session.query(
        "SELECT caller_id, COUNT(*), CAST(SUM(duration_seconds) AS BIGINT) FROM calls "
        "WHERE kind = 'phone' AND started_at >= :since GROUP BY caller_id",
        {Column::Text, Column::Integer, Column::Integer}, {{"since", unix_milliseconds(since)}});
    for (const Row& row : rows) {
      out.push_back({.user = UserId{row.text(0)}, .calls = row.integer(1), .talked_seconds = row.integer(2)});
    }
    return out;
  });
}

StoreResult<std::optional<CallRecord>> StoreSql::find_call(const CallId& id) {
  if (!possible_id(id.value())) return std::nullopt;
  return database_->run("find_call", Access::Read, [&](Session& session) -> StoreResult<std::optional<CallRecord>> {
    const auto rows = session.query(kSelect + " WHERE id = :id", kColumns, {{"id", id.value()}});
    if (rows.empty()) return std::nullopt;
    auto record = to_record(rows.front());
    if (!record) return fail(unreadable("find_call"));
    return record;
  });
}

StoreResult<std::optional<CallRecord>> StoreSql::find_keyed_call(const UserId& user, std::string_view key,
                                                                 WallTime since) {
  using Found = std::optional<CallRecord>;
  if (!possible_id(user.value()) || TextCheck{}.allowed("key", key, port::kCallKeyBytesMax).error()) return Found{};
  return database_->run("find_keyed_call", Access::Read, [&](Session& session) -> StoreResult<Found> {
    const auto rows = session.query(
        kSelect +
            " WHERE caller_id = :user AND idempotency_key = :key AND started_at >= :since "
            "ORDER BY started_at DESC, id DESC LIMIT 1",
        kColumns, {{"user", user.value()}, {"key", std::string{key}}, {"since", unix_milliseconds(since)}});
    if (rows.empty()) return Found{};
    auto record = to_record(rows.front());
    if (!record) return fail(unreadable("find_keyed_call"));
    return record;
  });
}

StoreResult<std::int64_t> StoreSql::settle_open_calls(std::string_view node, WallTime now, Duration phone_call_max) {
  if (!possible_id(node)) return 0;
  const std::int64_t seconds_max = phone_call_max / seconds{1};
  return database_->run("settle_open_calls", Access::Maintenance, [&](Session& session) -> StoreResult<std::int64_t> {
    return session.execute(
        "UPDATE calls SET state = 'ended', end_reason = :reason, "
        "ended_at = CASE WHEN COALESCE(answered_at, started_at) > :now THEN COALESCE(answered_at, started_at) "
        "WHEN kind = 'phone' AND answered_at < :long_ago THEN answered_at + :milliseconds_max ELSE :now END, "
        "duration_seconds = CASE WHEN answered_at IS NULL OR answered_at > :now THEN 0 "
        "WHEN kind = 'phone' AND answered_at < :long_ago THEN :seconds_max "
        "ELSE (:now - answered_at) / 1000 END "
        "WHERE id IN (SELECT id FROM calls WHERE node = :node AND state <> 'ended'" +
            std::string{row_lock(session, Locking::InOrder)} + ") AND state <> 'ended'",
        {{"reason", std::string{to_text(call::EndReason::ServerShutdown)}},
         {"now", unix_milliseconds(now)},
         {"long_ago", unix_milliseconds(now) - seconds_max * 1000},
         {"milliseconds_max", seconds_max * 1000},
         {"seconds_max", seconds_max},
         {"node", std::string{node}}});
  });
}

}  // namespace zvonok::store_sql
