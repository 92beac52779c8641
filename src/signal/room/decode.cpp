#include "signal/room/decode.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "proto/json_scan.h"

namespace zvonok::signal::room {
namespace {

using Command = Result<call::RoomCommand, DecodeError>;

enum class Type {
  Join,
  Offer,
  Answer,
  Ice,
  Leave,
  Track,
  View,
  Mute,
  Kick,
  Lock,
  Unlock,
  Role,
  Restart,
  Ping,
  E2e,
  InvitePhone,
  HangUpPhone,
};

std::optional<Type> type_from(std::string_view raw) {
  constexpr std::pair<std::string_view, Type> kTypes[] = {
      {"ice", Type::Ice},
      {"ping", Type::Ping},
      {"view", Type::View},
      {"offer", Type::Offer},
      {"answer", Type::Answer},
      {"join", Type::Join},
      {"leave", Type::Leave},
      {"track", Type::Track},
      {"restart", Type::Restart},
      {"mute", Type::Mute},
      {"kick", Type::Kick},
      {"lock", Type::Lock},
      {"unlock", Type::Unlock},
      {"role", Type::Role},
      {"e2e", Type::E2e},
      {"invite-phone", Type::InvitePhone},
      {"hang-up-phone", Type::HangUpPhone},
  };
  for (const auto& [name, type] : kTypes) {
    if (json::raw_is(raw, name)) return type;
  }
  return std::nullopt;
}

/// The last member of that name, as in the clients' JSON.parse; null counts as absent. `object` was scanned before.
std::optional<json::Value> find_member(std::string_view object, std::string_view key) {
  std::optional<json::Value> found;
  json::ObjectReader reader{object};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, key)) found = member->value;
  }
  if (found && found->type == json::Type::Null) return std::nullopt;
  return found;
}

struct Envelope {
  std::optional<json::Value> type;
  std::optional<json::Value> payload;
  std::optional<json::Value> room_id;
  std::optional<json::Value> session;
};

std::optional<Envelope> read_envelope(std::string_view text) {
  Envelope envelope;
  json::ObjectReader reader{text};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "type")) envelope.type = member->value;
    if (json::raw_is(member->key, "payload")) envelope.payload = member->value;
    if (json::raw_is(member->key, "roomId")) envelope.room_id = member->value;
    if (json::raw_is(member->key, "sessionId")) envelope.session = member->value;
  }
  if (!reader.valid()) return std::nullopt;
  return envelope;
}

/// A payload as its object. The text of one that came as a text lives here.
class Payload {
 public:
  explicit Payload(const std::optional<json::Value>& value) {
    if (!value || value->type == json::Type::Null) return;
    if (value->type == json::Type::Object) {
      object_ = value->text;
    } else if (value->type == json::Type::String) {
      unescaped_ = json::unescape(value->raw_string());
      const auto inner = json::scan(unescaped_);
      if (inner && inner->type == json::Type::Object) object_ = inner->text;
    }
  }
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;
  /// Empty when there is none.
  [[nodiscard]] std::string_view object() const { return object_; }
  [[nodiscard]] std::optional<json::Value> find(std::string_view key) const {
    return object_.empty() ? std::nullopt : find_member(object_, key);
  }

 private:
  std::string unescaped_;
  std::string_view object_;
};

/// A text, or a whole number as its digits; nullopt for anything else, and for what is longer.
std::optional<std::string> short_text(const json::Value& value, std::size_t bytes_max) {
  std::string text;
  if (value.type == json::Type::String) {
    text = json::unescape(value.raw_string());
  } else if (value.type == json::Type::Number &&
             std::ranges::all_of(value.text, [](char c) { return c >= '0' && c <= '9'; })) {
    text = value.text;
  } else {
    return std::nullopt;
  }
  if (text.size() > bytes_max) return std::nullopt;
  return text;
}

std::optional<double> number_from(const json::Value& value) {
  if (value.type != json::Type::Number) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(value.text.data(), value.text.data() + value.text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

Command decode_join(ConnectionId from, const Envelope& envelope, const Payload& payload) {
  call::JoinRoom join{
      .connection = from, .session = {}, .name = {}, .room_id = {}, .encryption = {}, .first_offer = {}};
  if (envelope.session && envelope.session->type != json::Type::Null) {
    auto session = short_text(*envelope.session, kSessionBytesMax);
    if (!session) return fail(DecodeError::BadSession);
    join.session = call::SessionId{std::move(*session)};
  }
  if (const auto name = payload.find("name")) {
    if (name->type != json::Type::String) return fail(DecodeError::BadName);
    join.name = json::unescape(name->raw_string());
    if (join.name.size() > kNameBytesMax) return fail(DecodeError::BadName);
  }
  if (const auto encryption = payload.find("e2e")) {
    if (encryption->type != json::Type::String) return fail(DecodeError::BadEncryption);
    const auto known = call::join_encryption_from(json::unescape(encryption->raw_string()));
    if (!known) return fail(DecodeError::BadEncryption);
    join.encryption = *known;
  }
  if (const auto offers = payload.find("offers")) {
    if (offers->type != json::Type::Bool) return fail(DecodeError::BadOffers);
    if (offers->text == "false") join.first_offer = call::FirstOffer::Server;
  }
  const auto& room = envelope.room_id;
  const bool is_id = room && (room->type == json::Type::Number || room->type == json::Type::String);
  if (is_id && room->text.size() <= kRoomIdBytesMax) join.room_id = room->text;
  return join;
}

Command decode_description(ConnectionId from, call::RoomSignal kind, const Payload& payload) {
  if (payload.object().empty()) return fail(DecodeError::BadPayload);
  const auto type = payload.find("type");
  if (type && (type->type != json::Type::String || !json::raw_is(type->raw_string(), to_text(kind)))) {
    return fail(DecodeError::BadDescription);
  }
  const auto sdp = payload.find("sdp");
  if (!sdp || sdp->type != json::Type::String) return fail(DecodeError::BadDescription);
  call::SendSignal signal{
      .connection = from, .kind = kind, .payload = json::unescape(sdp->raw_string()), .politeness = {}};
  if (signal.payload.empty() || signal.payload.size() > kSdpBytesMax) return fail(DecodeError::BadDescription);
  if (const auto polite = payload.find("polite"); polite && kind == call::RoomSignal::Offer) {
    if (polite->type != json::Type::Bool) return fail(DecodeError::BadPoliteness);
    if (polite->text == "false") signal.politeness = call::Politeness::Impolite;
  }
  return signal;
}

Command decode_ice(ConnectionId from, const std::optional<json::Value>& value, const Payload& payload) {
  std::string_view candidate = "null";
  if (!payload.object().empty()) {
    candidate = payload.object();
  } else if (value) {
    candidate = value->text;
  }
  if (candidate.size() > kCandidateBytesMax) return fail(DecodeError::BadCandidate);
  return call::SendSignal{
      .connection = from, .kind = call::RoomSignal::Ice, .payload = std::string{candidate}, .politeness = {}};
}

Command decode_track(ConnectionId from, const Payload& payload) {
  call::UpdateTrack update{.connection = from, .mid = {}, .source = {}, .muted = {}};
  const auto mid = payload.find("mid");
  auto mid_text = mid ? short_text(*mid, kMidBytesMax) : std::nullopt;
  if (!mid_text || mid_text->empty()) return fail(DecodeError::BadTrack);
  update.mid = std::move(*mid_text);
  if (const auto source = payload.find("source")) {
    if (source->type != json::Type::String) return fail(DecodeError::BadTrack);
    update.source = call::track_source_from(json::unescape(source->raw_string()));
    if (!update.source) return fail(DecodeError::BadTrack);
  }
  if (const auto muted = payload.find("muted")) {
    if (muted->type != json::Type::Bool) return fail(DecodeError::BadTrack);
    update.muted = muted->text == "true";
  }
  return update;
}

/// How a track is wished for; height and priority may be missing.
std::optional<call::TrackWish> wish_from(std::string_view object) {
  call::TrackWish wish{.track = {}, .height = kHeightMax, .priority = 0};
  if (const auto height = find_member(object, "height")) {
    const auto number = number_from(*height);
    if (!number || *number < 0) return std::nullopt;
    wish.height = static_cast<std::uint32_t>(std::ceil(std::min<double>(*number, kHeightMax)));
  }
  if (const auto priority = find_member(object, "priority")) {
    const auto number = number_from(*priority);
    if (!number) return std::nullopt;
    constexpr double kMost = std::numeric_limits<std::int16_t>::max();
    wish.priority = static_cast<std::int32_t>(std::clamp(*number, -kMost, kMost));
  }
  return wish;
}

Command decode_view(ConnectionId from, const Payload& payload) {
  const auto tracks = payload.find("tracks");
  if (!tracks || tracks->type != json::Type::Object) return fail(DecodeError::BadView);
  call::ViewTracks view{.connection = from, .wishes = {}};
  json::ObjectReader reader{tracks->text};
  while (const auto member = reader.next()) {
    if (member->value.type != json::Type::Object || view.wishes.size() == kViewedTracksMax) {
      return fail(DecodeError::BadView);
    }
    auto wish = wish_from(member->value.text);
    if (!wish) return fail(DecodeError::BadView);
    const std::string key = json::unescape(member->key);
    TrackId::rep id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc{} || end != key.data() + key.size()) continue;  // no track of this server
    wish->track = TrackId{id};
    view.wishes.push_back(*wish);
  }
  return view;
}

/// The participant that a moderator's message is about.
Result<call::SessionId, DecodeError> target_from(const Payload& payload) {
  const auto session = payload.find("sessionId");
  auto text = session ? short_text(*session, kSessionBytesMax) : std::nullopt;
  if (!text || text->empty()) return fail(DecodeError::BadSession);
  return call::SessionId{std::move(*text)};
}

Command decode_mute(ConnectionId from, const Payload& payload) {
  auto session = target_from(payload);
  if (!session) return fail(session.error());
  const auto value = payload.find("kind");
  if (!value || value->type != json::Type::String) return fail(DecodeError::BadKind);
  const auto kind = call::track_kind_from(json::unescape(value->raw_string()));
  if (!kind) return fail(DecodeError::BadKind);
  return call::MuteParticipant{.connection = from, .session = std::move(*session), .kind = *kind};
}

Command decode_role(ConnectionId from, const Payload& payload) {
  auto session = target_from(payload);
  if (!session) return fail(session.error());
  const auto value = payload.find("role");
  if (!value || value->type != json::Type::String) return fail(DecodeError::BadRole);
  const auto role = call::room_role_from(json::unescape(value->raw_string()));
  if (!role) return fail(DecodeError::BadRole);
  return call::SetRoomRole{.connection = from, .session = std::move(*session), .role = *role};
}

Command decode_kick(ConnectionId from, const Payload& payload) {
  auto session = target_from(payload);
  if (!session) return fail(session.error());
  return call::KickParticipant{.connection = from, .session = std::move(*session)};
}

Command decode_key_words(ConnectionId from, const Payload& payload) {
  call::SendKeyWords words{.connection = from, .to = {}, .data = {}};
  if (const auto to = payload.find("to")) {
    auto session = short_text(*to, kSessionBytesMax);
    if (!session || session->empty()) return fail(DecodeError::BadKeyWords);
    words.to = call::SessionId{std::move(*session)};
  }
  const auto data = payload.find("data");
  if (!data || data->type != json::Type::Object || data->text.size() > kKeyWordsBytesMax) {
    return fail(DecodeError::BadKeyWords);
  }
  words.data = data->text;
  return words;
}

/// A text or a number, as it is written.
std::string request_in(const Payload& payload) {
  const auto request = payload.find("requestId");
  const bool is_id = request && (request->type == json::Type::Number || request->type == json::Type::String);
  return is_id && request->text.size() <= kRequestBytesMax ? std::string{request->text} : std::string{};
}

Command decode_invite_phone(ConnectionId from, const Payload& payload) {
  const auto value = payload.find("number");
  if (!value || value->type != json::Type::String) return fail(DecodeError::BadInvitation);
  auto number = call::phone::parse_number(json::unescape(value->raw_string()));
  if (!number) return fail(DecodeError::BadNumber);
  call::InvitePhone invite{
      .connection = from, .number = std::move(*number), .name = {}, .request = request_in(payload)};
  if (const auto name = payload.find("name")) {
    if (name->type != json::Type::String) return fail(DecodeError::BadName);
    invite.name = json::unescape(name->raw_string());
    if (invite.name.size() > kNameBytesMax) return fail(DecodeError::BadName);
  }
  return invite;
}

Command decode_hang_up_phone(ConnectionId from, const Payload& payload) {
  auto session = target_from(payload);
  if (!session) return fail(session.error());
  return call::HangUpPhone{.connection = from, .session = std::move(*session)};
}

}  // namespace

std::string request_of(std::string_view text) {
  const auto envelope = read_envelope(text);
  return envelope ? request_in(Payload{envelope->payload}) : std::string{};
}

call::RoomErrorCode code_of(DecodeError error) {
  return error == DecodeError::BadNumber ? call::RoomErrorCode::BadNumber : call::RoomErrorCode::BadMessage;
}

std::string_view to_text(DecodeError error) {
  switch (error) {
    case DecodeError::NotAnObject: return "not a JSON object";
    case DecodeError::NoType: return "no type";
    case DecodeError::UnknownType: return "unknown type";
    case DecodeError::BadPayload: return "payload must be an object, or a text that holds one";
    case DecodeError::BadSession: return "sessionId must be a text of 1 to 128 bytes";
    case DecodeError::BadName: return "name must be a text of up to 400 bytes";
    case DecodeError::BadDescription: return "payload needs a type like the message's and sdp, a text of up to 1 MiB";
    case DecodeError::BadCandidate: return "a candidate of more than 4096 bytes";
    case DecodeError::BadTrack: return "track needs mid, and may have source and muted";
    case DecodeError::BadView: return "view needs tracks: {trackId: {height, priority}}";
    case DecodeError::BadKind: return "kind must be audio or video";
    case DecodeError::BadRole: return "role must be host, moderator or member";
    case DecodeError::BadOffers: return "offers must be true or false";
    case DecodeError::BadPoliteness: return "polite must be true or false";
    case DecodeError::BadEncryption: return "e2e must be supported or required";
    case DecodeError::BadKeyWords: return "e2e needs data, an object of up to 2048 bytes, and may have to";
    case DecodeError::BadInvitation: return "invite-phone needs number, and may have name and requestId";
    case DecodeError::BadNumber: return "number must be E.164: + and 7 to 15 digits";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

bool is_ignored(DecodeError error) {
  return error == DecodeError::NotAnObject || error == DecodeError::NoType || error == DecodeError::UnknownType;
}

Command decode(ConnectionId from, std::string_view text) {
  const auto envelope = read_envelope(text);
  if (!envelope) return fail(DecodeError::NotAnObject);
  if (!envelope->type || envelope->type->type != json::Type::String) return fail(DecodeError::NoType);
  const auto type = type_from(envelope->type->raw_string());
  if (!type) return fail(DecodeError::UnknownType);
  const Payload payload{envelope->payload};
  switch (*type) {
    case Type::Join: return decode_join(from, *envelope, payload);
    case Type::Offer: return decode_description(from, call::RoomSignal::Offer, payload);
    case Type::Answer: return decode_description(from, call::RoomSignal::Answer, payload);
    case Type::Ice: return decode_ice(from, envelope->payload, payload);
    case Type::Leave: return call::LeaveRoom{from};
    case Type::Track: return decode_track(from, payload);
    case Type::View: return decode_view(from, payload);
    case Type::Mute: return decode_mute(from, payload);
    case Type::Kick: return decode_kick(from, payload);
    case Type::Lock: return call::LockRoom{from};
    case Type::Unlock: return call::UnlockRoom{from};
    case Type::Role: return decode_role(from, payload);
    case Type::Restart:
      return call::SendSignal{.connection = from, .kind = call::RoomSignal::Restart, .payload = {}, .politeness = {}};
    case Type::E2e: return decode_key_words(from, payload);
    case Type::Ping: return call::PingRoom{from};
    case Type::InvitePhone: return decode_invite_phone(from, payload);
    case Type::HangUpPhone: return decode_hang_up_phone(from, payload);
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

}  // namespace zvonok::signal::room
