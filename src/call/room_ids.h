// The identifiers of rooms: which room, whose stay in it, which track.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/id.h"

namespace zvonok::call {

/// The client's own name for its stay (`sessionId`), 1 to 128 bytes: unique within a room, the same after a reconnect.
using SessionId = TextId<struct RoomSessionIdTag>;

enum class RoomKind { Chat, Group };

/// The rooms of a chat and of a group with the same id are different rooms.
struct RoomKey {
  RoomKind kind = RoomKind::Chat;
  ChatId id;
  friend auto operator<=>(const RoomKey&, const RoomKey&) = default;
};

}  // namespace zvonok::call

template <>
struct std::hash<zvonok::call::RoomKey> {
  std::size_t operator()(const zvonok::call::RoomKey& key) const noexcept {
    return std::hash<zvonok::ChatId>{}(key.id) * 2 + (key.kind == zvonok::call::RoomKind::Group ? 1U : 0U);
  }
};
