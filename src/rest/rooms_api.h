// JSON of /api/v1/chat/{id}/room and /api/v1/group/{id}/room: a room as it lives, for its members. `peers` and
// `published` and what is in them are the contract (docs/protocol/room.md); the rest may grow.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "call/room_engine.h"
#include "call/room_ids.h"
#include "port/room_authorizer.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

/// `{id}` of a path. 404 for what no room can be called.
[[nodiscard]] Result<call::RoomKey, Problem> room_key_of(call::RoomKind kind, std::string_view path_parameter);
/// Who is no member is told the same at the socket.
[[nodiscard]] Problem no_member_of_room();
[[nodiscard]] Problem no_moderator_of_room();
/// Whether the viewer may send others out: as membership says, or as the room that lives has it.
[[nodiscard]] bool may_remove(const port::RoomAllowed& viewer, const std::optional<call::RoomView>& room,
                              const UserId& id);

/// How it goes for a participant, some seconds ago at most.
struct RoomPeerStatistics {
  struct Direction {
    std::uint64_t bitrate = 0;  // bit/s
    std::uint64_t packets = 0;  // in all
    std::uint64_t bytes = 0;    // likewise
    double loss = 0;            // share of packets lately, 0 to 1
    Duration jitter{};
  };
  double score = 0;  // 1.0 to 4.5
  Duration round_trip{};
  Direction up;    // what it sends
  Direction down;  // what it gets
  std::optional<std::uint64_t> estimate;
};

/// A track as one participant gets it.
struct RoomReceived {
  TrackId track;
  std::string mid;
  std::string layer;  // the rid of simulcast that it gets now, or empty
};

struct RoomPeerDetail {
  WallTime joined_at{};
  std::optional<Duration> connected_after;  // from the join until media could flow, once it could
  std::vector<std::string> pending_ice;     // candidates as JSON texts: came before the description
  std::vector<RoomReceived> received;
  std::optional<RoomPeerStatistics> statistics;  // none before it is connected
};

struct RoomCodec {
  std::string name;  // of SDP: "VP8"
  std::uint8_t type = 0;
  std::uint32_t clock_rate = 0;
  unsigned channels = 0;  // 0 for video
};
struct RoomTrackDetail {
  std::string mid;  // of its owner's section
  RoomCodec codec;  // the one its owner prefers
};

struct RoomReport {
  call::RoomKey key;
  std::optional<call::RoomView> view;  // nothing: nobody is there
  std::map<ParticipantId, RoomPeerDetail> peers;
  std::map<TrackId, RoomTrackDetail> tracks;
  std::size_t pairs = 0;  // of a receiver and a track; the peers' `received` are there up to kRoomPairsMax
};

/// Of more, `tracks` of peers and `locals` are left out, and `truncated` says so.
inline constexpr std::size_t kRoomPairsMax = 5'000;

/// {kind, roomId, callId, startedAt, locked, e2e, truncated, peers, published, statistics}. Candidates name addresses,
/// so everybody is shown one's own alone.
[[nodiscard]] HttpResponse encode_room(const RoomReport& room, const UserId& viewer);

}  // namespace zvonok::rest
