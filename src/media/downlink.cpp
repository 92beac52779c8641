#include "media/downlink.h"

#include <algorithm>

#include "media/has.h"
#include "media/shedding.h"
#include "media/unhurried.h"
#include "media/uplink.h"

namespace zvonok::media {
namespace {

constexpr Duration kAllocationInterval = milliseconds{200};
// A video is cut off only when there was no room for its smallest layer for so long: the first probes must have told
// what the path carries, and a bad moment is over sooner than a new keyframe comes. The pacer guards the path
// meanwhile.
constexpr Duration kCutOffAfter = seconds{3};
constexpr std::int64_t kStartBps = 600'000;
constexpr std::int64_t kUnlimitedBps = 100'000'000;
constexpr std::uint32_t kHeaderBytes = 12 + 12 + 16;  // header, extensions, tag: about
constexpr std::size_t kRepeatsMax = 100;              // for one NACK
constexpr std::size_t kLeftMax = 8192;
constexpr std::uint16_t kAnyHeight = 0xFFFF;

/// Below 0x8000, where receivers begin at rollover counter 0, and with room to go ahead.
std::uint64_t random_start(Entropy& entropy) {
  return random_u32(entropy) & 0x3FFFU;
}

}  // namespace

Downlink::Control::Control(TimePoint now)
    : controller{bwe::make_default_controller({.start_bps = kStartBps})}, pacer{now, {.start_bps = kStartBps}} {}

Downlink::Downlink(PeerLink& link) : link_{link} {}

Downlink::~Downlink() = default;

// ---- what was negotiated --------------------------------------------------------------------------------------------

SendStream::Options Downlink::new_stream(const SendParameters& parameters) const {
  SendStream::Options options{.parameters = parameters};
  const auto before = left_.find(parameters.ssrc);
  options.first_sequence = before != left_.end() ? before->second.next_sequence : random_start(link_.entropy);
  options.first_rtx_sequence = before != left_.end() ? before->second.next_rtx_sequence : random_start(link_.entropy);
  return options;
}

void Downlink::set_parameters(const std::vector<SendParameters>& parameters, RoomId room, TimePoint now) {
  std::erase_if(streams_, [&](const auto& stream) {
    if (has(parameters, stream->parameters().ssrc, &SendParameters::ssrc)) return false;
    leave(*stream);
    return true;
  });
  for (const SendParameters& wanted : parameters) {
    SendStream* stream = stream_of(wanted.ssrc);
    if (stream == nullptr) {
      stream = streams_.emplace_back(std::make_unique<SendStream>(new_stream(wanted))).get();
      const auto wish = view_.find(wanted.track);
      if (wish != view_.end()) stream->shown_height = wish->second.height;
    } else {
      if (stream->parameters().track != wanted.track) {
        unsubscribe(*stream);
        stream->forwarder().restart();
      }
      stream->update(wanted);
    }
    if (Track* const track = link_.host.find_track(wanted.track)) connect(*track, room);
    if (wanted.kind != Kind::Video) continue;
    if (control_ == nullptr && wanted.extensions.transport_cc != 0) control_ = std::make_unique<Control>(now);
    next_allocation_ = std::min(next_allocation_, now);
  }
}

void Downlink::connect(Track& track, RoomId room) {
  if (track.room != room) return;
  for (const auto& stream : streams_) {
    if (stream->parameters().track != track.id) continue;
    stream->set_source(track.parameters.codecs);
    if (has(track.subscribers, stream.get(), &Subscriber::stream)) continue;
    stream->forwarder().restart();
    if (track.parameters.kind == Kind::Video) stream->forwarder().set_layer(0);
    track.subscribers.push_back({.downlink = this,
                                 .stream = stream.get(),
                                 .transport = &link_.transport,
                                 .lot = Shedding::lot_of(stream->parameters().ssrc)});
    want_keyframe(*stream);
    next_allocation_ = TimePoint{};
    link_.touch();
  }
}

void Downlink::unsubscribe(const SendStream& stream) {
  if (Track* const track = link_.host.find_track(stream.parameters().track)) {
    std::erase_if(track->subscribers, [&](const Subscriber& s) { return s.stream == &stream; });
  }
}

void Downlink::leave(const SendStream& stream) {
  unsubscribe(stream);
  const rtp::Ssrc ssrc = stream.parameters().ssrc;
  if (control_ != nullptr) control_->pacer.forget_stream(PacedStream{std::to_underlying(ssrc)});
  left_.insert_or_assign(
      ssrc, Left{.next_sequence = stream.next_sequence(), .next_rtx_sequence = stream.next_rtx_sequence()});
  for (Held& held : held_) {
    if (held.stream == ssrc) held.track = {};
  }
  // To forget one would be to use its numbers twice if it came back. Only a client that works for it gets here.
  if (left_.size() > kLeftMax) link_.transport.exhaust();
}

void Downlink::disconnect_all() {
  for (const auto& stream : streams_) unsubscribe(*stream);
  streams_.clear();
}

void Downlink::on_connected(TimePoint now) {
  for (const auto& stream : streams_) want_keyframe(*stream);
  if (next_allocation_ != TimePoint::max()) next_allocation_ = now;
}

void Downlink::restart(TimePoint now) {
  left_.clear();
  for (const auto& stream : streams_) {
    const std::uint16_t height = stream->shown_height;
    *stream = SendStream{new_stream(stream->parameters())};
    stream->shown_height = height;
    if (Track* const track = link_.host.find_track(stream->parameters().track)) {
      stream->set_source(track->parameters.codecs);
    }
  }
  held_.clear();
  free_.clear();
  if (control_ != nullptr) control_ = std::make_unique<Control>(now);
}

void Downlink::set_view(std::vector<ViewWish> wishes, TimePoint now) {
  view_.clear();
  for (const ViewWish& wish : wishes) view_.emplace(wish.track, wish);
  for (const auto& stream : streams_) {
    const auto wish = view_.find(stream->parameters().track);
    stream->shown_height = wish == view_.end() ? kAnyHeight : wish->second.height;
  }
  if (next_allocation_ != TimePoint::max()) next_allocation_ = now;
  link_.touch();
}

SendStream* Downlink::stream_of(rtp::Ssrc ssrc) {
  for (const auto& stream : streams_) {
    if (stream->parameters().ssrc == ssrc) return stream.get();
  }
  return nullptr;
}

// ---- packets --------------------------------------------------------------------------------------------------------

SendContext Downlink::context(const SendStream& stream) {
  SendContext context{.transport = link_.transport, .sink = link_.sink, .transport_number = {}};
  if (control_ != nullptr && stream.parameters().extensions.transport_cc != 0) {
    context.transport_number = static_cast<std::uint16_t>(control_->history.next_sequence());
  }
  return context;
}

void Downlink::note_sent(const SendStream& stream, std::size_t bytes, PacketKind kind, TimePoint now,
                         bwe::ProbeCluster cluster) {
  ++counters_.packets;
  if (kind == PacketKind::Rtx) ++counters_.retransmitted;
  if (kind == PacketKind::Padding) ++counters_.padding;
  counters_.bytes += bytes;
  sent_.add(now, bytes);
  if (kind == PacketKind::Audio) audio_.add(now, bytes);
  if (control_ == nullptr || stream.parameters().extensions.transport_cc == 0) return;
  const auto size = static_cast<std::uint32_t>(bytes);
  const std::uint64_t sequence = control_->history.record(now, size, kind, cluster);
  control_->controller->on_packet_sent(now, {.sequence = sequence, .bytes = size, .kind = kind, .cluster = cluster});
}

void Downlink::send(SendStream& stream, const SendStream::Outgoing& packet, PacketKind kind, TimePoint now) {
  SendContext to = context(stream);
  if (const std::size_t size = stream.send(packet, now, to)) note_sent(stream, size, kind, now);
}

void Downlink::forward(SendStream& stream, const MediaPacket& packet, const PacketSource& source, TimePoint now) {
  if (link_.transport.media_path() == nullptr) return;
  const bool video = stream.parameters().kind == Kind::Video;
  PacedPacket paced{.kind = video ? PacketKind::Video : PacketKind::Audio,
                    .stream = PacedStream{std::to_underlying(stream.parameters().ssrc)},
                    .part = FramePart::Other,
                    .bytes = static_cast<std::uint32_t>(packet.payload.size()) + kHeaderBytes,
                    .handle = {}};
  if (video) {
    // Of H.264, parameter sets and the picture itself both begin a keyframe: only the first of one moment counts.
    const bool starts = packet.frame.keyframe && packet.layer == stream.forwarder().target_layer() &&
                        stream.keyframe_at != packet.timestamp;
    if (starts) stream.keyframe_at = packet.timestamp;
    paced.part = starts ? FramePart::KeyframeStart : FramePart::Delta;
    if (pacing() && control_->pacer.is_refused(paced)) return stream.forwarder().stop();
  }
  const std::int8_t layer_before = stream.forwarder().current_layer();
  const auto as = stream.place(packet, source.type, now, source.clocks);
  if (!as) return;
  if (video && layer_before != stream.forwarder().current_layer()) ++counters_.switches;
  const KeyframeStart keyframe = paced.part == FramePart::KeyframeStart ? KeyframeStart::Yes : KeyframeStart::No;
  if (!pacing() || control_->pacer.pass(now, paced)) {
    return send(stream,
                {.as = *as,
                 .keyframe = keyframe,
                 .source_type = source.type,
                 .layer = packet.layer,
                 .key = source.key,
                 .payload = packet.payload,
                 .dependency_descriptor = packet.dependency_descriptor,
                 .audio_level = packet.audio_level,
                 .red = packet.red,
                 .repeats = packet.repeats},
                paced.kind, now);
  }
  if (hold(paced,
           {.stream = stream.parameters().ssrc,
            .track = stream.parameters().track,
            .as = *as,
            .keyframe = keyframe,
            .source_type = source.type,
            .key = source.key,
            .layer = packet.layer,
            .repeats = {}},
           now)) {
    return;
  }
  ++counters_.dropped_late;
  stream.forwarder().stop();
  want_keyframe(stream);
}

bool Downlink::hold(const PacedPacket& packet, const Held& held, TimePoint now) {
  std::uint32_t place = 0;
  if (free_.empty()) {
    place = static_cast<std::uint32_t>(held_.size());
    held_.push_back(held);  // as many as the pacer takes
  } else {
    place = free_.back();
    free_.pop_back();
    held_[place] = held;
  }
  PacedPacket paced = packet;
  paced.handle = PacketHandle{place};
  link_.touch();
  if (control_->pacer.enqueue(now, paced) == Enqueued::Accepted) {
    ++counters_.queued;
    return true;
  }
  free_.push_back(place);
  return false;
}

bool Downlink::send_held(const Held& held, TimePoint now) {
  SendStream* const stream = stream_of(held.stream);
  Track* const track = link_.host.find_track(held.track);
  if (stream == nullptr || track == nullptr || track->muted || held.layer >= track->layers.size()) return false;
  const auto& source = track->layers[held.layer].stream;
  if (source == nullptr) return false;
  const PacketRing::Kept kept = source->ring().find(held.key);
  if (kept.payload.empty()) return false;
  SendContext to = context(*stream);
  if (held.repeats) {
    if (*held.repeats < stream->began_at()) return false;
    const SendStream::Lost lost{.layer = held.layer,
                                .key = held.key,
                                .sequence = *held.repeats,
                                .timestamp = held.as.timestamp,
                                .marker = held.as.marker,
                                .prefix = held.as.prefix,
                                .source_type = held.source_type};
    const std::size_t size = stream->retransmit(lost, kept, now, to);
    if (size > 0) note_sent(*stream, size, PacketKind::Rtx, now);
    return size > 0;
  }
  const std::size_t size = stream->send({.as = held.as,
                                         .keyframe = held.keyframe,
                                         .source_type = held.source_type,
                                         .layer = held.layer,
                                         .key = held.key,
                                         .payload = kept.payload,
                                         .dependency_descriptor = kept.descriptor,
                                         .audio_level = {},
                                         .red = {},
                                         .repeats = {}},
                                        now, to);
  if (size > 0) note_sent(*stream, size, PacketKind::Video, now);
  return size > 0;
}

void Downlink::drain(TimePoint now) {
  while (const auto order = control_->pacer.poll(now)) {
    const auto place = static_cast<std::uint32_t>(order->handle);
    switch (order->action) {
      case PacerOrder::Action::Send:
        if (!send_held(held_[place], now)) {
          control_->pacer.refund(order->bytes);
          drop(held_[place], Dropped::ByUs);
        }
        free_.push_back(place);
        break;
      case PacerOrder::Action::Pad: pad(*order, now); break;
      case PacerOrder::Action::Drop:
        ++counters_.dropped_late;
        drop(held_[place], Dropped::ByThePacer);
        free_.push_back(place);
        break;
      case PacerOrder::Action::Shut:
        if (SendStream* const stream = stream_of(rtp::Ssrc{std::to_underlying(order->stream)})) {
          stream->forwarder().stop();
          want_keyframe(*stream);
        }
        break;
    }
  }
}

void Downlink::drop(const Held& held, Dropped by) {
  SendStream* const stream = held.track == TrackId{} || held.repeats ? nullptr : stream_of(held.stream);
  if (stream == nullptr) return;
  const bool was_cut = stream->is_cut();
  stream->drop(held.as);
  // The pacer has told already, or there is a keyframe behind what it drops.
  if (by == Dropped::ByThePacer || !stream->is_cut()) return;
  if (was_cut && held.keyframe == KeyframeStart::No) return;  // it is asked for, or on its way
  stream->forwarder().stop();
  want_keyframe(*stream);
}

void Downlink::pad(const PacerOrder& order, TimePoint now) {
  const auto stream = std::ranges::find_if(streams_, [](const auto& s) { return s->can_pad(); });
  if (stream == streams_.end()) return;
  for (std::size_t sent = 0; sent < order.bytes;) {
    SendContext to = context(**stream);
    const std::size_t size = (*stream)->pad(order.bytes - sent, now, to);
    if (size == 0) return;
    note_sent(**stream, size, PacketKind::Padding, now, order.cluster);
    sent += size;
  }
}

// ---- RTCP -----------------------------------------------------------------------------------------------------------

void Downlink::on_reports(const rtcp::ReportBlocks& blocks, TimePoint now) {
  for (const rtcp::ReportBlock block : blocks) {
    SendStream* const stream = stream_of(block.ssrc);
    if (stream == nullptr) continue;
    stream->on_report(block, now);
    if (!stream->round_trip()) continue;
    link_.round_trip = *stream->round_trip();
    if (control_ != nullptr) control_->controller->on_rtt(now, link_.round_trip);
  }
}

void Downlink::on_nack(const rtcp::Nack& nack, TimePoint now) {
  SendStream* const stream = stream_of(nack.media);
  if (stream == nullptr) return;
  Track* const track = link_.host.find_track(stream->parameters().track);
  if (track == nullptr || track->muted) return;
  rtcp::LostReader lost = nack.lost();
  for (std::size_t i = 0; i < kRepeatsMax; ++i) {
    const auto sequence = lost.next();
    if (!sequence) return;
    ++counters_.nacked;
    const auto packet = stream->find_lost(*sequence, now, link_.round_trip);
    if (!packet || packet->layer >= track->layers.size() || track->layers[packet->layer].stream == nullptr) continue;
    if (packet->sequence < stream->began_at()) continue;  // nobody needs it: a keyframe came after it
    const std::size_t bytes = track->layers[packet->layer].stream->ring().find(packet->key).payload.size();
    if (bytes == 0) continue;
    if (!may_repeat(bytes, now)) {
      ++counters_.repeats_refused;
      return;
    }
    const Held held{.stream = nack.media,
                    .track = track->id,
                    .as = {.timestamp = packet->timestamp, .marker = packet->marker, .prefix = packet->prefix},
                    .source_type = packet->source_type,
                    .key = packet->key,
                    .layer = packet->layer,
                    .repeats = packet->sequence};
    const PacedPacket paced{.kind = PacketKind::Rtx,
                            .stream = PacedStream{std::to_underlying(nack.media)},
                            .part = FramePart::Other,
                            .bytes = static_cast<std::uint32_t>(bytes) + kHeaderBytes,
                            .handle = {}};
    if (!pacing() || control_->pacer.pass(now, paced)) {
      static_cast<void>(send_held(held, now));
    } else {
      static_cast<void>(hold(paced, held, now));
    }
  }
}

bool Downlink::may_repeat(std::size_t bytes, TimePoint now) {
  constexpr double kShare = 0.5;
  constexpr double kLeast = 30'000;  // bytes a second
  const double elapsed = std::chrono::duration<double>(now - repeat_credited_).count();
  const double rate = std::max(kLeast, kShare * static_cast<double>(sent_.per_second(now)));
  repeat_credit_ = std::min(kRepeatBurstBytes, repeat_credit_ + rate * std::min(elapsed, 10.0));
  repeat_credited_ = now;
  if (repeat_credit_ < static_cast<double>(bytes)) return false;
  repeat_credit_ -= static_cast<double>(bytes);
  return true;
}

void Downlink::on_keyframe_request(rtp::Ssrc ssrc) {
  SendStream* const stream = stream_of(ssrc);
  if (stream == nullptr) return;
  ++stream->counters().keyframe_requests;
  ++counters_.keyframe_requests;
  stream->forwarder().need_keyframe();
  want_keyframe(*stream);
}

void Downlink::want_keyframe(SendStream& stream) {
  // One that comes before it can be sent on is lost, and publishers are not asked again so soon: on_connected asks.
  if (link_.transport.media_path() == nullptr) return;
  const auto layer = stream.forwarder().wants_keyframe_of();
  if (!layer || Shedding::lot_of(stream.parameters().ssrc) < link_.host.shedding()) return;
  Track* const track = link_.host.find_track(stream.parameters().track);
  if (track != nullptr && track->publisher != nullptr) track->publisher->want_keyframe(*track, *layer);
}

void Downlink::on_transport_feedback(const rtcp::TransportFeedback& feedback, TimePoint now) {
  if (control_ == nullptr) return;
  ++counters_.feedbacks;
  FeedbackScratch& scratch = link_.host.feedback_scratch();
  scratch.statuses.clear();
  const Duration reference = feedback.reference_time * rtcp::kReferenceTimeUnit;
  rtcp::StatusReader reader = feedback.statuses();
  while (const auto status = reader.next()) {
    if (scratch.statuses.size() == bwe::SentHistory::kCapacity) break;
    bwe::PacketStatus& told =
        scratch.statuses.emplace_back(bwe::PacketStatus{.sequence = status->sequence, .since_reference = {}});
    if (status->fate == rtcp::PacketStatus::Fate::Received) told.since_reference = status->arrival - reference;
  }
  scratch.results.resize(bwe::SentHistory::kCapacity);
  const auto results = control_->history.resolve(
      now, {.reference_ticks = feedback.reference_time, .packets = scratch.statuses}, scratch.results);
  control_->controller->on_feedback(now, results);
  if (!control_->first_feedback) {
    control_->first_feedback = now;
    control_->next_poll = now;
    next_allocation_ = std::min(next_allocation_, now);
  }
  update_rates(now);
  // Too much is on its way already: not at the next turn.
  if (allowed_bps(now) * 10 < allocated_for_bps_ * 9) next_allocation_ = std::min(next_allocation_, now);
}

void Downlink::on_remb(const rtcp::Remb& remb) {
  remb_bps_ = static_cast<std::int64_t>(std::min<std::uint64_t>(remb.bitrate_bps, kUnlimitedBps));
}

// ---- how much, and of what ------------------------------------------------------------------------------------------

std::optional<bwe::Estimate> Downlink::estimate(TimePoint now) const {
  if (!pacing()) return std::nullopt;
  return control_->controller->estimate(now);
}

std::int64_t Downlink::allowed_bps(TimePoint now) const {
  if (pacing()) return control_->controller->estimate(now).target_bps;
  return control_ == nullptr ? remb_bps_.value_or(kUnlimitedBps) : kUnlimitedBps;
}

void Downlink::update_rates(TimePoint now) {
  control_->pacer.set_rates(now, {.target_bps = control_->controller->estimate(now).target_bps, .padding_bps = 0});
}

void Downlink::allocate(TimePoint now) {
  wanted_.clear();
  for (const auto& stream : streams_) {
    if (stream->parameters().kind != Kind::Video) continue;
    Track* const track = link_.host.find_track(stream->parameters().track);
    if (track == nullptr || track->muted) continue;
    track->survey(now);
    const auto wish = view_.find(track->id);
    wanted_.push_back({.id = VideoId{std::to_underlying(stream->parameters().ssrc)},
                       .layers = track->available,
                       .height = stream->shown_height,
                       .priority = wish == view_.end() ? std::uint8_t{0} : wish->second.priority,
                       .source = track->source,
                       .attention = link_.host.is_speaking(*track) ? Attention::Speaker : Attention::Thumbnail,
                       .flows = stream->starved_since.has_value() && stream->forwarder().target_layer() >= 0});
  }
  allocated_for_bps_ = allowed_bps(now);
  const Allocation allocation =
      allocator_.allocate(now, {.estimate_bps = allocated_for_bps_,
                                .audio_bps = static_cast<std::int64_t>(audio_.per_second(now) * 8),
                                .videos = wanted_});
  wanted_bps_ = allocation.wanted_bps;
  for (const VideoAllocation& given : allocation.videos) {
    SendStream* const stream = stream_of(rtp::Ssrc{static_cast<std::uint32_t>(given.id)});
    if (stream == nullptr) continue;
    if (const Track* const track = link_.host.find_track(stream->parameters().track)) {
      apply(*stream, *track, given, now);
    }
  }
  next_allocation_ = wanted_.empty() && !has(streams_, Kind::Video, [](const auto& s) { return s->parameters().kind; })
                         ? TimePoint::max()
                         : unhurried(now + kAllocationInterval);
}

void Downlink::apply(SendStream& stream, const Track& track, const VideoAllocation& given, TimePoint now) {
  Forwarder& forwarder = stream.forwarder();
  if (track.available.empty()) return want_keyframe(stream);  // it has not begun
  std::optional<LayerId> layer = given.layer;
  if (layer || stream.shown_height == 0) {
    stream.starved_since.reset();
  } else {
    if (!stream.starved_since) stream.starved_since = now;
    const bool wait = !pacing() || now - *stream.starved_since < kCutOffAfter;
    if (wait && forwarder.target_layer() >= 0) layer = track.available.front().id;
  }
  if (!layer) {
    if (forwarder.target_layer() >= 0) ++counters_.audio_only;
    return forwarder.set_layer(-1);
  }
  // The highest temporal layer of a stream means all of it, also those that come later.
  bool top_temporal = true;
  bool top_spatial = true;
  for (const AvailableLayer& other : track.available) {
    if (other.id.spatial == layer->spatial && other.id.temporal > layer->temporal) top_temporal = false;
    if (other.id.spatial > layer->spatial) top_spatial = false;
  }
  const bool simulcast = track.is_simulcast();
  if (simulcast && layer->spatial >= track.ladder.size()) return;
  forwarder.set_limits(
      {.spatial = simulcast || top_spatial ? std::int8_t{127} : static_cast<std::int8_t>(layer->spatial),
       .temporal = top_temporal ? std::uint8_t{7} : layer->temporal});
  forwarder.set_layer(simulcast ? static_cast<std::int8_t>(track.ladder[layer->spatial]) : std::int8_t{0});
  want_keyframe(stream);
}

double Downlink::loss() const {
  double worst = 0;
  for (const auto& stream : streams_) worst = std::max(worst, stream->fraction_lost());
  return worst;
}

Duration Downlink::jitter() const {
  Duration worst{};
  for (const auto& stream : streams_) worst = std::max(worst, stream->jitter_time());
  return worst;
}

// ---- time -----------------------------------------------------------------------------------------------------------

void Downlink::handle_timeout(TimePoint now) {
  if (pacing()) {
    if (control_->next_poll <= now) {
      control_->next_poll = now + bwe::kPollInterval;
      const bool can_pad = std::ranges::any_of(streams_, [](const auto& stream) { return stream->can_pad(); });
      if (const auto plan = control_->controller->poll_probe(now, can_pad ? wanted_bps_ : 0)) {
        control_->pacer.begin_probe(now, *plan);
      }
      update_rates(now);
    }
    drain(now);
  }
  if (next_allocation_ <= now) allocate(now);
}

TimePoint Downlink::next_timeout() const {
  TimePoint next = next_allocation_;
  if (!pacing()) return next;
  return std::min({next, control_->next_poll, control_->pacer.next_timeout().value_or(TimePoint::max())});
}

}  // namespace zvonok::media
