// The room dialect, server to client: every Deliver* effect to the text of its message (docs/protocol/room.md). Each
// function appends one whole message to `out`; `address` is the receiver's (Rooms::address_of).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "call/room_effect.h"
#include "call/room_participant.h"

namespace zvonok::signal::room {

/// `ice_servers` is a JSON array, as in `GET /api/v1/ice-servers`.
void encode(std::string& out, const call::DeliverJoined& joined, const call::RoomAddress& address,
            std::string_view ice_servers);
void encode(std::string& out, const call::DeliverParticipantJoined& joined, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverParticipantLeft& left, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverTrack& track, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverDescription& description, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverSpeakers& speakers, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverQuality& quality, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverLayers& layers, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverState& state, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverMute& mute, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverLocked& locked, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverRole& role, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverRoomError& error, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverKeyWords& words, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverPhoneInvited& invited, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverPhone& phone, const call::RoomAddress& address);
void encode(std::string& out, const call::DeliverPong& pong, const call::RoomAddress& address);

/// A message ends with what is its receiver's own. For the same message to many: how much of `encoded`, which was for
/// `address`, is the same for all; and what it is to another one.
[[nodiscard]] std::size_t body_bytes(std::string_view encoded, const call::RoomAddress& address);
void readdress(std::string& encoded, std::size_t body_bytes, const call::RoomAddress& to);

/// The WebSocket close code and its reason text.
struct Close {
  std::uint16_t code = 0;
  std::string_view reason;
};
[[nodiscard]] Close close_of(call::RoomCloseReason reason);

}  // namespace zvonok::signal::room
