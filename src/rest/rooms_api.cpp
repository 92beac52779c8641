#include "rest/rooms_api.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <unordered_map>

#include "call/phone_words.h"
#include "call/room_words.h"
#include "rest/groups_api.h"
#include "rest/json_body.h"

namespace zvonok::rest {
namespace {

namespace json = boost::json;
using Sessions = std::unordered_map<ParticipantId, std::string>;

std::string text_of(TrackId track) {
  return std::to_string(track.value());
}

double in_ms(Duration time) {
  return std::round(std::chrono::duration<double, std::milli>(time).count() * 10) / 10;
}

double rounded(double value) {
  return std::round(value * 100) / 100;
}

json::object to_json(const RoomPeerStatistics::Direction& way) {
  return {{"bitrate", way.bitrate},
          {"packets", way.packets},
          {"bytes", way.bytes},
          {"lossPercent", rounded(100 * way.loss)},
          {"jitterMs", in_ms(way.jitter)}};
}

json::value to_json(const std::optional<RoomPeerStatistics>& taken) {
  if (!taken) return nullptr;
  json::object out{{"score", rounded(taken->score)},
                   {"rttMs", in_ms(taken->round_trip)},
                   {"up", to_json(taken->up)},
                   {"down", to_json(taken->down)}};
  if (taken->estimate) out["estimate"] = *taken->estimate;
  return out;
}

/// `track` and `sender` of the seed's model: what is sent to the peer, and how.
json::object tracks_of(const RoomPeerDetail& peer, const std::map<TrackId, const call::TrackInfo*>& infos) {
  json::object out;
  for (const RoomReceived& got : peer.received) {
    const auto info = infos.find(got.track);
    if (info == infos.end()) continue;  // has ended, and the receiver does not know yet
    json::object sender{{"mid", got.mid}};
    if (!got.layer.empty()) sender["layer"] = got.layer;
    out[text_of(got.track)] = json::object{{"track", json::object{{"id", text_of(got.track)},
                                                                  {"kind", to_text(info->second->kind)},
                                                                  {"sessionId", info->second->session.value()}}},
                                           {"sender", std::move(sender)}};
  }
  return out;
}

json::array candidates_of(const RoomPeerDetail& peer) {
  json::array out;
  for (const std::string& text : peer.pending_ice) {
    json::error_code error;
    json::value candidate = json::parse(text, error);
    if (!error && candidate.is_object()) out.push_back(std::move(candidate));
  }
  return out;
}

json::object to_json(const RoomCodec& codec, call::TrackKind kind) {
  json::object out{{"mimeType", std::string{to_text(kind)} + "/" + codec.name},
                   {"clockRate", codec.clock_rate},
                   {"payloadType", codec.type}};
  if (codec.channels > 0) out["channels"] = codec.channels;
  return out;
}

json::object statistics_of(const RoomReport& room, std::size_t tracks) {
  std::size_t measured = 0;
  double score = 0;
  Duration round_trip{};
  RoomPeerStatistics::Direction up;
  RoomPeerStatistics::Direction down;
  for (const auto& [id, peer] : room.peers) {
    if (!peer.statistics) continue;
    ++measured;
    score += peer.statistics->score;
    round_trip += peer.statistics->round_trip;
    for (auto [sum, one] : {std::pair{&up, &peer.statistics->up}, std::pair{&down, &peer.statistics->down}}) {
      sum->bitrate += one->bitrate;
      sum->packets += one->packets;
      sum->bytes += one->bytes;
      sum->loss = std::max(sum->loss, one->loss);
      sum->jitter = std::max(sum->jitter, one->jitter);
    }
  }
  json::object out{{"participants", room.view ? room.view->members.size() : 0},
                   {"connected", measured},
                   {"tracks", tracks},
                   {"score", nullptr},
                   {"rttMs", nullptr},
                   {"up", to_json(up)},
                   {"down", to_json(down)}};
  if (measured == 0) return out;
  out["score"] = rounded(score / static_cast<double>(measured));
  out["rttMs"] = in_ms(round_trip / static_cast<Duration::rep>(measured));
  return out;
}

/// A room's JSON, bit by bit.
class RoomWriter {
 public:
  RoomWriter(const RoomReport& room, const UserId& viewer)
      : room_{room}, viewer_{viewer}, whole_{room.pairs <= kRoomPairsMax} {
    if (!room.view) return;
    for (const call::RoomView::Member& member : room.view->members) {
      for (const call::TrackInfo& track : member.tracks) infos_.emplace(track.track, &track);
    }
  }
  [[nodiscard]] bool whole() const { return whole_; }
  [[nodiscard]] std::size_t track_count() const { return infos_.size(); }

  [[nodiscard]] json::object peers() const {
    json::object out;
    if (!room_.view) return out;
    for (const call::RoomView::Member& member : room_.view->members) {
      out[member.info.session.value()] = peer(member);
    }
    return out;
  }

  [[nodiscard]] json::object published() const {
    json::object out;
    for (const auto& [id, info] : infos_) {
      json::object remote{{"sessionId", info->session.value()},
                          {"kind", to_text(info->kind)},
                          {"source", to_text(info->source)},
                          {"muted", info->muted}};
      json::value codec;
      if (const auto detail = room_.tracks.find(id); detail != room_.tracks.end()) {
        remote["mid"] = detail->second.mid;
        codec = to_json(detail->second.codec, info->kind);
      }
      out[text_of(id)] =
          json::object{{"remote", std::move(remote)}, {"codec", std::move(codec)}, {"locals", json::object{}}};
    }
    if (whole_) add_locals(out);
    return out;
  }

 private:
  [[nodiscard]] json::object peer(const call::RoomView::Member& member) const {
    const call::ParticipantInfo& info = member.info;
    json::object out{{"sessionId", info.session.value()},
                     {"userId", info.user.value()},
                     {"name", info.name},
                     {"role", to_text(info.role)},
                     {"state", to_text(info.state)},
                     {"tracks", json::object{}},
                     {"pendingICE", json::array{}},
                     {"joinedAt", nullptr},
                     {"connectedAfterMs", nullptr},
                     {"statistics", nullptr}};
    if (info.phone) {
      out["phone"] = json::object{{"status", to_text(info.phone->status)},
                                  {"number", info.phone->number},
                                  {"by", info.phone->by.value()}};
    }
    const auto found = room_.peers.find(member.participant);
    if (found == room_.peers.end()) return out;
    const RoomPeerDetail& detail = found->second;
    if (whole_) out["tracks"] = tracks_of(detail, infos_);
    if (info.user == viewer_) out["pendingICE"] = candidates_of(detail);
    out["joinedAt"] = format_rfc3339(detail.joined_at);
    if (detail.connected_after) out["connectedAfterMs"] = in_ms(*detail.connected_after);
    out["statistics"] = to_json(detail.statistics);
    return out;
  }

  void add_locals(json::object& published) const {
    if (!room_.view) return;
    for (const call::RoomView::Member& member : room_.view->members) {
      const auto found = room_.peers.find(member.participant);
      if (found == room_.peers.end()) continue;
      for (const RoomReceived& got : found->second.received) {
        json::value* const track = published.if_contains(text_of(got.track));
        if (track == nullptr) continue;
        json::object local{{"mid", got.mid}};
        if (!got.layer.empty()) local["layer"] = got.layer;
        track->as_object()["locals"].as_object()[member.info.session.value()] = std::move(local);
      }
    }
  }

  const RoomReport& room_;
  const UserId& viewer_;
  std::map<TrackId, const call::TrackInfo*> infos_;
  bool whole_;
};

}  // namespace

Result<call::RoomKey, Problem> room_key_of(call::RoomKind kind, std::string_view path_parameter) {
  const auto id = group_id_of(path_parameter);  // a room is called as its group or chat is
  if (!id) return fail(not_found("There is no such room"));
  return call::RoomKey{.kind = kind, .id = ChatId{id->value()}};
}

Problem no_member_of_room() {
  return forbidden("you are not a member of this chat or group");
}

Problem no_moderator_of_room() {
  return forbidden("only moderators and hosts of the room may do that");
}

bool may_remove(const port::RoomAllowed& viewer, const std::optional<call::RoomView>& room, const UserId& id) {
  if (viewer.role >= call::RoomRole::Moderator) return true;
  return room && std::ranges::any_of(room->members, [&](const call::RoomView::Member& member) {
           return member.info.user == id && member.info.role >= call::RoomRole::Moderator;
         });
}

HttpResponse encode_room(const RoomReport& room, const UserId& viewer) {
  const RoomWriter writer{room, viewer};
  json::object out{{"kind", to_text(room.key.kind)},
                   {"roomId", room.key.id.value()},
                   {"callId", nullptr},
                   {"startedAt", nullptr},
                   {"locked", room.view && room.view->locked},
                   {"e2e", room.view && room.view->encrypted},
                   {"truncated", !writer.whole()},
                   {"peers", writer.peers()},
                   {"published", writer.published()},
                   {"statistics", statistics_of(room, writer.track_count())}};
  if (room.view) {
    out["callId"] = room.view->call.value();
    out["startedAt"] = format_rfc3339(room.view->started_at);
  }
  return json_response(200, out);
}

}  // namespace zvonok::rest
