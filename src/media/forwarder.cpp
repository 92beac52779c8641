#include "media/forwarder.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace zvonok::media {
namespace {

/// A in front of B on a clock that wraps.
bool is_newer(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) > 0;
}

std::uint32_t ticks(Duration duration, std::uint32_t clock_rate) {
  // Whole seconds apart from the rest: the clocks of a hostile sender are decades apart, and nothing may overflow.
  const auto whole = std::chrono::floor<seconds>(duration);
  const auto rest = std::chrono::floor<microseconds>(duration - whole);
  return static_cast<std::uint32_t>(whole.count() * clock_rate + rest.count() * clock_rate / 1'000'000);
}

PictureMap::Width width(bool is_long) {
  return is_long ? PictureMap::Width::Long : PictureMap::Width::Short;
}

}  // namespace

void Forwarder::set_layer(std::int8_t layer) {
  target_ = layer;
  if (layer < 0) current_ = -1;  // what comes after it begins with a keyframe
}

void Forwarder::set_limits(LayerTarget limits) {
  // A spatial layer that was left out can be decoded again from a keyframe on.
  if (current_ >= 0 && limits.spatial > limits_.spatial && limits_.spatial <= spatial_) keyframe_needed_ = true;
  limits_ = limits;
}

std::optional<std::uint8_t> Forwarder::wants_keyframe_of() const {
  if (options_.kind == Kind::Audio || target_ < 0) return std::nullopt;
  if (current_ == target_ && !keyframe_needed_) return std::nullopt;
  return static_cast<std::uint8_t>(target_);
}

std::optional<Renumbered> Forwarder::forward(const MediaPacket& packet, TimePoint now, const Clocks& clocks) {
  const auto layer = static_cast<std::int8_t>(packet.layer);
  if (options_.kind == Kind::Audio) {
    if (current_ < 0) switch_to(packet, now, clocks);
  } else {
    if (target_ < 0) return std::nullopt;
    if (layer == target_ && packet.frame.keyframe) keyframe_needed_ = false;
    if (layer == target_ && layer != current_ && packet.frame.keyframe) switch_to(packet, now, clocks);
    if (layer != current_) return std::nullopt;
    if (is_left_out(packet)) {
      sequences_.leave_out(packet.sequence);
      return std::nullopt;
    }
  }
  auto place = sequences_.map(packet.sequence);
  if (!place) return std::nullopt;
  if (*place > next_place_ && *place - next_place_ >= 0x4000) {  // more than a receiver could follow
    sequences_.start(packet.sequence, next_place_ + 1);
    place = next_place_ + 1;
  }
  // Late, and its place was given to a packet behind one that was left out since; or far too late to know.
  std::uint64_t& word = used_[*place % kUsedWindow / 64];
  const std::uint64_t bit = std::uint64_t{1} << (*place % 64);
  if (*place < next_place_) {
    if (next_place_ - *place > kUsedWindow || (word & bit) != 0) return std::nullopt;
  } else {
    const std::uint64_t ahead = std::min<std::uint64_t>(*place - next_place_ + 1, kUsedWindow);
    for (std::uint64_t p = *place + 1 - ahead; p <= *place; ++p) {
      used_[p % kUsedWindow / 64] &= ~(std::uint64_t{1} << (p % 64));
    }
    next_place_ = *place + 1;
  }
  word |= bit;
  Renumbered out{.place = *place,
                 .timestamp = packet.timestamp + timestamp_offset_,
                 .marker = packet.marker,
                 .begins = std::exchange(begins_, false),
                 .prefix = renumber_descriptor(packet, *place)};
  // The last spatial layer that is let through ends the picture.
  if (packet.codec == Codec::Vp9 && packet.frame.ends_frame && packet.frame.spatial == spatial_) out.marker = true;
  if (!started_ || is_newer(out.timestamp, last_timestamp_)) last_timestamp_ = out.timestamp;
  started_ = true;
  if (*place + 1 == next_place_) last_sent_ = now;
  return out;
}

void Forwarder::switch_to(const MediaPacket& packet, TimePoint now, const Clocks& clocks) {
  if (started_) timestamp_offset_ = aligned_timestamp(packet, now, clocks) - packet.timestamp;
  sequences_.start(packet.sequence, next_place_);
  begins_ = true;
  current_ = static_cast<std::int8_t>(packet.layer);
  source_ = current_;
  temporal_ = limits_.temporal;
  temporal_before_ = temporal_;
  raised_at_ = packet.sequence;
  spatial_ = static_cast<std::uint8_t>(std::max<std::int8_t>(limits_.spatial, 0));
  if (packet.frame.picture_id) pictures_.start(*packet.frame.picture_id);
  if (packet.frame.tl0_picture_index) {
    tl0_offset_ = static_cast<std::uint8_t>(last_tl0_ + 1 - *packet.frame.tl0_picture_index);
  }
  if (packet.vp8 && packet.vp8->key_index) {
    key_offset_ = static_cast<std::uint8_t>(last_key_ + 1 - *packet.vp8->key_index);
  }
}

/// By the sender reports of both streams, which are of one clock; without them by when packets came.
std::uint32_t Forwarder::aligned_timestamp(const MediaPacket& packet, TimePoint now, const Clocks& clocks) {
  const std::uint32_t by_arrival = last_timestamp_ + std::max(1U, ticks(now - last_sent_, packet.clock_rate));
  std::uint32_t aligned = by_arrival;
  const std::uint32_t ahead = std::exchange(ahead_, 0);
  const auto& from = source_ >= 0 ? clocks[static_cast<std::size_t>(source_)] : clocks[packet.layer];
  const auto& to = clocks[packet.layer];
  if (source_ >= 0 && from && to) {
    const std::uint32_t at_report = from->rtp + ticks(to->ntp - from->ntp, packet.clock_rate);
    const std::uint32_t by_clock = at_report + (packet.timestamp - to->rtp) + timestamp_offset_ - ahead;
    // Clocks that disagree by more than a second with what was seen are not to be believed.
    const std::int64_t apart = static_cast<std::int32_t>(by_clock - by_arrival);
    if (std::abs(apart) < std::int64_t{packet.clock_rate}) aligned = by_clock;
  }
  if (is_newer(aligned, last_timestamp_)) return aligned;
  // The picture of that moment, or a later one, was already sent from the layer before. As little ahead of the clock as
  // can be, and remembered, or each switch would add to it.
  ahead_ = last_timestamp_ + 1 - aligned;
  return last_timestamp_ + 1;
}

bool Forwarder::is_left_out(const MediaPacket& packet) {
  const FrameInfo& frame = packet.frame;
  const bool late = sequences_.is_late(packet.sequence);
  const std::optional<Vp8Descriptor>& vp8 = packet.vp8;
  // What was let through when a late packet was due is known by its picture; what is let through now says nothing.
  if (late && vp8 && vp8->picture_id) {
    const auto wide = width(vp8->picture_id_is_long);
    if (pictures_.is_left_out(*vp8->picture_id, wide)) return true;
    if (pictures_.is_sent(*vp8->picture_id, wide)) return false;
    // All of it was overtaken: nothing was decided yet. What it refers to went by the rule of its time.
    return frame.temporal > (packet.sequence < raised_at_ ? std::min(temporal_, temporal_before_) : temporal_);
  }
  if (frame.starts_frame && !late) {
    if (temporal_ > limits_.temporal) temporal_ = limits_.temporal;
    if (temporal_ < limits_.temporal && frame.temporal <= limits_.temporal && frame.temporal > temporal_ &&
        frame.switch_up_point) {
      temporal_before_ = temporal_;
      raised_at_ = packet.sequence;
      temporal_ = frame.temporal;
    }
    const auto spatial = static_cast<std::uint8_t>(std::max<std::int8_t>(limits_.spatial, 0));
    if (spatial_ > spatial || frame.keyframe) spatial_ = spatial;
  }
  if (frame.temporal > temporal_) {
    if (vp8 && vp8->picture_id) pictures_.leave_out(*vp8->picture_id, width(vp8->picture_id_is_long));
    return true;
  }
  return frame.spatial > spatial_;
}

DescriptorPrefix Forwarder::renumber_descriptor(const MediaPacket& packet, std::uint64_t place) {
  const bool newest = place + 1 == next_place_;  // a late one says nothing of what the next switch goes on from
  if (packet.vp8 && packet.vp8->picture_id) {
    Vp8Rewrite numbers{.picture_id = pictures_.map(*packet.vp8->picture_id, width(packet.vp8->picture_id_is_long))};
    if (packet.vp8->tl0_picture_index) {
      numbers.tl0_picture_index = static_cast<std::uint8_t>(*packet.vp8->tl0_picture_index + tl0_offset_);
      if (newest) last_tl0_ = numbers.tl0_picture_index;
    }
    if (packet.vp8->key_index) {
      numbers.key_index = static_cast<std::uint8_t>((*packet.vp8->key_index + key_offset_) & 0x1F);
      if (newest) last_key_ = numbers.key_index;
    }
    return rewrite(*packet.vp8, packet.payload, numbers);
  }
  if (packet.vp9 && packet.vp9->picture_id) {
    Vp9Rewrite numbers{.picture_id = pictures_.map(*packet.vp9->picture_id, width(packet.vp9->picture_id_is_long))};
    if (packet.vp9->tl0_picture_index) {
      numbers.tl0_picture_index = static_cast<std::uint8_t>(*packet.vp9->tl0_picture_index + tl0_offset_);
      if (newest) last_tl0_ = numbers.tl0_picture_index;
    }
    return rewrite(*packet.vp9, packet.payload, numbers);
  }
  return {};
}

/// What the payload's first bytes say, for all receivers.
void read_descriptor(MediaPacket& packet) {
  if (packet.codec == Codec::Vp8) {
    if (const auto parsed = parse_vp8_descriptor(packet.payload)) packet.vp8 = *parsed;
  } else if (packet.codec == Codec::Vp9) {
    if (const auto parsed = parse_vp9_descriptor(packet.payload)) packet.vp9 = *parsed;
  } else if (packet.codec == Codec::Red) {
    packet.red = parse_red(packet.payload);
  }
}

}  // namespace zvonok::media
