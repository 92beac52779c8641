#include "adapter/authorizer_token/token_authorizer.h"

#include <algorithm>
#include <string_view>

#include <boost/json.hpp>

namespace zvonok::authorizer_token {
namespace {

namespace json = boost::json;

/// A token has 8 KiB at most; what is longer did not come out of one.
constexpr std::size_t kClaimBytesMax = 16 * 1024;
constexpr std::size_t kClaimDepthMax = 8;
constexpr std::string_view kAnyId = "*";

std::string id_text(const json::value& value) {
  if (value.is_string()) return std::string{value.get_string()};
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  if (value.is_int64() && value.get_int64() >= 0) return std::to_string(value.get_int64());
  return {};
}

bool names(std::string_view kind, std::string_view id, const call::RoomKey& room) {
  return kind == call::to_text(room.kind) && (id == kAnyId || id == room.id.value());
}

/// "group:1": up to the first colon it is the kind, since ids may have colons.
bool names(std::string_view short_form, const call::RoomKey& room) {
  const std::size_t colon = short_form.find(':');
  if (colon == std::string_view::npos) return false;
  return names(short_form.substr(0, colon), short_form.substr(colon + 1), room);
}

/// What one entry allows in this room; nullopt when it is about another room, or not understood.
std::optional<port::RoomAllowed> allowed_by(const json::value& entry, const call::RoomKey& room) {
  if (entry.is_string()) {
    if (!names(std::string_view{entry.get_string()}, room)) return std::nullopt;
    return port::RoomAllowed{.role = port::role_in(room.kind, std::nullopt), .display_name = {}};
  }
  const json::object* object = entry.if_object();
  if (object == nullptr) return std::nullopt;
  const json::value* kind = object->if_contains("kind");
  const json::value* id = object->if_contains("id");
  if (kind == nullptr || !kind->is_string() || id == nullptr) return std::nullopt;
  if (!names(std::string_view{kind->get_string()}, id_text(*id), room)) return std::nullopt;
  const json::value* role = object->if_contains("role");
  if (role == nullptr || role->is_null()) {
    return port::RoomAllowed{.role = port::role_in(room.kind, std::nullopt), .display_name = {}};
  }
  // A role of a later version: better nothing than too much.
  const auto known = role->is_string() ? call::room_role_from(std::string_view{role->get_string()}) : std::nullopt;
  if (!known) return std::nullopt;
  return port::RoomAllowed{.role = known, .display_name = {}};
}

}  // namespace

port::RoomAnswer TokenAuthorizer::authorize(const port::RoomQuestion& question) {
  const std::string& text = question.rooms_claim;
  if (text.empty() || text.size() > kClaimBytesMax) return port::RoomDenied{};
  if (question.room.id.empty() || question.room.id.value() == kAnyId) return port::RoomDenied{};
  json::parse_options options;
  options.max_depth = kClaimDepthMax;
  json::error_code error;
  const json::value claim = json::parse(text, error, {}, options);
  if (error || !claim.is_array()) return port::RoomDenied{};
  std::optional<port::RoomAllowed> best;
  for (const json::value& entry : claim.get_array()) {
    // An absent role compares as the least.
    if (auto allowed = allowed_by(entry, question.room); allowed && (!best || best->role < allowed->role)) {
      best = std::move(allowed);
    }
  }
  if (best) return std::move(*best);
  return port::RoomDenied{};
}

}  // namespace zvonok::authorizer_token
