// The codecs a call can use, and what the forwarder has to know of a packet whatever its codec.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/result.h"

namespace zvonok::media {

class DependencyReader;

enum class Codec : std::uint8_t {
  Opus,
  Pcmu,
  Pcma,
  G722,
  Red,
  ComfortNoise,
  TelephoneEvent,
  Vp8,
  Vp9,
  H264,
  Av1,
  Rtx,
};

/// The encoding name of SDP (a=rtpmap), in its usual spelling.
[[nodiscard]] std::string_view name_of(Codec codec);
/// By encoding name, in any case of letters.
[[nodiscard]] std::optional<Codec> codec_named(std::string_view name);
/// Whether packets of it make up pictures. Rtx is not: what it carries is.
[[nodiscard]] bool is_video(Codec codec);

enum class CodecError : std::uint8_t {
  Empty,             // no payload: padding only
  Truncated,         // a header or unit ends past the payload
  Malformed,         // bytes that the format forbids
  MissingStructure,  // a dependency descriptor whose template structure was not seen: wait for a keyframe
};
[[nodiscard]] const char* to_text(CodecError error);

struct Resolution {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  bool operator==(const Resolution&) const = default;
};

/// A picture is what is shown at one instant; with spatial layers it is made of one frame for each layer.
struct FrameInfo {
  bool starts_frame = false;
  bool ends_frame = false;    // as far as the packet tells
  bool ends_picture = false;  // the marker bit
  bool keyframe = false;      // decoding can begin with this packet: the first of a keyframe (of its lowest layer)
  std::optional<Resolution> resolution;
  std::uint8_t temporal = 0;
  std::uint8_t spatial = 0;
  bool switch_up_point = false;             // who got lower temporal layers may get this one from here on
  bool discardable = false;                 // no other frame needs it
  std::optional<std::uint16_t> picture_id;  // VP8, VP9: as on the wire, 7 or 15 bits; with dependencies: frame number
  std::optional<std::uint8_t> tl0_picture_index;
};

/// What a packet has for `inspect`. `dependency_descriptor` is the content of that header extension, empty when there
/// is none; `dependencies` is the state of the stream it is read with, and is changed by it.
struct PacketParts {
  Bytes payload;
  bool marker = false;
  Bytes dependency_descriptor;
  DependencyReader* dependencies = nullptr;
};

/// Reads what is there to know without decoding. Audio is always one whole frame a packet. For H.264, `starts_frame` is
/// set by parameter sets and by the first slice alike, so a frame may have several; the RTP timestamp tells them apart.
/// For AV1 without a dependency descriptor only keyframes and ends are known.
[[nodiscard]] Result<FrameInfo, CodecError> inspect(Codec codec, const PacketParts& parts);

/// The first bytes of a payload, written anew: a forwarder sends `view()` and then the payload from `replaces` on.
struct DescriptorPrefix {
  std::array<std::uint8_t, 8> bytes{};
  std::uint8_t size = 0;
  std::uint8_t replaces = 0;
  std::uint8_t picture_at = 0;  // where the picture id is; 0: none
  std::uint8_t tl0_at = 0;      // and the index of the lowest temporal layer's picture
  [[nodiscard]] Bytes view() const { return Bytes{bytes}.first(size); }
  void append(unsigned byte) {
    ZVONOK_CHECK(size < bytes.size());
    bytes[size++] = static_cast<std::uint8_t>(byte);
  }
  /// With the bit that tells fifteen bits from seven (RFC 7741 section 4.2, RFC 9628 section 4.2).
  void append_picture_id(std::uint16_t picture_id) {
    picture_at = size;
    append(0x80U | picture_id >> 8);
    append(picture_id & 0xFFU);
  }
  void append_tl0(std::uint8_t index) {
    tl0_at = size;
    append(index);
  }
  [[nodiscard]] std::optional<std::uint16_t> picture_id() const {
    if (picture_at == 0) return std::nullopt;
    return static_cast<std::uint16_t>((bytes[picture_at] & 0x7FU) << 8 | bytes[picture_at + 1U]);
  }
  [[nodiscard]] std::optional<std::uint8_t> tl0() const {
    if (tl0_at == 0) return std::nullopt;
    return bytes[tl0_at];
  }
  void add_to_picture_id(std::uint16_t more) {
    const auto old = picture_id();
    if (!old) return;
    const unsigned id = *old + unsigned{more};
    bytes[picture_at] = static_cast<std::uint8_t>(0x80U | (id >> 8 & 0x7FU));
    bytes[picture_at + 1U] = static_cast<std::uint8_t>(id);
  }
  void add_to_tl0(std::uint8_t more) {
    if (tl0_at != 0) bytes[tl0_at] = static_cast<std::uint8_t>(bytes[tl0_at] + more);
  }
};

}  // namespace zvonok::media
