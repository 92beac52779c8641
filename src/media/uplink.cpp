#include "media/uplink.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/sequence.h"
#include "media/downlink.h"
#include "media/guest.h"
#include "media/has.h"
#include "media/unhurried.h"
#include "proto/rtcp/writer.h"
#include "proto/rtp/extensions.h"
#include "proto/rtp/rtx.h"

namespace zvonok::media {
namespace {

constexpr std::size_t kVideoPacketsKept = 512;
constexpr std::size_t kRoutesMax = 64;
constexpr Duration kSurveyInterval = milliseconds{500};
// Somebody who looks away for a moment should not make the publisher stop and begin again.
constexpr Duration kLayersOffAfter = seconds{5};

/// Sections have different extensions, and a number means one thing in all of them (RFC 9143 section 9).
void merge(ExtensionIds& all, const ExtensionIds& more) {
  for (const auto id :
       {&ExtensionIds::mid, &ExtensionIds::rid, &ExtensionIds::repaired_rid, &ExtensionIds::transport_cc,
        &ExtensionIds::abs_send_time, &ExtensionIds::audio_level, &ExtensionIds::dependency_descriptor,
        &ExtensionIds::video_orientation, &ExtensionIds::playout_delay, &ExtensionIds::abs_capture_time}) {
    if (more.*id != 0) all.*id = more.*id;
  }
}

}  // namespace

Uplink::Uplink(PeerLink& link) : link_{link}, recorder_{{.sender = link.own_ssrc}} {}

Uplink::~Uplink() = default;

// ---- what was negotiated --------------------------------------------------------------------------------------------

void Uplink::set_parameters(const std::vector<ReceiveParameters>& parameters, ParticipantId owner, RoomId room) {
  for (std::size_t i = tracks_.size(); i > 0; --i) {
    const auto wanted = std::ranges::find(parameters, tracks_[i - 1]->id, &ReceiveParameters::track);
    // What is known of a stream is of its kind: nobody turns sound into pictures.
    if (wanted == parameters.end() || wanted->kind != tracks_[i - 1]->parameters.kind) remove_track(*tracks_[i - 1]);
  }
  ids_ = {};
  for (const ReceiveParameters& wanted : parameters) {
    merge(ids_, wanted.extensions);
    const auto known = std::ranges::find(tracks_, wanted.track, [](const auto& track) { return track->id; });
    Track* track = known == tracks_.end() ? nullptr : known->get();
    if (track == nullptr) {
      track = tracks_.emplace_back(std::make_unique<Track>()).get();
      track->id = wanted.track;
      track->owner = owner;
      track->room = room;
      track->publisher = this;
    }
    if (track->parameters != wanted) track->changed = true;
    track->parameters = wanted;
    const std::size_t layers = std::max(wanted.rids.size(), wanted.ssrcs.size());
    const std::size_t before = track->layers.size();
    track->layers.resize(std::clamp<std::size_t>(layers, std::max<std::size_t>(before, 1), Track::kLayersMax));
    if (track->layers.size() != before) track->forget_survey();
    for (std::size_t i = 0; i < std::min(wanted.rids.size(), track->layers.size()); ++i) {
      track->layers[i].rid = wanted.rids[i];
    }
  }
}

void Uplink::remove_track(Track& track) {
  for (const Subscriber& subscriber : track.subscribers) subscriber.stream->forwarder().restart();
  for (Guest* const guest : track.guests) guest->on_track_ended(track.id);
  drop_routes(track, std::nullopt);
  std::erase_if(layers_told_, [&](const LayersTold& told) { return told.track == track.id; });
  std::erase_if(tracks_, [&](const auto& owned) { return owned.get() == &track; });
}

void Uplink::drop_routes(const Track& track, std::optional<std::uint8_t> layer) {
  std::erase_if(routes_, [&](const Route& known) {
    if (known.track != &track || (layer && known.layer != *layer)) return false;
    link_.transport.retire(known.ssrc);
    return true;
  });
}

void Uplink::restart() {
  routes_.clear();
  recorder_ = rtcp::TwccRecorder{{.sender = link_.own_ssrc}};
  for (const auto& track : tracks_) {
    for (Track::Layer& layer : track->layers) layer.stream.reset();
    for (const Subscriber& subscriber : track->subscribers) subscriber.stream->forwarder().restart();
  }
}

// ---- RTP ------------------------------------------------------------------------------------------------------------

void Uplink::read_extensions(Incoming& in) const {
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

void Uplink::on_rtp(TimePoint now, Bytes plain, std::uint64_t extended_sequence) {
  ++counters_.packets;
  counters_.bytes += plain.size();
  received_.add(now, plain.size());
  const auto view = rtp::PacketView::parse(plain);
  const auto payload = view ? rtp::payload_of(*view) : fail(rtp::ParseError::TooShort);
  if (!payload) {
    ++counters_.malformed;
    return;
  }
  Incoming in{.view = *view,
              .payload = payload->bytes,
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
  link_.touch();
  const Route* const found = route(in, now);
  if (found == nullptr) {
    ++counters_.unknown_ssrc;
    return;
  }
  if (found->rtx) return on_rtx(*found, in, now);
  if (found->track->parameters.kind == Kind::Audio && !may_sound(plain.size(), now)) {
    ++counters_.too_much_audio;
    return;
  }
  on_media(*found->track, found->layer, in, extended_sequence, now);
}

/// Audio goes before everything and is never held back, so there is a limit on how much of it one peer has.
bool Uplink::may_sound(std::size_t bytes, TimePoint now) {
  constexpr double kBytesPerSecond = 1'500'000.0 / 8;
  constexpr double kPacketsPerSecond = 600;
  // What a network holds back for a moment comes at once; more than that would be a queue in front of every receiver.
  constexpr double kBurst = 0.15;
  const double elapsed = std::min(1.0, std::chrono::duration<double>(now - audio_credited_).count());
  audio_credited_ = now;
  audio_bytes_ = std::min(kBurst * kBytesPerSecond, audio_bytes_ + elapsed * kBytesPerSecond);
  audio_packets_ = std::min(kBurst * kPacketsPerSecond, audio_packets_ + elapsed * kPacketsPerSecond);
  if (audio_packets_ < 1 || audio_bytes_ < static_cast<double>(bytes)) return false;
  audio_packets_ -= 1;
  audio_bytes_ -= static_cast<double>(bytes);
  return true;
}

const Uplink::Route* Uplink::route(const Incoming& in, TimePoint now) {
  for (const Route& known : routes_) {
    if (known.ssrc == in.view.ssrc) return &known;
  }
  return learn_route(in, now);
}

/// RFC 9143 section 9.2: by MID, then by what was announced, then by payload type when that leaves no choice.
const Uplink::Route* Uplink::learn_route(const Incoming& in, TimePoint now) {
  if (routes_.size() >= kRoutesMax) return nullptr;
  Track* track = nullptr;
  const SsrcPair* announced = nullptr;
  for (const auto& candidate : tracks_) {
    for (const SsrcPair& pair : candidate->parameters.ssrcs) {
      if (pair.primary == in.view.ssrc || pair.rtx == in.view.ssrc) announced = &pair, track = candidate.get();
    }
  }
  // One whose place another stream took: its last packets may still be on the way.
  if (announced == nullptr && link_.transport.is_retired(in.view.ssrc)) return nullptr;
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
  const CodecParameters* const codec = track->codec_of(in.view.payload_type);
  if (codec == nullptr) return learn_rtx(in, *track, announced);
  const auto layer = layer_of(*track, in);
  if (!layer) return nullptr;
  forward_waiting(*track, now);
  begin_stream(*track, *layer, in.view.ssrc, *codec);
  link_.transport.take_back(in.view.ssrc);
  routes_.push_back({.ssrc = in.view.ssrc, .track = track, .layer = *layer, .rtx = false});
  return &routes_.back();
}

/// Of a stream that is known by its rid, by its announced pair, or by being the only one.
const Uplink::Route* Uplink::learn_rtx(const Incoming& in, Track& track, const SsrcPair* announced) {
  if (!has(track.parameters.codecs, std::optional{in.view.payload_type}, &CodecParameters::rtx)) return nullptr;
  for (std::size_t i = 0; i < track.layers.size(); ++i) {
    const Track::Layer& layer = track.layers[i];
    if (layer.stream == nullptr) continue;
    const bool same = !in.repaired_rid.empty() ? layer.rid == in.repaired_rid
                      : announced != nullptr   ? layer.stream->options().ssrc == announced->primary
                                               : !track.is_simulcast();
    if (!same) continue;
    routes_.push_back({.ssrc = in.view.ssrc, .track = &track, .layer = static_cast<std::uint8_t>(i), .rtx = true});
    return &routes_.back();
  }
  return nullptr;
}

/// Which of the track's streams a packet is of; nothing when it can't be told.
std::optional<std::uint8_t> Uplink::layer_of(const Track& track, const Incoming& in) const {
  const ReceiveParameters& parameters = track.parameters;
  for (std::size_t i = 0; i < track.layers.size(); ++i) {
    const bool same = !in.rid.empty()               ? track.layers[i].rid == in.rid
                      : i < parameters.ssrcs.size() ? parameters.ssrcs[i].primary == in.view.ssrc
                                                    : false;
    if (same) return static_cast<std::uint8_t>(i);
  }
  const bool only_one = parameters.rids.empty() && !track.is_simulcast() && in.rid.empty();
  return only_one ? std::optional<std::uint8_t>{0} : std::nullopt;
}

/// The stream is new, or takes the place of another one: an encoder that was stopped begins again with a new SSRC.
void Uplink::begin_stream(Track& track, std::uint8_t layer, rtp::Ssrc ssrc, const CodecParameters& codec) {
  Track::Layer& place = track.layers[layer];
  const bool video = track.parameters.kind == Kind::Video;
  if (place.stream != nullptr) {
    drop_routes(track, layer);
    for (const Subscriber& subscriber : track.subscribers) {
      Forwarder& forwarder = subscriber.stream->forwarder();
      if (!video || forwarder.current_layer() == layer) forwarder.restart();
      if (forwarder.wants_keyframe_of() == layer) place.keyframe_wanted = true;
    }
  }
  ++place.epoch;
  place.stream =
      std::make_unique<ReceiveStream>(ReceiveStream::Options{.ssrc = ssrc,
                                                             .kind = track.parameters.kind,
                                                             .clock_rate = codec.clock_rate,
                                                             .retransmission = track.parameters.retransmission,
                                                             .packets_kept = video ? kVideoPacketsKept : 0});
  if (!video) {
    place.recent = std::make_unique<AudioHistory>();
    return;
  }
  place.dependencies = std::make_unique<DependencyReader>();
  if (std::exchange(place.keyframe_wanted, false)) place.stream->want_keyframe();
  if (next_survey_ == TimePoint::max()) next_survey_ = TimePoint{};
}

void Uplink::on_rtx(const Route& route, Incoming& in, TimePoint now) {
  const auto original = rtp::parse_rtx(in.payload);
  if (!original || original->payload.empty()) {
    ++counters_.padding;
    return;
  }
  const auto codec =
      std::ranges::find(route.track->parameters.codecs, std::optional{in.view.payload_type}, &CodecParameters::rtx);
  const auto& stream = route.track->layers[route.layer].stream;
  if (codec == route.track->parameters.codecs.end() || stream == nullptr) return;
  const std::uint64_t newest = stream->newest_sequence();
  const std::int64_t sequence = static_cast<std::int64_t>(newest) +
                                sequence_distance(static_cast<std::uint16_t>(newest), original->original_sequence);
  if (sequence < 0) return;
  in.payload = original->payload;
  in.view.payload_type = codec->type;
  on_media(*route.track, route.layer, in, static_cast<std::uint64_t>(sequence), now);
}

void Uplink::on_media(Track& track, std::uint8_t layer, Incoming& in, std::uint64_t sequence, TimePoint now) {
  Track::Layer& from = track.layers[layer];
  const auto arrival =
      from.stream->on_packet({.sequence = sequence, .timestamp = in.view.timestamp, .bytes = in.payload.size()}, now);
  if (arrival == NackGenerator::Arrival::Stale) return;
  if (in.payload.empty()) {
    ++counters_.padding;
    return leave_out(track, layer, sequence, now);
  }
  const CodecParameters* const codec = track.codec_of(in.view.payload_type);
  if (codec == nullptr) {
    ++counters_.malformed;
    return leave_out(track, layer, sequence, now);
  }
  MediaPacket packet{.layer = layer,
                     .codec = codec->codec,
                     .clock_rate = codec->clock_rate,
                     .sequence = sequence,
                     .timestamp = in.view.timestamp,
                     .marker = in.view.marker,
                     .payload = in.payload,
                     .frame = {},
                     .vp8 = {},
                     .vp9 = {},
                     .red = {},
                     .repeats = {},
                     .dependency_descriptor = in.dependency_descriptor,
                     .audio_level = in.audio_level};
  if (track.parameters.kind == Kind::Video) {
    const auto frame = inspect(codec->codec, {.payload = in.payload,
                                              .marker = in.view.marker,
                                              .dependency_descriptor = in.dependency_descriptor,
                                              .dependencies = from.dependencies.get()});
    if (!frame) {
      ++counters_.malformed;
      return leave_out(track, layer, sequence, now);
    }
    packet.frame = *frame;
    read_descriptor(packet);
    const std::size_t spatial = std::min<std::size_t>(frame->spatial, from.heights.size() - 1);
    if (frame->resolution) from.heights[spatial] = static_cast<std::uint16_t>(frame->resolution->height);
    if (frame->keyframe) from.stream->on_keyframe(now);
    from.meter.add(now, frame->spatial, frame->temporal, in.payload.size());
    from.stream->ring().store(track.key_of(layer, sequence), now, in.payload, in.dependency_descriptor);
  } else {
    if (in.audio_level && !track.muted) {
      link_.host.on_audio_level(track, static_cast<std::uint8_t>(*in.audio_level & 0x7F));
    }
    if (codec->codec == Codec::Red) read_descriptor(packet);
    if (codec->codec == Codec::Opus) packet.repeats = from.recent->before(sequence, packet.timestamp);
    if (!track.muted && !track.quiet) {
      for (Guest* const guest : track.guests) guest->on_audio(track, packet, now);
    }
  }
  deliver(track, packet, in.view.payload_type, now);
  if (codec->codec == Codec::Opus) from.recent->push(sequence, packet.timestamp, packet.payload);
}

void Uplink::leave_out(const Track& track, std::uint8_t layer, std::uint64_t sequence, TimePoint now) {
  forward_waiting(track, now);
  for (const Subscriber& to : track.subscribers) to.stream->forwarder().leave_out(layer, sequence);
}

void Uplink::deliver(const Track& track, const MediaPacket& packet, rtp::PayloadType type, TimePoint now) {
  if (track.muted) return;
  if (track.parameters.kind == Kind::Video && !track.subscribers.empty()) {
    if (link_.host.burst().add(track, packet, type)) return;
    link_.host.forward_burst(now);
    if (link_.host.burst().add(track, packet, type)) return;
  }
  const Forwarding only{.packet = &packet, .type = type, .key = track.key_of(packet.layer, packet.sequence)};
  forward(track, std::span{&only, 1}, now);
}

void Uplink::forward(const Track& track, std::span<const Forwarding> packets, TimePoint now) {
  const bool video = track.parameters.kind == Kind::Video;
  counters_.shed +=
      fan_out(track, packets, {.sink = link_.sink, .shed = video ? link_.host.shedding() : std::uint8_t{0}}, now);
}

/// Before what is done to the track's receivers for a later packet.
void Uplink::forward_waiting(const Track& track, TimePoint now) {
  if (link_.host.burst().has_of(track)) link_.host.forward_burst(now);
}

// ---- RTCP -----------------------------------------------------------------------------------------------------------

void Uplink::on_sender_report(const rtcp::SenderInfo& info, TimePoint now) {
  for (const Route& known : routes_) {
    if (known.ssrc != info.sender || known.rtx) continue;
    known.track->layers[known.layer].stream->on_sender_report(info, now);
  }
}

/// Its number may be another stream's from now on (RFC 3550 section 6.6).
void Uplink::on_bye(const rtcp::Bye& bye) {
  for (const rtp::Ssrc ssrc : bye.ssrcs) {
    std::erase_if(routes_, [&](const Route& known) { return known.ssrc == ssrc && known.rtx; });
  }
}

void Uplink::want_keyframe(Track& track, std::uint8_t layer) {
  if (layer >= track.layers.size() || track.muted) return;
  Track::Layer& place = track.layers[layer];
  if (place.stream == nullptr) {
    place.keyframe_wanted = true;
    return;
  }
  place.stream->want_keyframe();
  link_.touch();
}

void Uplink::send_feedback(TimePoint now) {
  std::array<std::uint8_t, 1100> buffer;
  while (const std::size_t size = recorder_.poll(now, buffer)) link_.transport.send_rtcp(Bytes{buffer}.first(size));
}

void Uplink::send_nacks(TimePoint now) {
  std::array<std::uint8_t, 1100> buffer;
  ByteWriter writer{buffer};
  for (const auto& track : tracks_) {
    for (const Track::Layer& layer : track->layers) {
      if (layer.stream == nullptr || layer.stream->next_nack() > now) continue;
      lost_.clear();
      layer.stream->collect_nacks(now, link_.round_trip, lost_);
      if (lost_.empty()) continue;
      counters_.nacked += lost_.size();
      static_cast<void>(
          rtcp::write_nack(writer, {.sender = link_.own_ssrc, .media = layer.stream->options().ssrc}, lost_));
    }
  }
  if (writer.size() > 0) link_.transport.send_rtcp(writer.written());
}

void Uplink::send_keyframe_requests(TimePoint now) {
  std::array<std::uint8_t, 512> buffer;
  ByteWriter writer{buffer};
  for (const auto& track : tracks_) {
    if (track->parameters.kind != Kind::Video || track->muted) continue;
    for (const Track::Layer& layer : track->layers) {
      if (layer.stream == nullptr || !layer.stream->take_keyframe_request(now)) continue;
      ++counters_.keyframe_requests;
      static_cast<void>(rtcp::write_pli(writer, {.sender = link_.own_ssrc, .media = layer.stream->options().ssrc}));
    }
  }
  if (writer.size() > 0) link_.transport.send_rtcp(writer.written());
}

/// In units of 1/256. An Opus encoder puts as much forward error correction into its packets as the reports ask for,
/// and what a receiver loses behind us needs it as well. Only the fraction says so: the counts stay those of this path.
std::uint8_t Uplink::worst_loss_of_receivers(rtp::Ssrc ssrc) const {
  constexpr double kMost = 0.2;
  double worst = 0;
  for (const Route& known : routes_) {
    if (known.ssrc != ssrc) continue;
    for (const Subscriber& to : known.track->subscribers) worst = std::max(worst, to.stream->fraction_lost());
  }
  return static_cast<std::uint8_t>(256 * std::min(worst, kMost));
}

void Uplink::collect_reports(TimePoint now, std::size_t most, std::vector<rtcp::ReportBlock>& out) {
  std::vector<ReceiveStream*> all;
  for (const auto& track : tracks_) {
    for (const Track::Layer& layer : track->layers) {
      if (layer.stream != nullptr) all.push_back(layer.stream.get());
    }
  }
  const std::size_t count = std::min(most, all.size());
  for (std::size_t i = 0; i < count; ++i) {
    ReceiveStream& stream = *all[(reports_from_ + i) % all.size()];
    auto block = stream.report(now);
    if (!block) continue;
    if (stream.options().kind == Kind::Audio) {
      block->fraction_lost = std::max(block->fraction_lost, worst_loss_of_receivers(stream.options().ssrc));
    }
    out.push_back(*block);
  }
  reports_from_ = all.empty() ? 0 : (reports_from_ + count) % all.size();
}

double Uplink::loss() const {
  double worst = 0;
  for (const auto& track : tracks_) {
    for (const Track::Layer& layer : track->layers) {
      if (layer.stream != nullptr) worst = std::max(worst, layer.stream->last_fraction_lost());
    }
  }
  return worst;
}

Duration Uplink::jitter() const {
  Duration worst{};
  for (const auto& track : tracks_) {
    for (const Track::Layer& layer : track->layers) {
      if (layer.stream == nullptr || layer.stream->options().clock_rate == 0) continue;
      const auto us = std::int64_t{layer.stream->jitter()} * 1'000'000 / layer.stream->options().clock_rate;
      worst = std::max<Duration>(worst, microseconds{us});
    }
  }
  return worst;
}

// ---- time -----------------------------------------------------------------------------------------------------------

/// Which layers nobody can use: the publisher may stop sending them.
void Uplink::survey(TimePoint now) {
  next_survey_ = unhurried(now + kSurveyInterval);
  for (const auto& track : tracks_) {
    if (track->parameters.kind != Kind::Video || !track->is_simulcast()) continue;
    track->survey(now);
    // Before every layer has shown its size there is nothing to tell by.
    if (std::ranges::any_of(track->layers, [](const Track::Layer& layer) { return layer.heights[0] == 0; })) continue;
    std::uint16_t tallest = 0;
    for (const Subscriber& to : track->subscribers) tallest = std::max(tallest, to.stream->shown_height);
    std::uint8_t layers = 0;
    for (std::size_t place = 0; place <= track->place_for(tallest); ++place) {
      layers = static_cast<std::uint8_t>(layers | 1U << track->ladder[place]);
    }
    auto told = std::ranges::find(layers_told_, track->id, &LayersTold::track);
    if (told == layers_told_.end()) {
      const auto all = static_cast<std::uint8_t>((1U << track->layers.size()) - 1);
      told = layers_told_.insert(told, {.track = track->id, .layers = all, .needed_at = now});
    }
    if ((layers | told->layers) == layers) told->needed_at = now;
    const bool less = (layers & told->layers) == layers && layers != told->layers;
    if (layers == told->layers || (less && now - told->needed_at < kLayersOffAfter)) continue;
    told->layers = layers;
    told->needed_at = now;
    link_.host.on_layers_wanted(*track, layers);
  }
}

void Uplink::handle_timeout(TimePoint now) {
  if (const auto due = recorder_.next_timeout(); due && *due <= now) send_feedback(now);
  send_nacks(now);
  send_keyframe_requests(now);
  if (next_survey_ <= now) survey(now);
}

TimePoint Uplink::next_timeout() const {
  TimePoint next = std::min(next_survey_, recorder_.next_timeout().value_or(TimePoint::max()));
  for (const auto& track : tracks_) {
    for (const Track::Layer& layer : track->layers) {
      if (layer.stream == nullptr) continue;
      next = std::min(
          {next, layer.stream->next_nack(), track->muted ? TimePoint::max() : layer.stream->next_keyframe_request()});
    }
  }
  return next;
}

}  // namespace zvonok::media
