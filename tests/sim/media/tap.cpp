#include "sim/media/tap.h"

#include <algorithm>
#include <utility>

#include "proto/rtcp/reader.h"
#include "proto/rtp/demux.h"
#include "proto/rtp/packet.h"
#include "proto/rtp/rtx.h"

namespace zvonok::sim {
namespace {

std::uint64_t hash(Bytes bytes) {
  return std::hash<std::string_view>{}(as_text(bytes));
}

std::string in_seconds(TimePoint at) {
  return std::to_string(static_cast<double>(at.time_since_epoch().count()) / 1e9) + " s: ";
}

}  // namespace

void Tap::complain(std::string what) {
  if (violations_.size() < 20) violations_.push_back(std::move(what));
}

void Tap::on_emit(TimePoint now, Route route, Bytes datagram) {
  Counters& counters = counters_[route.peer];
  ++counters.datagrams;
  counters.bytes += datagram.size();
  const rtp::PacketKind kind = rtp::classify(datagram);
  if (kind == rtp::PacketKind::Stun || kind == rtp::PacketKind::Dtls) return;
  if (kind != rtp::PacketKind::Rtp && kind != rtp::PacketKind::Rtcp) return complain("a datagram of no known kind");
  if (datagram.size() > 1400) complain("a datagram of " + std::to_string(datagram.size()) + " bytes");
  Association& association = associations_[route];
  check_nonce(route, association, datagram);
  Emitted emitted{.at = now, .bytes = {datagram.begin(), datagram.end()}};
  if (association.receiver == nullptr) {
    association.waiting.push_back(std::move(emitted));
  } else {
    open(route, association, std::move(emitted));
  }
}

/// From what is not encrypted, so that it doesn't depend on anything having been understood.
void Tap::check_nonce(Route route, Association& association, Bytes datagram) {
  std::uint64_t key = 0;
  const bool rtcp = rtp::is_rtcp(datagram);
  if (rtcp) {
    const std::uint32_t index = load_be32(datagram.data() + datagram.size() - 4);
    if ((index >> 31) == 0) complain("RTCP in the clear");
    key = std::uint64_t{load_be32(datagram.data() + 4)} << 32 | index;
  } else {
    const std::uint32_t ssrc = load_be32(datagram.data() + 8);
    const std::uint64_t sequence = association.streams[ssrc].extender.update(load_be16(datagram.data() + 2));
    key = std::uint64_t{ssrc} << 32 | (sequence & 0xFFFFFFFF);
  }
  const auto [known, added] = (rtcp ? association.sealed_rtcp : association.sealed).emplace(key, hash(datagram));
  if (added) return;
  complain((known->second == hash(datagram) ? "sealed and sent twice: " : "A NONCE USED TWICE: ") +
           std::string{rtcp ? "RTCP" : "RTP"} + " to " + std::to_string(route.peer) + ", SSRC and index " +
           std::to_string(key));
}

void Tap::on_keys(Route route, const dtls::SrtpKeys& keys) {
  Association& association = associations_[route];
  association.receiver =
      std::make_unique<srtp::Receiver>(keys.profile, keys.remote, srtp::ReceiverOptions{.ssrcs_max = 4096});
  for (Emitted& emitted : std::exchange(association.waiting, {})) open(route, association, std::move(emitted));
}

void Tap::open(Route route, Association& association, Emitted emitted) {
  const std::span<std::uint8_t> bytes{emitted.bytes};
  if (rtp::is_rtcp(bytes)) {
    const auto length = association.receiver->open_rtcp(bytes);
    if (!length) return complain("RTCP that the receiver can't open");
    rtcp::Reader reader{Bytes{bytes}.first(*length)};
    while (reader.next()) {
    }
    if (reader.error()) complain("RTCP that can't be read");
    return;
  }
  const auto opened = association.receiver->open_rtp(bytes);
  if (!opened) {
    return complain(in_seconds(emitted.at) + "RTP that the receiver can't open: error " +
                    std::to_string(static_cast<int>(opened.error())));
  }
  look(emitted.at, route, association, opened->extended_sequence, Bytes{bytes}.first(opened->length));
}

void Tap::look(TimePoint at, Route route, Association& association, std::uint64_t sequence, Bytes packet) {
  const auto view = rtp::PacketView::parse(packet);
  const auto payload = view ? rtp::payload_of(*view) : fail(rtp::ParseError::TooShort);
  if (!payload) return complain("RTP that can't be read");
  const auto ssrc = std::to_underlying(view->ssrc);
  const auto& mine = known_[route.peer];
  const auto known = mine.find(ssrc);
  if (known == mine.end()) return complain("RTP of an SSRC that was not negotiated");
  Counters& counters = counters_[route.peer];
  ++counters.rtp;
  Bytes media = payload->bytes;
  if (known->second.rtx) {
    if (media.empty()) {
      ++counters.padding;
      return;
    }
    ++counters.repeated;
    if (!distrusted_.contains(known->second.track)) look_at_repeat(route, association, known->second, media);
    media = media.subspan(std::min<std::size_t>(media.size(), 2));
  }
  if (distrusted_.contains(known->second.track)) return;
  const std::size_t before = known->second.kind == media::Kind::Video ? 6 + kVp8HeaderBytes : 0;
  const auto stamp = Stamp::read(media.subspan(std::min(media.size(), before)));
  if (!stamp) return complain(in_seconds(at) + "a payload without a stamp");
  if (stamp->room != rooms_[route.peer]) complain("A PACKET OF ANOTHER ROOM");
  if (stamp->track != known->second.track) {
    complain(in_seconds(at) + "a packet of track " + std::to_string(stamp->track) + " in the stream of " +
             std::to_string(known->second.track));
  }
  for (const Mute& mute : mutes_[stamp->track]) {
    if (at <= mute.since || at >= mute.until) continue;
    complain(in_seconds(at) + "a packet of a track that was muted at " + in_seconds(mute.since) +
             (known->second.rtx ? "(repeated)" : "(first time)"));
  }
  if (known->second.rtx) return;
  association.streams[ssrc].is_video = known->second.kind == media::Kind::Video;
  look_at_primary(association, *view, sequence, *stamp, payload->bytes);
}

void Tap::look_at_primary(Association& association, const rtp::PacketView& view, std::uint64_t sequence,
                          const Stamp& stamp, Bytes payload) {
  const auto ssrc = std::to_underlying(view.ssrc);
  const std::uint32_t timestamp = view.timestamp;
  Stream& stream = association.streams[ssrc];
  stream.payloads[static_cast<std::uint16_t>(sequence)] = hash(payload);
  if (!stream.first) {
    stream.first = sequence;
    stream.newest = sequence - 1;
    stream.newest_timestamp = timestamp - 1;
    stream.newest_layer = stamp.layer;
  }
  if (sequence <= stream.newest) {
    stream.missing.erase(sequence);
    if (static_cast<std::int32_t>(timestamp - stream.newest_timestamp) > 0) complain("a late packet of a later time");
    return;
  }
  for (std::uint64_t skipped = stream.newest + 1; skipped < sequence; ++skipped) stream.missing.insert(skipped);
  const std::int32_t ahead = static_cast<std::int32_t>(timestamp - stream.newest_timestamp);
  const bool same_frame = stamp.number == stream.newest_frame;
  if (same_frame ? ahead != 0 : ahead <= 0) {
    complain("timestamps of stream " + std::to_string(ssrc) + " go by " + std::to_string(ahead) + " from frame " +
             std::to_string(stream.newest_frame) + " to " + std::to_string(stamp.number));
  }
  if (stream.is_video) look_at_picture(stream, sequence == stream.newest + 1, same_frame, payload);
  stream.newest = sequence;
  stream.newest_timestamp = timestamp;
  stream.newest_frame = stamp.number;
  stream.newest_layer = stamp.layer;
}

void Tap::look_at_picture(Stream& stream, bool is_next, bool same_frame, Bytes payload) {
  const auto picture = media::parse_vp8_descriptor(payload);
  if (!picture || !picture->picture_id || !picture->tl0_picture_index) {
    stream.newest_picture.reset();
    return;
  }
  if (is_next && stream.newest_picture) {
    const media::Vp8Descriptor& before = *stream.newest_picture;
    const unsigned id = *before.picture_id + (same_frame ? 0U : 1U);
    const unsigned tl0 = *before.tl0_picture_index + (!same_frame && picture->temporal.value_or(0) == 0 ? 1U : 0U);
    if (*picture->picture_id != (id & 0x7FFF) || *picture->tl0_picture_index != (tl0 & 0xFF)) ++stream.picture_jumps;
  }
  stream.newest_picture = *picture;
}

void Tap::look_at_repeat(Route route, Association& association, const Known& known, Bytes payload) {
  const auto original = rtp::parse_rtx(payload);
  if (!original) return complain("RTX without a number");
  const Stream& stream = association.streams[known.primary];
  const auto sent = stream.payloads.find(original->original_sequence);
  if (sent == stream.payloads.end()) return complain("repeated to " + std::to_string(route.peer) + ": never sent");
  if (sent->second != hash(original->payload)) complain("repeated with another payload");
}

void Tap::set_streams(std::uint64_t peer, const std::vector<media::SendParameters>& streams) {
  auto& mine = known_[peer];
  for (const media::SendParameters& stream : streams) {
    const auto track = static_cast<std::uint32_t>(stream.track.value());
    const auto primary = std::to_underlying(stream.ssrc);
    mine[primary] = {.track = track, .kind = stream.kind, .rtx = false, .primary = primary};
    if (!stream.rtx_ssrc) continue;
    mine[std::to_underlying(*stream.rtx_ssrc)] = {.track = track, .kind = stream.kind, .rtx = true, .primary = primary};
  }
}

void Tap::set_muted(TimePoint now, std::uint32_t track, bool muted) {
  auto& mutes = mutes_[track];
  if (muted) {
    mutes.push_back({.since = now});
  } else if (!mutes.empty()) {
    mutes.back().until = now;
  }
}

std::size_t Tap::gaps(std::uint64_t peer) const {
  std::size_t sum = 0;
  for (const auto& [route, association] : associations_) {
    if (route.peer != peer) continue;
    const auto mine = known_.find(peer);
    for (const auto& [ssrc, stream] : association.streams) {
      if (mine != known_.end() && mine->second.contains(ssrc) && !mine->second.at(ssrc).rtx)
        sum += stream.missing.size();
    }
  }
  return sum;
}

std::size_t Tap::picture_jumps(std::uint64_t peer) const {
  std::size_t sum = 0;
  for (const auto& [route, association] : associations_) {
    if (route.peer != peer) continue;
    for (const auto& [ssrc, stream] : association.streams) sum += stream.picture_jumps;
  }
  return sum;
}

}  // namespace zvonok::sim
