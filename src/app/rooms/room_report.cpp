// A room as GET /api/v1/group/{id}/room shows it: the part of RoomControl that looks on.
#include <algorithm>
#include <utility>

#include "app/rooms/path_quality.h"
#include "app/rooms/room_control.h"

namespace zvonok::app {
namespace {

rest::RoomPeerStatistics::Direction to_rest(const media::PeerStatistics::Direction& way) {
  return {
      .bitrate = way.bitrate_bps, .packets = way.packets, .bytes = way.bytes, .loss = way.loss, .jitter = way.jitter};
}

rest::RoomPeerStatistics to_rest(const media::PeerStatistics& taken) {
  rest::RoomPeerStatistics out{.score = media::mean_opinion_score(path_of(taken)),
                               .round_trip = taken.round_trip,
                               .up = to_rest(taken.up),
                               .down = to_rest(taken.down),
                               .estimate = {}};
  if (taken.estimate_bps) out.estimate = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *taken.estimate_bps));
  return out;
}

rest::RoomCodec to_rest(const media::CodecParameters& codec) {
  const unsigned channels = media::is_video(codec.codec) ? 0 : codec.codec == media::Codec::Opus ? 2 : 1;
  return {.name = std::string{media::name_of(codec.codec)},
          .type = std::to_underlying(codec.type),
          .clock_rate = codec.clock_rate,
          .channels = channels};
}

}  // namespace

rest::RoomPeerDetail RoomControl::detail_of(const Stay& stay) {
  rest::RoomPeerDetail detail{.joined_at = stay.joined_at.wall,
                              .connected_after = stay.connected_after,
                              .pending_ice = stay.pending_ice,
                              .received = {},
                              .statistics = {}};
  if (stay.statistics) detail.statistics = to_rest(*stay.statistics);
  return detail;
}

std::vector<rest::RoomReceived> RoomControl::received_by(const Stay& stay) {
  std::vector<rest::RoomReceived> received;
  received.reserve(stay.receiving.size());
  for (const auto& [track, mid] : stay.receiving) {
    received.push_back({.track = track, .mid = mid, .layer = {}});
    if (!stay.statistics) continue;
    const auto video = std::ranges::find(stay.statistics->videos, track, &media::PeerStatistics::Video::track);
    if (video != stay.statistics->videos.end()) received.back().layer = video->rid;
  }
  return received;
}

rest::RoomReport RoomControl::report(const call::RoomKey& key) const {
  rest::RoomReport report{.key = key, .view = rooms_.describe(key), .peers = {}, .tracks = {}, .pairs = 0};
  if (!report.view) return report;
  std::vector<const Stay*> stays;
  for (const call::RoomView::Member& member : report.view->members) {
    const auto found = stays_.find(member.participant);
    if (found == stays_.end()) continue;
    stays.push_back(&found->second);
    report.pairs += found->second.receiving.size();
  }
  for (const Stay* const stay : stays) {
    rest::RoomPeerDetail& detail = report.peers.emplace(stay->id, detail_of(*stay)).first->second;
    if (report.pairs <= rest::kRoomPairsMax) detail.received = received_by(*stay);
    for (const Publication& track : stay->published) {
      rest::RoomTrackDetail published{.mid = track.mid, .codec = {}};
      if (!track.codecs.empty()) published.codec = to_rest(track.codecs.front());
      report.tracks.emplace(track.track, std::move(published));
    }
  }
  return report;
}

}  // namespace zvonok::app
