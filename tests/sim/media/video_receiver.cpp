#include "sim/media/video_receiver.h"

#include <algorithm>

namespace zvonok::sim {
namespace {

constexpr std::int64_t kNotReceivedMax = 100;
constexpr std::int64_t kLayerInfoMax = 50;
constexpr std::size_t kStashedMax = 100;

/// The number nearest to `last` that has these low bits.
std::int64_t unwrap(std::optional<std::int64_t>& last, std::int64_t value, std::int64_t cycle) {
  if (!last) {
    last = cycle + value;
    return *last;
  }
  std::int64_t ahead = (value - *last) % cycle;
  if (ahead < 0) ahead += cycle;
  const std::int64_t number = ahead < cycle / 2 ? *last + ahead : *last + ahead - cycle;
  last = number;
  return number;
}

}  // namespace

void VideoReceiver::complain(std::string what) {
  if (wrong_.size() < 20) wrong_.push_back(std::move(what));
}

void VideoReceiver::on_packet(TimePoint now, std::uint64_t sequence, std::uint32_t timestamp, bool marker,
                              Bytes payload) {
  const auto descriptor = media::parse_vp8_descriptor(payload);
  if (!descriptor) return complain("a payload without a VP8 descriptor");
  if (!descriptor->picture_id || !descriptor->tl0_picture_index || !descriptor->temporal) {
    return complain("a descriptor lost its numbers");
  }
  if (!last_packet_ || now - *last_packet_ > milliseconds{300}) first_packet_ = now;  // it begins, or goes on
  last_packet_ = now;
  newest_ = std::max(newest_, sequence);
  Packet packet{.timestamp = timestamp,
                .marker = marker,
                .starts = descriptor->starts_partition && descriptor->partition == 0,
                .descriptor = *descriptor,
                .frame = media::look_at_vp8_frame(*descriptor, payload),
                .stamp = Stamp::read(payload.subspan(std::min(payload.size(), descriptor->size + kVp8HeaderBytes)))};
  if (!packet.stamp) return complain("a payload without a stamp");
  if (newest_ > 4096) packets_.erase(packets_.begin(), packets_.lower_bound(newest_ - 4096));
  if (!packets_.emplace(sequence, std::move(packet)).second) return;
  assemble(now, sequence);
  decode_ready(now);
}

void VideoReceiver::assemble(TimePoint now, std::uint64_t sequence) {
  auto first = packets_.find(sequence);
  while (!first->second.starts) {
    if (first == packets_.begin()) return;
    const auto before = std::prev(first);
    if (before->first + 1 != first->first || before->second.marker) return;
    first = before;
  }
  auto last = packets_.find(sequence);
  while (!last->second.marker) {
    const auto after = std::next(last);
    if (after == packets_.end() || after->first != last->first + 1) return;
    if (after->second.starts) {
      if (!after->second.frame.keyframe) complain("a frame begins before the one before it has ended");
      return;  // cut off
    }
    last = after;
  }
  const Packet& head = first->second;
  Frame frame{.complete = now,
              .id = unwrap(last_id_, *head.descriptor.picture_id, 0x8000),
              .tl0 = unwrap(last_tl0_, *head.descriptor.tl0_picture_index, 0x100),
              .sync = head.descriptor.layer_sync,
              .keyframe = head.frame.keyframe,
              .temporal = *head.descriptor.temporal,
              .timestamp = head.timestamp,
              .height = head.frame.resolution ? head.frame.resolution->height : 0,
              .stamp = *head.stamp,
              .references = {}};
  std::uint8_t index = 0;
  for (auto at = first; at != std::next(last); ++at) {
    const Stamp& stamp = *at->second.stamp;
    if (stamp.number != frame.stamp.number || stamp.layer != frame.stamp.layer || stamp.packet != index++) {
      complain("a frame is made of packets of different frames: " + std::to_string(frame.stamp.number) + " and " +
               std::to_string(stamp.number));
    }
    if (at->second.timestamp != frame.timestamp) complain("a frame with two timestamps");
    if (at->second.descriptor.picture_id != head.descriptor.picture_id) complain("a frame with two picture ids");
  }
  packets_.erase(first, std::next(last));
  manage(std::move(frame));
  retry_stashed();
}

void VideoReceiver::manage(Frame frame) {
  switch (find_references(frame)) {
    case Decision::HandOff: ready_.insert_or_assign(frame.id, std::move(frame)); break;
    case Decision::Stash:
      if (stashed_.size() == kStashedMax) stashed_.erase(stashed_.begin());
      stashed_.push_back(std::move(frame));
      break;
    case Decision::Drop: break;
  }
}

VideoReceiver::Decision VideoReceiver::find_references(Frame& frame) {
  const std::int64_t id = frame.id;
  if (!last_picture_) last_picture_ = id;
  const std::int64_t oldest = id - kNotReceivedMax;
  not_received_.erase(not_received_.begin(), not_received_.lower_bound(oldest));
  last_picture_ = std::max(*last_picture_, oldest);
  while (*last_picture_ < id) not_received_.insert(++*last_picture_);
  layers_.erase(layers_.begin(), layers_.lower_bound(frame.tl0 - kLayerInfoMax));
  frame.references.clear();
  if (frame.keyframe) {
    if (frame.temporal != 0) return Decision::Drop;
    layers_[frame.tl0].fill(-1);
    update_layers(frame);
    return Decision::HandOff;
  }
  auto info = layers_.find(frame.temporal == 0 ? frame.tl0 - 1 : frame.tl0);
  if (info == layers_.end()) return Decision::Stash;
  if (frame.temporal == 0) info = layers_.emplace(frame.tl0, info->second).first;
  if (frame.temporal == 0 || frame.sync) {
    if (info->second[0] >= id) return Decision::Drop;
    frame.references.push_back(info->second[0]);
    update_layers(frame);
    return Decision::HandOff;
  }
  for (std::size_t layer = 0; layer <= frame.temporal; ++layer) {
    const std::int64_t on_layer = info->second[layer];
    if (on_layer == -1) return Decision::Stash;
    if (on_layer >= id) return Decision::Drop;
    const auto missing = not_received_.upper_bound(on_layer);
    if (missing != not_received_.end() && *missing < id) return Decision::Stash;
    frame.references.push_back(on_layer);
  }
  update_layers(frame);
  return Decision::HandOff;
}

void VideoReceiver::update_layers(const Frame& frame) {
  for (auto info = layers_.find(frame.tl0); info != layers_.end(); info = layers_.find(info->first + 1)) {
    std::int64_t& last = info->second[frame.temporal];
    if (last != -1 && last > frame.id) break;
    last = frame.id;
  }
  not_received_.erase(frame.id);
}

void VideoReceiver::retry_stashed() {
  bool again = true;
  while (again) {
    again = false;
    for (std::size_t i = 0; i < stashed_.size();) {
      const Decision decision = find_references(stashed_[i]);
      if (decision == Decision::Stash) {
        ++i;
        continue;
      }
      if (decision == Decision::HandOff) {
        again = true;
        ready_.insert_or_assign(stashed_[i].id, std::move(stashed_[i]));
      }
      stashed_.erase(stashed_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

void VideoReceiver::decode_ready(TimePoint now) {
  bool again = true;
  while (again) {
    again = false;
    for (auto at = ready_.begin(); at != ready_.end();) {
      const Frame& frame = at->second;
      if (!decoded_ids_.empty() && frame.id <= *decoded_ids_.rbegin()) {
        at = ready_.erase(at);
        continue;
      }
      const bool possible =
          std::ranges::all_of(frame.references, [&](std::int64_t id) { return decoded_ids_.contains(id); });
      const bool next = decoded_ids_.empty() || frame.id == *decoded_ids_.rbegin() + 1;
      if (possible && (next || now - frame.complete >= kPatience)) {
        decode(now, frame);
        ready_.erase(at);
        again = true;
        break;
      }
      ++at;
    }
  }
}

void VideoReceiver::decode(TimePoint now, const Frame& frame) {
  const Stamp& stamp = frame.stamp;
  if (stamp.keyframe != frame.keyframe) complain("a keyframe that is none");
  if (frame.keyframe) {
    truly_decoded_.clear();
    true_layer_ = stamp.layer;
    height_ = frame.height;
  } else {
    if (stamp.layer != true_layer_) complain("a layer goes on without its keyframe: " + std::to_string(stamp.number));
    for (std::size_t i = 0; i < stamp.reference_count; ++i) {
      if (truly_decoded_.contains(stamp.references[i])) continue;
      complain("frame " + std::to_string(stamp.number) + " of layer " + std::to_string(stamp.layer) + " (temporal " +
               std::to_string(stamp.temporal) + ") decoded without " + std::to_string(stamp.references[i]));
    }
  }
  if (!decoded_.empty() && static_cast<std::int32_t>(frame.timestamp - decoded_.back().timestamp) <= 0) {
    complain("the timestamp of frame " + std::to_string(stamp.number) + " does not go on");
  }
  truly_decoded_.insert(stamp.number);
  decoded_ids_.insert(frame.id);
  if (decoded_ids_.size() > 600) decoded_ids_.erase(decoded_ids_.begin());
  last_decoded_at_ = now;
  decoded_.push_back({.at = now,
                      .sent = stamp.sent,
                      .number = stamp.number,
                      .timestamp = frame.timestamp,
                      .layer = stamp.layer,
                      .temporal = stamp.temporal,
                      .keyframe = frame.keyframe,
                      .height = height_});
}

void VideoReceiver::step(TimePoint now) {
  decode_ready(now);
}

bool VideoReceiver::take_keyframe_request(TimePoint now) {
  if (!last_packet_ || now - *last_packet_ > milliseconds{300}) return false;
  TimePoint since = std::max(last_decoded_at_.value_or(TimePoint{}), *first_packet_);
  if (last_request_) since = std::max(since, *last_request_);
  if (now - since < kKeyframeWait) return false;
  last_request_ = now;
  ++requests_;
  return true;
}

}  // namespace zvonok::sim
