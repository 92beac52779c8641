#include "signal/pair/decode.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/overloaded.h"
#include "call/presence.h"
#include "proto/json_scan.h"

namespace zvonok::signal::pair {
namespace {

enum class Event { Offer, Answer, Ice, Hangup, Hello, Watch, Auth };

std::optional<Event> event_from(std::string_view raw) {
  if (json::raw_is(raw, "call:ice")) return Event::Ice;
  if (json::raw_is(raw, "call:offer")) return Event::Offer;
  if (json::raw_is(raw, "call:answer")) return Event::Answer;
  if (json::raw_is(raw, "call:hangup")) return Event::Hangup;
  if (json::raw_is(raw, "client:hello")) return Event::Hello;
  if (json::raw_is(raw, "presence:watch")) return Event::Watch;
  if (json::raw_is(raw, "auth")) return Event::Auth;
  return std::nullopt;
}

/// The members that matter. Of repeated keys the last counts, as in the clients' JSON.parse.
struct Envelope {
  std::optional<json::Value> event;
  std::optional<json::Value> payload;
  std::optional<json::Value> token;
};

std::optional<Envelope> read_envelope(std::string_view text) {
  Envelope envelope;
  json::ObjectReader reader{text};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "event")) {
      envelope.event = member->value;
    } else if (json::raw_is(member->key, "payload")) {
      envelope.payload = member->value;
    } else if (json::raw_is(member->key, "token")) {
      envelope.token = member->value;
    }
  }
  if (!reader.valid()) return std::nullopt;
  return envelope;
}

/// The last member of that name; null counts as absent. `object` was scanned before.
std::optional<json::Value> find_member(std::string_view object, std::string_view key) {
  std::optional<json::Value> found;
  json::ObjectReader reader{object};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, key)) found = member->value;
  }
  if (found && found->type == json::Type::Null) return std::nullopt;
  return found;
}

/// A text, or a whole number as its digits. Empty when the text is empty.
Result<std::string, DecodeError> id_from(const json::Value& value) {
  std::string id;
  if (value.type == json::Type::String) {
    id = json::unescape(value.raw_string());
  } else if (value.type == json::Type::Number &&
             std::ranges::all_of(value.text, [](char c) { return c >= '0' && c <= '9'; })) {
    id = value.text;
  } else {
    return fail(DecodeError::BadTarget);
  }
  if (id.size() > kIdBytesMax) return fail(DecodeError::BadTarget);
  return id;
}

Result<call::CallTarget, DecodeError> target_from(std::string_view payload) {
  std::optional<json::Value> user;
  std::optional<json::Value> target_user;
  std::optional<json::Value> chat;
  json::ObjectReader reader{payload};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "userId")) user = member->value;
    if (json::raw_is(member->key, "targetUserId")) target_user = member->value;
    if (json::raw_is(member->key, "chatId")) chat = member->value;
  }
  for (const auto* candidate : {&user, &target_user, &chat}) {
    if (!candidate->has_value() || (*candidate)->type == json::Type::Null) continue;
    auto id = id_from(**candidate);
    if (!id) return fail(id.error());
    if (id->empty()) continue;
    if (candidate == &chat) return call::CallTarget{ChatId{std::move(*id)}};
    return call::CallTarget{UserId{std::move(*id)}};
  }
  return fail(DecodeError::NoTarget);
}

Result<PairMessage, DecodeError> decode_offer(std::string_view payload) {
  auto target = target_from(payload);
  if (!target) return fail(target.error());
  return OfferMessage{.target = std::move(*target), .payload = payload};
}

PairMessage decode_hangup(std::string_view payload) {
  HangupMessage hangup{.payload = payload, .reason = {}};
  if (payload.empty()) return hangup;
  const auto reason = find_member(payload, "reason");
  if (reason && reason->type == json::Type::String) hangup.reason = json::unescape(reason->raw_string());
  return hangup;
}

Result<PairMessage, DecodeError> decode_watch(std::string_view payload) {
  const auto list = find_member(payload, "userIds");
  if (!list || list->type != json::Type::Array) return fail(DecodeError::BadWatchList);
  WatchMessage watch;
  json::ArrayReader reader{list->text};
  while (const auto element = reader.next()) {
    auto id = id_from(*element);
    if (!id || id->empty() || watch.users.size() == call::Presence::kWatchedUsersMax) {
      return fail(DecodeError::BadWatchList);
    }
    watch.users.emplace_back(std::move(*id));
  }
  return watch;
}

Result<PairMessage, DecodeError> decode_auth(std::string_view payload, std::optional<json::Value> token) {
  if (!payload.empty()) {
    if (const auto inner = find_member(payload, "token")) token = inner;
  }
  if (!token || token->type != json::Type::String) return fail(DecodeError::BadToken);
  return AuthMessage{.token = Private{json::unescape(token->raw_string())}};
}

}  // namespace

std::string_view to_text(DecodeError error) {
  switch (error) {
    case DecodeError::NotAnObject: return "not a JSON object";
    case DecodeError::NoEvent: return "no event";
    case DecodeError::UnknownEvent: return "unknown event";
    case DecodeError::NoPayload: return "payload must be an object";
    case DecodeError::NoTarget: return "the offer names no userId, targetUserId or chatId";
    case DecodeError::BadTarget: return "an id must be a text of up to 128 bytes or a whole number";
    case DecodeError::BadWatchList: return "userIds must be an array of up to 500 ids";
    case DecodeError::BadToken: return "no token";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

Result<PairMessage, DecodeError> decode(std::string_view text) {
  const auto envelope = read_envelope(text);
  if (!envelope) return fail(DecodeError::NotAnObject);
  if (!envelope->event) {
    if (envelope->token) return decode_auth({}, envelope->token);
    return fail(DecodeError::NoEvent);
  }
  if (envelope->event->type != json::Type::String) return fail(DecodeError::NoEvent);
  const auto event = event_from(envelope->event->raw_string());
  if (!event) return fail(DecodeError::UnknownEvent);

  std::string_view payload;
  if (envelope->payload && envelope->payload->type != json::Type::Null) {
    if (envelope->payload->type == json::Type::Object) {
      payload = envelope->payload->text;
    } else if (*event != Event::Hangup) {  // whoever hangs up means it
      return fail(DecodeError::NoPayload);
    }
  }
  switch (*event) {
    case Event::Hangup: return decode_hangup(payload);
    case Event::Hello: return HelloMessage{};
    case Event::Auth: return decode_auth(payload, envelope->token);
    case Event::Offer:
    case Event::Answer:
    case Event::Ice:
    case Event::Watch: break;
  }
  if (payload.empty()) return fail(DecodeError::NoPayload);
  if (*event == Event::Ice) return IceMessage{.payload = payload};
  if (*event == Event::Answer) return AnswerMessage{.payload = payload};
  if (*event == Event::Offer) return decode_offer(payload);
  return decode_watch(payload);
}

std::optional<call::Command> to_command(ConnectionId connection, PairMessage&& message) {
  using Command = std::optional<call::Command>;
  return std::visit(
      Overloaded{
          [&](IceMessage& ice) -> Command { return call::Ice{connection, std::string{ice.payload}}; },
          [&](OfferMessage& offer) -> Command {
            return call::Offer{connection, std::move(offer.target), std::string{offer.payload}};
          },
          [&](AnswerMessage& answer) -> Command { return call::Answer{connection, std::string{answer.payload}}; },
          [&](HangupMessage& hangup) -> Command {
            return call::Hangup{connection, std::string{hangup.payload}, std::move(hangup.reason)};
          },
          [&](HelloMessage&) -> Command { return call::Hello{connection}; },
          [&](WatchMessage& watch) -> Command { return call::WatchPresence{connection, std::move(watch.users)}; },
          [&](AuthMessage&) -> Command { return std::nullopt; },
      },
      message);
}

}  // namespace zvonok::signal::pair
