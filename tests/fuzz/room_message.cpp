// Any text a client may send into a room: it is read as a plain reading by Boost.JSON reads it, keeps the limits, and
// what it makes the server say is valid JSON.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json.hpp>

#include "base/check.h"
#include "base/overloaded.h"
#include "proto/json_scan.h"
#include "proto/websocket/frame.h"
#include "signal/room/decode.h"
#include "signal/room/encode.h"

using namespace zvonok;
namespace room = zvonok::signal::room;

namespace {

constexpr ConnectionId kFrom{1};

boost::json::value parsed(std::string_view text, boost::json::error_code& error) {
  boost::json::parse_options options;
  options.max_depth = json::kDepthMax;
  return boost::json::parse({text.data(), text.size()}, error, {}, options);
}

/// The member, unless it is absent or null.
const boost::json::value* member(const boost::json::value* object, std::string_view key) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const boost::json::value* const value = object->as_object().if_contains({key.data(), key.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool is_text(const boost::json::value* value, std::string_view text) {
  return value != nullptr && value->is_string() &&
         std::string_view{value->as_string().data(), value->as_string().size()} == text;
}

/// The same text, or a whole number with these digits.
bool is_id(const boost::json::value* value, std::string_view text) {
  if (value != nullptr && value->is_number()) return text.find_first_not_of("0123456789") == std::string_view::npos;
  return is_text(value, text);
}

bool is_target(const boost::json::value* payload, const call::SessionId& session) {
  return !session.empty() && is_id(member(payload, "sessionId"), session.value());
}

/// The payload as an object, also when it came as a text.
boost::json::value payload_of(const boost::json::value& document) {
  const boost::json::value* const payload = member(&document, "payload");
  if (payload == nullptr || !payload->is_string()) return payload == nullptr ? boost::json::value{} : *payload;
  boost::json::error_code error;
  boost::json::value inner = parsed({payload->as_string().data(), payload->as_string().size()}, error);
  return error ? *payload : inner;
}

bool says(const boost::json::value& document, const call::RoomCommand& command) {
  const boost::json::value payload = payload_of(document);
  const auto is = [&](std::string_view type) { return is_text(member(&document, "type"), type); };
  return std::visit(
      Overloaded{
          [&](const call::JoinRoom& c) {
            const auto* const session = member(&document, "sessionId");
            const auto* const name = member(&payload, "name");
            return is("join") && c.session.value().size() <= room::kSessionBytesMax &&
                   (session == nullptr ? c.session.empty() : is_id(session, c.session.value())) &&
                   (name == nullptr ? c.name.empty() : is_text(name, c.name)) &&
                   (c.encryption == call::JoinEncryption::Unable) == (member(&payload, "e2e") == nullptr) &&
                   (c.room_id.empty() || json::scan(c.room_id).has_value());
          },
          [&](const call::SendSignal& c) {
            switch (c.kind) {
              case call::RoomSignal::Offer:
              case call::RoomSignal::Answer: {
                const auto* const polite = member(&payload, "polite");
                const bool insists =
                    c.kind == call::RoomSignal::Offer && polite != nullptr && polite->is_bool() && !polite->as_bool();
                return is(to_text(c.kind)) && !c.payload.empty() && is_text(member(&payload, "sdp"), c.payload) &&
                       (c.politeness == call::Politeness::Impolite) == insists;
              }
              case call::RoomSignal::Ice:
                return is("ice") && c.payload.size() <= room::kCandidateBytesMax && json::scan(c.payload).has_value();
              case call::RoomSignal::Restart: return is("restart") && c.payload.empty();
            }
            return false;
          },
          [&](const call::LeaveRoom&) { return is("leave"); },
          [&](const call::UpdateTrack& c) {
            const auto* const source = member(&payload, "source");
            const auto* const muted = member(&payload, "muted");
            return is("track") && is_id(member(&payload, "mid"), c.mid) &&
                   (c.source ? is_text(source, to_text(*c.source)) : source == nullptr) &&
                   (c.muted ? muted != nullptr && muted->is_bool() && muted->as_bool() == *c.muted : muted == nullptr);
          },
          [&](const call::ViewTracks& c) {
            const auto* const tracks = member(&payload, "tracks");
            if (!is("view") || tracks == nullptr || !tracks->is_object()) return false;
            for (const call::TrackWish& wish : c.wishes) {
              if (wish.height > room::kHeightMax) return false;
            }
            return c.wishes.size() <= room::kViewedTracksMax;
          },
          [&](const call::MuteParticipant& c) {
            return is("mute") && is_target(&payload, c.session) && is_text(member(&payload, "kind"), to_text(c.kind));
          },
          [&](const call::KickParticipant& c) { return is("kick") && is_target(&payload, c.session); },
          [&](const call::SetRoomRole& c) {
            return is("role") && is_target(&payload, c.session) && is_text(member(&payload, "role"), to_text(c.role));
          },
          [&](const call::LockRoom&) { return is("lock"); }, [&](const call::UnlockRoom&) { return is("unlock"); },
          [&](const call::SendKeyWords& c) {
            const auto* const to = member(&payload, "to");
            const auto* const data = member(&payload, "data");
            return is("e2e") && (c.to ? is_id(to, c.to->value()) : to == nullptr) && data != nullptr &&
                   data->is_object() && c.data.size() <= room::kKeyWordsBytesMax && json::scan(c.data).has_value();
          },
          [&](const call::PingRoom&) { return is("ping"); },
          [&](const call::InvitePhone& c) {
            const auto* const name = member(&payload, "name");
            return is("invite-phone") && is_text(member(&payload, "number"), c.number.value()) &&
                   c.request.size() <= room::kRequestBytesMax &&
                   (name == nullptr ? c.name.empty() : is_text(name, c.name));
          },
          [&](const call::HangUpPhone& c) { return is("hang-up-phone") && is_target(&payload, c.session); },
          [](const auto&) { return false; },  // not a client's to say
      },
      command);
}

/// What comes back of what the client chose is valid JSON.
void check_echo(const call::RoomCommand& command) {
  std::string out;
  if (const auto* join = std::get_if<call::JoinRoom>(&command)) {
    const call::RoomAddress address{.room_id = join->room_id, .session = join->session};
    const call::DeliverParticipantJoined joined{
        .to = kFrom, .session = join->session, .user = UserId{"u"}, .name = join->name, .role = {}};
    room::encode(out, joined, address);
  } else if (auto* const words = std::get_if<call::SendKeyWords>(&command)) {
    room::encode(out, call::DeliverKeyWords{.to = kFrom, .from = call::SessionId{"s"}, .data = words->data}, {});
  } else if (const auto* track = std::get_if<call::UpdateTrack>(&command)) {
    room::encode(out, call::DeliverTrack{.to = kFrom, .track = {}, .mid = track->mid, .state = {}}, {});
  } else if (const auto* invited = std::get_if<call::InvitePhone>(&command)) {
    room::encode(out,
                 call::DeliverPhoneInvited{
                     .to = kFrom, .session = call::SessionId{"s"}, .call = CallId{"c"}, .request = invited->request},
                 {});
  } else {
    return;
  }
  ZVONOK_CHECK(json::scan(out).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (!websocket::is_valid_utf8(text)) return 0;  // the socket closes
  const auto command = room::decode(kFrom, text);
  boost::json::error_code error;
  const boost::json::value document = parsed(text, error);
  const bool is_clear = error != boost::json::error::exponent_overflow;
  if (!command) {
    ZVONOK_CHECK(!room::to_text(command.error()).empty());
    const std::string request = room::request_of(text);
    ZVONOK_CHECK(request.empty() || json::scan(request).has_value());
    if (is_clear && command.error() == room::DecodeError::NotAnObject) ZVONOK_CHECK(error || !document.is_object());
    if (is_clear && command.error() != room::DecodeError::NotAnObject) ZVONOK_CHECK(!error && document.is_object());
    return 0;
  }
  if (is_clear) ZVONOK_CHECK(!error && document.is_object() && says(document, *command));
  check_echo(*command);
  return 0;
}
