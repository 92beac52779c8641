// What every payload of the simulation carries: whose it is, what it is, and what is needed to decode it. So whoever
// opens a packet can tell whether it had any business being there.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/byte_io.h"
#include "base/time.h"

namespace zvonok::sim {

struct Stamp {
  std::uint32_t room = 0;
  std::uint32_t track = 0;
  std::uint32_t number = 0;  // of the audio packet or video frame; never used twice by one publisher
  std::uint8_t layer = 0;
  std::uint8_t packet = 0;  // of the frame
  bool keyframe = false;
  std::uint8_t temporal = 0;
  std::uint8_t reference_count = 0;
  std::array<std::uint32_t, 3> references{};  // frames of the same layer
  TimePoint sent{};

  static constexpr std::uint32_t kMagic = 0x5A564F4E;
  static constexpr std::size_t kBytes = 4 * 4 + 5 + 3 * 4 + 8;

  void write(MutableBytes to) const {
    ByteWriter out{to};
    out.u32(kMagic);
    out.u32(room);
    out.u32(track);
    out.u32(number);
    out.u8(layer);
    out.u8(packet);
    out.u8(keyframe ? 1 : 0);
    out.u8(temporal);
    out.u8(reference_count);
    for (const std::uint32_t reference : references) out.u32(reference);
    out.u64(static_cast<std::uint64_t>(sent.time_since_epoch().count()));
  }
  [[nodiscard]] static std::optional<Stamp> read(Bytes from) {
    ByteReader in{from};
    if (in.u32() != kMagic) return std::nullopt;
    Stamp stamp;
    stamp.room = in.u32();
    stamp.track = in.u32();
    stamp.number = in.u32();
    stamp.layer = in.u8();
    stamp.packet = in.u8();
    stamp.keyframe = in.u8() != 0;
    stamp.temporal = in.u8();
    stamp.reference_count = in.u8();
    for (std::uint32_t& reference : stamp.references) reference = in.u32();
    stamp.sent = TimePoint{Duration{static_cast<std::int64_t>(in.u64())}};
    return in.ok() && stamp.reference_count <= 3 ? std::optional{stamp} : std::nullopt;
  }
};

/// Behind a VP8 descriptor there is room for the header of a keyframe, and then the stamp.
inline constexpr std::size_t kVp8HeaderBytes = 10;

}  // namespace zvonok::sim
