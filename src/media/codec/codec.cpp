// Dispatch by codec: one function each turns a payload into a FrameInfo.
#include "media/codec/codec.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "media/codec/av1.h"
#include "media/codec/dependency_descriptor.h"
#include "media/codec/h264.h"
#include "media/codec/vp8.h"
#include "media/codec/vp9.h"

namespace zvonok::media {
namespace {

using Inspected = Result<FrameInfo, CodecError>;

constexpr std::array kNames{
    std::pair{Codec::Opus, std::string_view{"opus"}},
    std::pair{Codec::Pcmu, std::string_view{"PCMU"}},
    std::pair{Codec::Pcma, std::string_view{"PCMA"}},
    std::pair{Codec::G722, std::string_view{"G722"}},
    std::pair{Codec::Red, std::string_view{"red"}},
    std::pair{Codec::ComfortNoise, std::string_view{"CN"}},
    std::pair{Codec::TelephoneEvent, std::string_view{"telephone-event"}},
    std::pair{Codec::Vp8, std::string_view{"VP8"}},
    std::pair{Codec::Vp9, std::string_view{"VP9"}},
    std::pair{Codec::H264, std::string_view{"H264"}},
    std::pair{Codec::Av1, std::string_view{"AV1"}},
    std::pair{Codec::Rtx, std::string_view{"rtx"}},
};

Inspected inspect_vp8(const PacketParts& parts) {
  const auto descriptor = parse_vp8_descriptor(parts.payload);
  if (!descriptor) return fail(descriptor.error());
  const Vp8Frame frame = look_at_vp8_frame(*descriptor, parts.payload);
  FrameInfo info;
  info.starts_frame = frame.starts;
  info.ends_frame = parts.marker;
  info.ends_picture = parts.marker;
  info.keyframe = frame.keyframe;
  info.resolution = frame.resolution;
  info.temporal = descriptor->temporal.value_or(0);
  info.switch_up_point = frame.keyframe || descriptor->layer_sync;
  info.discardable = descriptor->non_reference;
  info.picture_id = descriptor->picture_id;
  info.tl0_picture_index = descriptor->tl0_picture_index;
  return info;
}

Inspected inspect_vp9(const PacketParts& parts) {
  const auto descriptor = parse_vp9_descriptor(parts.payload);
  if (!descriptor) return fail(descriptor.error());
  FrameInfo info;
  info.starts_frame = descriptor->starts_frame;
  info.ends_frame = descriptor->ends_frame;
  info.ends_picture = parts.marker;
  info.keyframe = descriptor->is_keyframe();
  info.resolution = descriptor->resolution();
  info.temporal = descriptor->temporal;
  info.spatial = descriptor->spatial;
  info.switch_up_point = info.keyframe || descriptor->switching_up;
  info.picture_id = descriptor->picture_id;
  info.tl0_picture_index = descriptor->tl0_picture_index;
  return info;
}

void apply(const DependencyDescriptor& descriptor, FrameInfo& info) {
  info.starts_frame = descriptor.starts_frame;
  info.ends_frame = descriptor.ends_frame;
  info.temporal = descriptor.temporal;
  info.spatial = descriptor.spatial;
  info.switch_up_point = info.keyframe || descriptor.switches_to_own_layer;
  info.discardable = descriptor.is_discardable();
  info.picture_id = descriptor.frame_number;
  if (descriptor.resolution) info.resolution = descriptor.resolution;
}

bool has_dependencies(const PacketParts& parts) {
  return parts.dependencies != nullptr && !parts.dependency_descriptor.empty();
}

Inspected inspect_h264(const PacketParts& parts) {
  const auto payload = parse_h264_payload(parts.payload);
  if (!payload) return fail(payload.error());
  FrameInfo info;
  info.starts_frame = payload->starts_frame;
  info.ends_frame = parts.marker;
  info.ends_picture = parts.marker;
  info.keyframe = payload->has_sps || payload->starts_idr;
  info.resolution = payload->resolution;
  info.discardable = payload->is_discardable;
  info.switch_up_point = info.keyframe;
  if (!has_dependencies(parts)) return info;
  // Only a help here: what the payload says does not depend on it.
  if (const auto descriptor = parts.dependencies->read(parts.dependency_descriptor)) {
    const bool starts_frame = info.starts_frame || descriptor->starts_frame;
    apply(*descriptor, info);
    info.starts_frame = starts_frame;
  }
  return info;
}

Inspected inspect_av1(const PacketParts& parts) {
  const auto header = parse_av1_aggregation_header(parts.payload);
  if (!header) return fail(header.error());
  FrameInfo info;
  info.starts_frame = header->starts_sequence;
  info.ends_frame = parts.marker;
  info.ends_picture = parts.marker;
  info.keyframe = header->starts_sequence;
  info.switch_up_point = info.keyframe;
  if (!has_dependencies(parts)) return info;
  const auto descriptor = parts.dependencies->read(parts.dependency_descriptor);
  if (!descriptor) return fail(descriptor.error());
  info.keyframe = info.keyframe || (descriptor->brings_structure && descriptor->starts_frame);
  apply(*descriptor, info);
  return info;
}

}  // namespace

std::string_view name_of(Codec codec) {
  for (const auto& [known, name] : kNames) {
    if (known == codec) return name;
  }
  std::abort();
}

std::optional<Codec> codec_named(std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const auto& [codec, known] : kNames) {
    if (std::ranges::equal(name, known, {}, lower, lower)) return codec;
  }
  return std::nullopt;
}

bool is_video(Codec codec) {
  switch (codec) {
    case Codec::Vp8:
    case Codec::Vp9:
    case Codec::H264:
    case Codec::Av1: return true;
    case Codec::Opus:
    case Codec::Pcmu:
    case Codec::Pcma:
    case Codec::G722:
    case Codec::Red:
    case Codec::ComfortNoise:
    case Codec::TelephoneEvent:
    case Codec::Rtx: return false;
  }
  std::abort();
}

const char* to_text(CodecError error) {
  switch (error) {
    case CodecError::Empty: return "empty";
    case CodecError::Truncated: return "truncated";
    case CodecError::Malformed: return "malformed";
    case CodecError::MissingStructure: return "missing_structure";
  }
  std::abort();
}

Result<FrameInfo, CodecError> inspect(Codec codec, const PacketParts& parts) {
  if (parts.payload.empty()) return fail(CodecError::Empty);
  switch (codec) {
    case Codec::Vp8: return inspect_vp8(parts);
    case Codec::Vp9: return inspect_vp9(parts);
    case Codec::H264: return inspect_h264(parts);
    case Codec::Av1: return inspect_av1(parts);
    case Codec::Opus:
    case Codec::Pcmu:
    case Codec::Pcma:
    case Codec::G722:
    case Codec::Red:
    case Codec::ComfortNoise:
    case Codec::TelephoneEvent:
    case Codec::Rtx: break;
  }
  FrameInfo info;
  info.starts_frame = true;
  info.ends_frame = true;
  info.ends_picture = parts.marker;
  return info;
}

}  // namespace zvonok::media
