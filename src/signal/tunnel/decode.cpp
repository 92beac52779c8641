#include "signal/tunnel/decode.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "call/presence.h"
#include "proto/json_scan.h"

namespace zvonok::signal::tunnel {
namespace {

using call::tunnel::Command;
using Decoded = Result<std::optional<Command>, DecodeError>;

/// The first argument when it is an object, else nothing.
std::optional<std::string_view> first_object(std::string_view arguments) {
  json::ArrayReader reader{arguments};
  const auto first = reader.next();
  if (!first || first->type != json::Type::Object) return std::nullopt;
  while (reader.next()) {
  }
  if (!reader.valid()) return std::nullopt;
  return first->text;
}

/// Of members of one name the last counts, as in the clients' JSON.parse.
std::optional<json::Value> find_member(std::string_view object, std::string_view key) {
  std::optional<json::Value> found;
  json::ObjectReader reader{object};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, key)) found = member->value;
  }
  return found;
}

/// A text, or a whole number as its digits.
std::optional<std::string> id_from(const std::optional<json::Value>& value) {
  if (!value) return std::nullopt;
  std::string id;
  if (value->type == json::Type::String) {
    id = json::unescape(value->raw_string());
  } else if (value->type == json::Type::Number &&
             std::ranges::all_of(value->text, [](char c) { return c >= '0' && c <= '9'; })) {
    id = value->text;
  }
  if (id.empty() || id.size() > kIdBytesMax) return std::nullopt;
  return id;
}

template <class About>
Decoded about_call(ConnectionId connection, std::string_view object) {
  auto id = id_from(find_member(object, "callId"));
  if (!id) return fail(DecodeError::BadCallId);
  return Command{About{connection, CallId{std::move(*id)}}};
}

Decoded initiate(ConnectionId connection, std::string_view object) {
  auto id = id_from(find_member(object, "calleeId"));
  if (!id) return fail(DecodeError::BadCalleeId);
  return Command{call::tunnel::Initiate{connection, UserId{std::move(*id)}}};
}

Decoded watch(ConnectionId connection, std::string_view object) {
  const auto list = find_member(object, "userIds");
  if (!list || list->type != json::Type::Array) return fail(DecodeError::BadWatchList);
  call::tunnel::Watch watch{.connection = connection, .users = {}};
  json::ArrayReader reader{list->text};
  while (const auto element = reader.next()) {
    auto id = id_from(*element);
    if (!id || watch.users.size() == call::Presence::kWatchedUsersMax) return fail(DecodeError::BadWatchList);
    watch.users.emplace_back(std::move(*id));
  }
  return Command{std::move(watch)};
}

Decoded relay(ConnectionId connection, std::string_view object) {
  auto id = id_from(find_member(object, "callId"));
  if (!id) return fail(DecodeError::BadCallId);
  const auto data = find_member(object, "data");
  if (!data || data->type != json::Type::Object || data->text.size() > kWordsBytesMax) {
    return fail(DecodeError::BadWords);
  }
  return Command{
      call::tunnel::Relay{.connection = connection, .call = CallId{std::move(*id)}, .data = std::string{data->text}}};
}

using Decode = Decoded (*)(ConnectionId, std::string_view);
struct Event {
  std::string_view name;
  Decode decode;
};
constexpr Event kEvents[] = {
    {"initiate-call", initiate},
    {"accept-call", about_call<call::tunnel::Accept>},
    {"vpn-ready", about_call<call::tunnel::Ready>},
    {"reject-call", about_call<call::tunnel::Reject>},
    {"hangup", about_call<call::tunnel::Hangup>},
    {"e2e", relay},
    {"watch-presence", watch},
};

}  // namespace

std::string_view to_text(DecodeError error) {
  switch (error) {
    case DecodeError::NotAnObject: return "The argument must be an object";
    case DecodeError::BadCalleeId: return "calleeId must be a text of 1 to 128 bytes";
    case DecodeError::BadCallId: return "callId must be a text of 1 to 128 bytes";
    case DecodeError::BadWatchList: return "userIds must be an array of up to 500 ids";
    case DecodeError::BadWords: return "data must be an object of at most 2048 bytes";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

Decoded decode(ConnectionId connection, std::string_view event, std::string_view arguments) {
  const auto* const known = std::ranges::find(kEvents, event, &Event::name);
  if (known == std::end(kEvents)) return std::optional<Command>{};
  const auto object = first_object(arguments);
  if (!object) return fail(DecodeError::NotAnObject);
  return known->decode(connection, *object);
}

}  // namespace zvonok::signal::tunnel
