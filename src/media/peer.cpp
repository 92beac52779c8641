#include "media/peer.h"

#include <algorithm>
#include <array>

#include "base/overloaded.h"
#include "media/has.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/writer.h"
#include "proto/rtp/extensions.h"
#include "proto/rtp/rtx.h"

namespace zvonok::media {
namespace {

constexpr std::size_t kVideoPacketsKept = 512;
constexpr std::size_t kRoutesMax = 64;
constexpr Duration kReportInterval = seconds{1};

std::uint32_t random_u32(Entropy& entropy) {
  std::array<std::uint8_t, 4> bytes{};
  entropy.fill(bytes);
  return load_be32(bytes.data());
}

rtp::Ssrc random_ssrc(Entropy& entropy) {
  return rtp::Ssrc{random_u32(entropy) | 1U};  // never 0
}

}  // namespace

Peer::Peer(TimePoint now, ParticipantId id, RoomId room, ice::Credentials local, Parts parts)
    : id_{id},
      room_{room},
      parts_{parts},
      transport_{now, parts.dtls, parts.sink, std::move(local), {}},
      own_ssrc_{random_ssrc(parts.entropy)},
      recorder_{{.sender = own_ssrc_}} {}

Peer::~Peer() = default;

// ---- what was negotiated --------------------------------------------------------------------------------------------

void Peer::set_parameters(const PeerParameters& parameters, TimePoint now) {
  for (std::size_t i = tracks_.size(); i > 0; --i) {
    if (!has(parameters.receive, tracks_[i - 1]->id, &ReceiveParameters::track)) remove_track(*tracks_[i - 1]);
  }
  for (const ReceiveParameters& wanted : parameters.receive) {
    ids_ = wanted.extensions.mid != 0 ? wanted.extensions : ids_;
    const auto known = std::ranges::find(tracks_, wanted.track, [](const auto& track) { return track->id; });
    if (known != tracks_.end()) {
      (*known)->parameters = wanted;
      continue;
    }
    auto track = std::make_unique<Track>();
    track->id = wanted.track;
    track->owner = id_;
    track->room = room_;
    track->publisher = this;
    track->parameters = wanted;
    tracks_.push_back(std::move(track));
  }
  std::erase_if(streams_, [&](const auto& stream) {
    const bool stays = has(parameters.send, stream->parameters().ssrc, &SendParameters::ssrc);
    if (stays) return false;
    if (Track* const track = parts_.host.find_track(stream->parameters().track)) {
      std::erase_if(track->subscribers, [&](const Subscriber& s) { return s.stream == stream.get(); });
    }
    return true;
  });
  for (const SendParameters& wanted : parameters.send) {
    const auto known =
        std::ranges::find(streams_, wanted.ssrc, [](const auto& stream) { return stream->parameters().ssrc; });
    if (known != streams_.end()) {
      (*known)->update(wanted);
    } else {
      SendStream::Options options{.parameters = wanted};
      options.first_sequence = static_cast<std::uint16_t>(random_u32(parts_.entropy) & 0x3FFF);
      options.first_rtx_sequence = static_cast<std::uint16_t>(random_u32(parts_.entropy) & 0x3FFF);
      streams_.push_back(std::make_unique<SendStream>(std::move(options)));
    }
    if (Track* const track = parts_.host.find_track(wanted.track)) connect(*track);
  }
  if (next_reports_ == TimePoint::max()) next_reports_ = now + kReportInterval;
  parts_.host.touch(*this);
}

void Peer::connect(Track& track) {
  for (const auto& stream : streams_) {
    if (stream->parameters().track != track.id) continue;
    stream->set_source(track.parameters.codecs);
    if (has(track.subscribers, stream.get(), &Subscriber::stream)) continue;
    stream->forwarder().restart();
    if (track.parameters.kind == Kind::Video) stream->forwarder().set_layer(0);
    track.subscribers.push_back({.peer = this, .stream = stream.get()});
    if (track.publisher != nullptr) parts_.host.touch(*track.publisher);
  }
}

void Peer::disconnect(const Track& track) {
  for (const auto& stream : streams_) {
    if (stream->parameters().track == track.id) stream->forwarder().restart();
  }
}

void Peer::remove_track(Track& track) {
  for (const Subscriber& subscriber : track.subscribers) subscriber.peer->disconnect(track);
  std::erase_if(routes_, [&](const Route& route) { return route.track == &track; });
  std::erase_if(tracks_, [&](const auto& owned) { return owned.get() == &track; });
}

// ---- RTP in ---------------------------------------------------------------------------------------------------------

void Peer::read_extensions(Incoming& in) const {
  rtp::Extensions rest = in.view.extensions();
  while (const auto element = rest.next()) {
    if (element->id == ids_.transport_cc) {
      in.transport_number = rtp::parse_transport_sequence(element->bytes);
    } else if (element->id == ids_.audio_level) {
      if (!element->bytes.empty()) in.audio_level = element->bytes.front();
    } else if (element->id == ids_.mid) {
      in.mid = rtp::parse_mid(element->bytes).value_or(std::string_view{});
    } else if (element->id == ids_.rid) {
      in.rid = rtp::parse_rid(element->bytes).value_or(std::string_view{});
    } else if (element->id == ids_.repaired_rid) {
      in.repaired_rid = rtp::parse_rid(element->bytes).value_or(std::string_view{});
    } else if (element->id == ids_.dependency_descriptor) {
      in.dependency_descriptor = element->bytes;
    }
  }
}

void Peer::on_rtp(TimePoint now, const ice::Path& path, MutableBytes packet) {
  const auto opened = transport_.open_rtp(now, path, packet);
  if (!opened) return;
  const Bytes plain = Bytes{packet}.first(opened->length);
  const auto view = rtp::PacketView::parse(plain);
  if (!view) {
    ++counters_.malformed;
    return;
  }
  Incoming in{.view = *view,
              .payload = {},
              .transport_number = {},
              .audio_level = {},
              .dependency_descriptor = {},
              .mid = {},
              .rid = {},
              .repaired_rid = {}};
  read_extensions(in);
  if (in.transport_number) {
    recorder_.set_media(view->ssrc);
    static_cast<void>(recorder_.note(*in.transport_number, now));
  }
  parts_.host.touch(*this);
  const auto payload = rtp::payload_of(*view);
  if (!payload) {
    ++counters_.malformed;
    return;
  }
  in.payload = payload->bytes;
  const Route* const found = route(in);
  if (found == nullptr) {
    ++counters_.unknown_ssrc;
    return;
  }
  if (found->rtx) return on_rtx(*found, in, now);
  on_media(*found->track, found->layer, in, opened->extended_sequence, plain, now);
}

const Peer::Route* Peer::route(const Incoming& in) {
  for (const Route& known : routes_) {
    if (known.ssrc == in.view.ssrc) return &known;
  }
  return learn_route(in);
}

/// RFC 9143 section 9.2: by MID, then by what was announced, then by payload type when that leaves no choice.
const Peer::Route* Peer::learn_route(const Incoming& in) {
  if (routes_.size() >= kRoutesMax) return nullptr;
  Track* track = nullptr;
  bool rtx = false;
  const SsrcPair* announced = nullptr;
  for (const auto& candidate : tracks_) {
    for (const SsrcPair& pair : candidate->parameters.ssrcs) {
      if (pair.primary == in.view.ssrc || pair.rtx == in.view.ssrc) announced = &pair, track = candidate.get();
    }
  }
  if (!in.mid.empty()) {
    const auto named =
        std::ranges::find(tracks_, in.mid, [](const auto& t) { return std::string_view{t->parameters.mid}; });
    if (named == tracks_.end()) return nullptr;  // it says whose it is, and that is nobody's
    track = named->get();
  } else if (track == nullptr) {
    for (const auto& candidate : tracks_) {
      if (candidate->codec_of(in.view.payload_type) == nullptr) continue;
      if (track != nullptr) return nullptr;
      track = candidate.get();
    }
  }
  if (track == nullptr) return nullptr;
  const CodecParameters* codec = track->codec_of(in.view.payload_type);
  if (codec == nullptr) {
    const auto repeats =
        std::ranges::find(track->parameters.codecs, std::optional{in.view.payload_type}, &CodecParameters::rtx);
    if (repeats == track->parameters.codecs.end()) return nullptr;
    codec = &*repeats;
    rtx = true;
  }
  if (rtx) {
    // Of a stream that is known by its rid, by its announced pair, or by being the only one.
    for (std::size_t i = 0; i < track->layers.size(); ++i) {
      const Track::Layer& layer = track->layers[i];
      const bool same = !in.repaired_rid.empty() ? layer.rid == in.repaired_rid
                        : announced != nullptr   ? layer.stream->options().ssrc == announced->primary
                                                 : track->layers.size() == 1;
      if (!same) continue;
      routes_.push_back({.ssrc = in.view.ssrc, .track = track, .layer = static_cast<std::uint8_t>(i), .rtx = true});
      return &routes_.back();
    }
    return nullptr;
  }
  if (!track->parameters.rids.empty() && in.rid.empty() && announced == nullptr) return nullptr;
  if (!in.rid.empty() && !has(track->parameters.rids, in.rid)) return nullptr;
  const std::size_t before = track->layers.size();
  const std::uint8_t layer = layer_of(*track, in.rid, in.view.ssrc, *codec);
  if (layer == before && track->layers.size() == before) return nullptr;
  routes_.push_back({.ssrc = in.view.ssrc, .track = track, .layer = layer, .rtx = false});
  return &routes_.back();
}

std::uint8_t Peer::layer_of(Track& track, std::string_view rid, rtp::Ssrc ssrc, const CodecParameters& codec) {
  for (std::size_t i = 0; i < track.layers.size(); ++i) {
    if (!rid.empty() && track.layers[i].rid == rid) return static_cast<std::uint8_t>(i);  // with a new SSRC
  }
  if (track.layers.size() == Track::kLayersMax) return Track::kLayersMax;
  Track::Layer layer{.rid = std::string{rid}, .stream = {}, .dependencies = {}, .resolution = {}};
  const bool video = track.parameters.kind == Kind::Video;
  layer.stream =
      std::make_unique<ReceiveStream>(ReceiveStream::Options{.ssrc = ssrc,
                                                             .kind = track.parameters.kind,
                                                             .clock_rate = codec.clock_rate,
                                                             .retransmission = track.parameters.retransmission,
                                                             .packets_kept = video ? kVideoPacketsKept : 0});
  if (video) layer.dependencies = std::make_unique<DependencyReader>();
  track.layers.push_back(std::move(layer));
  return static_cast<std::uint8_t>(track.layers.size() - 1);
}

void Peer::on_rtx(const Route& route, Incoming& in, TimePoint now) {
  const auto original = rtp::parse_rtx(in.payload);
  if (!original || original->payload.empty()) {
    ++counters_.padding;
    return;
  }
  const auto codec =
      std::ranges::find(route.track->parameters.codecs, std::optional{in.view.payload_type}, &CodecParameters::rtx);
  if (codec == route.track->parameters.codecs.end()) return;
  ReceiveStream& stream = *route.track->layers[route.layer].stream;
  const std::uint64_t newest = stream.newest_sequence();
  const std::int64_t sequence = static_cast<std::int64_t>(newest) +
                                sequence_distance(static_cast<std::uint16_t>(newest), original->original_sequence);
  if (sequence < 0) return;
  in.payload = original->payload;
  in.view.payload_type = codec->type;
  on_media(*route.track, route.layer, in, static_cast<std::uint64_t>(sequence), {}, now);
}

void Peer::on_media(Track& track, std::uint8_t layer, Incoming& in, std::uint64_t sequence, Bytes, TimePoint now) {
  Track::Layer& from = track.layers[layer];
  const auto arrival =
      from.stream->on_packet({.sequence = sequence, .timestamp = in.view.timestamp, .bytes = in.payload.size()}, now);
  if (arrival == NackGenerator::Arrival::Stale) return;
  if (in.payload.empty()) {
    ++counters_.padding;
    return;
  }
  const CodecParameters* const codec = track.codec_of(in.view.payload_type);
  if (codec == nullptr) {
    ++counters_.malformed;
    return;
  }
  MediaPacket packet{.layer = layer,
                     .codec = codec->codec,
                     .sequence = sequence,
                     .timestamp = in.view.timestamp,
                     .marker = in.view.marker,
                     .payload = in.payload,
                     .frame = {},
                     .dependency_descriptor = in.dependency_descriptor,
                     .audio_level = in.audio_level};
  if (track.parameters.kind == Kind::Video) {
    const auto frame = inspect(codec->codec, {.payload = in.payload,
                                              .marker = in.view.marker,
                                              .dependency_descriptor = in.dependency_descriptor,
                                              .dependencies = from.dependencies.get()});
    if (!frame) {
      ++counters_.malformed;
      return;
    }
    packet.frame = *frame;
    if (frame->resolution) from.resolution = frame->resolution;
    if (frame->keyframe) from.stream->on_keyframe(now);
    from.stream->ring().store(sequence, in.payload);
  } else if (in.audio_level && !track.muted) {
    parts_.host.on_audio_level(track, static_cast<std::uint8_t>(*in.audio_level & 0x7F));
  }
  deliver(track, packet, in.view.payload_type, now);
}

void Peer::deliver(Track& track, const MediaPacket& packet, rtp::PayloadType type, TimePoint now) {
  if (track.muted) return;
  const Forwarder::Clocks clocks = track.clocks();
  for (const Subscriber& to : track.subscribers) {
    SendContext context = to.peer->context();
    static_cast<void>(to.stream->send(packet, type, now, clocks, context));
  }
}

// ---- RTCP -----------------------------------------------------------------------------------------------------------

void Peer::on_rtcp(TimePoint now, const ice::Path& path, MutableBytes packet) {
  const auto length = transport_.open_rtcp(now, path, packet);
  if (!length) return;
  rtcp::Reader reader{Bytes{packet}.first(*length)};
  while (const auto next = reader.next()) handle_packet(*next, now);
  if (reader.error()) ++counters_.bad_rtcp;
  parts_.host.touch(*this);
}

void Peer::handle_packet(const rtcp::Packet& packet, TimePoint now) {
  std::visit(Overloaded{[&](const rtcp::SenderReport& report) {
                          for (const Route& known : routes_) {
                            if (known.ssrc != report.info.sender || known.rtx) continue;
                            known.track->layers[known.layer].stream->on_sender_report(report.info, now);
                          }
                          on_reports(report.blocks, now);
                        },
                        [&](const rtcp::ReceiverReport& report) { on_reports(report.blocks, now); },
                        [&](const rtcp::Nack& nack) { on_nack(nack, now); },
                        [&](const rtcp::Pli& pli) { on_keyframe_request(pli.media); },
                        [&](const rtcp::Fir& fir) {
                          for (const rtcp::FirEntry entry : fir.entries) on_keyframe_request(entry.ssrc);
                        },
                        [](const auto&) {}},
             packet);
}

SendStream* Peer::stream_of(rtp::Ssrc ssrc) {
  for (const auto& stream : streams_) {
    if (stream->parameters().ssrc == ssrc) return stream.get();
  }
  return nullptr;
}

void Peer::on_reports(const rtcp::ReportBlocks& blocks, TimePoint now) {
  for (const rtcp::ReportBlock block : blocks) {
    SendStream* const stream = stream_of(block.ssrc);
    if (stream == nullptr) continue;
    stream->on_report(block, now);
    if (stream->round_trip()) round_trip_ = *stream->round_trip();
  }
}

void Peer::on_nack(const rtcp::Nack& nack, TimePoint now) {
  constexpr std::size_t kRepeatsMax = 100;  // for one NACK
  SendStream* const stream = stream_of(nack.media);
  if (stream == nullptr) return;
  Track* const track = parts_.host.find_track(stream->parameters().track);
  if (track == nullptr || track->muted) return;
  rtcp::LostReader lost = nack.lost();
  for (std::size_t i = 0; i < kRepeatsMax; ++i) {
    const auto sequence = lost.next();
    if (!sequence) return;
    const auto packet = stream->find_lost(*sequence, now, round_trip_);
    if (!packet || packet->layer >= track->layers.size()) continue;
    const Bytes payload = track->layers[packet->layer].stream->ring().find(packet->source_sequence);
    if (payload.empty()) continue;
    SendContext to = context();
    static_cast<void>(stream->retransmit(*packet, payload, now, to));
  }
}

void Peer::on_keyframe_request(rtp::Ssrc ssrc) {
  SendStream* const stream = stream_of(ssrc);
  if (stream == nullptr) return;
  ++stream->counters().keyframe_requests;
  stream->forwarder().need_keyframe();
  Track* const track = parts_.host.find_track(stream->parameters().track);
  if (track != nullptr && track->publisher != nullptr) parts_.host.touch(*track->publisher);
}

void Peer::ask_for_keyframes(TimePoint now) {
  std::array<std::uint8_t, 512> buffer;
  ByteWriter writer{buffer};
  for (const auto& track : tracks_) {
    if (track->parameters.kind != Kind::Video || track->muted) continue;
    for (const Subscriber& subscriber : track->subscribers) {
      const auto layer = subscriber.stream->forwarder().wants_keyframe_of();
      if (layer && *layer < track->layers.size()) track->layers[*layer].stream->want_keyframe();
    }
    for (const Track::Layer& layer : track->layers) {
      if (!layer.stream->take_keyframe_request(now)) continue;
      static_cast<void>(rtcp::write_pli(writer, {.sender = own_ssrc_, .media = layer.stream->options().ssrc}));
    }
  }
  if (writer.size() > 0) transport_.send_rtcp(writer.written());
}

void Peer::send_feedback(TimePoint now) {
  std::array<std::uint8_t, 1100> buffer;
  while (const std::size_t size = recorder_.poll(now, buffer)) transport_.send_rtcp(Bytes{buffer}.first(size));
}

void Peer::send_nacks(TimePoint now) {
  std::array<std::uint8_t, 1100> buffer;
  ByteWriter writer{buffer};
  next_nack_check_ = TimePoint::max();
  for (const auto& track : tracks_) {
    for (const Track::Layer& layer : track->layers) {
      lost_.clear();
      layer.stream->collect_nacks(now, round_trip_, lost_);
      if (!lost_.empty()) {
        static_cast<void>(
            rtcp::write_nack(writer, {.sender = own_ssrc_, .media = layer.stream->options().ssrc}, lost_));
      }
      next_nack_check_ = std::min(next_nack_check_, layer.stream->next_nack());
    }
  }
  if (writer.size() > 0) transport_.send_rtcp(writer.written());
}

void Peer::send_reports(TimePoint now) {
  next_reports_ = now + kReportInterval;
  std::array<std::uint8_t, 1100> buffer;
  std::vector<rtcp::ReportBlock> blocks;
  for (const auto& track : tracks_) {
    for (const Track::Layer& layer : track->layers) {
      if (const auto block = layer.stream->report(now)) blocks.push_back(*block);
    }
  }
  ByteWriter writer{buffer};
  bool first = true;
  for (const auto& stream : streams_) {
    Track* const track = parts_.host.find_track(stream->parameters().track);
    if (track == nullptr) continue;
    const auto info = stream->sender_info(now, track->clocks());
    if (!info) continue;
    static_cast<void>(
        rtcp::write_sender_report(writer, *info, first ? std::span{blocks} : std::span<rtcp::ReportBlock>{}));
    static_cast<void>(
        rtcp::write_cname(writer, {.ssrc = stream->parameters().ssrc, .name = stream->parameters().cname}));
    first = false;
    if (writer.left() < 128) {
      transport_.send_rtcp(writer.written());
      writer = ByteWriter{buffer};
    }
  }
  if (first && !blocks.empty()) static_cast<void>(rtcp::write_receiver_report(writer, own_ssrc_, blocks));
  if (writer.size() > 0) transport_.send_rtcp(writer.written());
}

// ---- time -----------------------------------------------------------------------------------------------------------

void Peer::handle_timeout(TimePoint now) {
  transport_.handle_timeout(now);
  if (transport_.media_path() == nullptr) return;
  if (const auto due = recorder_.next_timeout(); due && *due <= now) send_feedback(now);
  send_nacks(now);
  ask_for_keyframes(now);
  if (next_reports_ <= now) send_reports(now);
}

TimePoint Peer::next_timeout() const {
  TimePoint next = transport_.next_timeout();
  if (transport_.media_path() == nullptr) return next;
  next = std::min({next, next_reports_, recorder_.next_timeout().value_or(TimePoint::max())});
  for (const auto& track : tracks_) {
    const bool video = track->parameters.kind == Kind::Video && !track->muted;
    for (std::size_t i = 0; i < track->layers.size(); ++i) {
      const ReceiveStream& stream = *track->layers[i].stream;
      next = std::min({next, stream.next_nack(), stream.next_keyframe_request()});
      if (!video) continue;
      for (const Subscriber& subscriber : track->subscribers) {
        // Not yet asked for: at once.
        if (subscriber.stream->forwarder().wants_keyframe_of() == i &&
            stream.next_keyframe_request() == TimePoint::max()) {
          next = TimePoint{};
        }
      }
    }
  }
  return next;
}

}  // namespace zvonok::media
