// Identifiers that can't be mistaken for one another.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

namespace zvonok {

/// A number with a meaning. Explicit both ways.
template <class Tag, class Rep>
class NumberId {
 public:
  using rep = Rep;
  constexpr NumberId() = default;
  constexpr explicit NumberId(Rep value) : value_{value} {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(NumberId, NumberId) = default;
  friend std::ostream& operator<<(std::ostream& out, NumberId id) { return out << id.value_; }

 private:
  Rep value_{};
};

/// A text with a meaning. Opaque: compared, hashed and printed, never parsed.
template <class Tag>
class TextId {
 public:
  TextId() = default;
  explicit TextId(std::string value) : value_{std::move(value)} {}
  [[nodiscard]] const std::string& value() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  friend auto operator<=>(const TextId&, const TextId&) = default;
  friend std::ostream& operator<<(std::ostream& out, const TextId& id) { return out << id.value_; }

 private:
  std::string value_;
};

/// Who: `sub` or `userId` of the token, an opaque text of 1 to 128 bytes.
using UserId = TextId<struct UserIdTag>;
/// One client socket of this process; never reused while the process lives.
using ConnectionId = NumberId<struct ConnectionIdTag, std::uint64_t>;
/// The client's own name for a device or tab (`?device=`); empty when the client gave none.
using DeviceName = TextId<struct DeviceNameTag>;
/// A call, of any kind: a time-ordered UUID.
using CallId = TextId<struct CallIdTag>;
/// A chat of the messenger.
using ChatId = TextId<struct ChatIdTag>;
/// One stay of one user in one room; never reused while the process lives.
using ParticipantId = NumberId<struct ParticipantIdTag, std::uint64_t>;
/// A room from its first join to its last leave; never reused while the process lives.
using RoomId = NumberId<struct RoomIdTag, std::uint64_t>;
/// A published audio or video track; never reused while the process lives.
using TrackId = NumberId<struct TrackIdTag, std::uint64_t>;

}  // namespace zvonok

template <class Tag, class Rep>
struct std::hash<zvonok::NumberId<Tag, Rep>> {
  std::size_t operator()(zvonok::NumberId<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
template <class Tag>
struct std::hash<zvonok::TextId<Tag>> {
  std::size_t operator()(const zvonok::TextId<Tag>& id) const noexcept { return std::hash<std::string>{}(id.value()); }
};
