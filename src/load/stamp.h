// What the payloads of a load test carry, so that whoever decrypts one knows whose it is, which of how many, when it
// left, and whether every byte of it came through.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/byte_io.h"
#include "base/time.h"

namespace zvonok::load {

/// Stands at the end of the payload: servers may write anew what stands at its beginning, such as VP8's picture ids.
struct Stamp {
  std::uint32_t room = 0;
  std::uint32_t track = 0;   // of the whole run
  std::uint64_t number = 0;  // of the packet, from 0 on, without gaps
  TimePoint sent{};
  friend bool operator==(const Stamp&, const Stamp&) = default;

  static constexpr std::uint32_t kMagic = 0x5A564C44;
  static constexpr std::size_t kBytes = 4 + 4 + 4 + 8 + 8;
};

/// The first bytes of a payload, which are not checked: a descriptor that may be rewritten (and grow or shrink by a few
/// bytes), and a frame's header.
inline constexpr std::size_t kPayloadHeadBytes = 20;
/// The shortest payload that can be stamped.
inline constexpr std::size_t kPayloadBytesMin = kPayloadHeadBytes + Stamp::kBytes;

[[nodiscard]] constexpr std::uint8_t filler_of(const Stamp& stamp) {
  return static_cast<std::uint8_t>(stamp.track * 31 + stamp.number);
}

/// Fills everything behind the head. `payload` has kPayloadBytesMin at least.
inline void write_stamp(MutableBytes payload, const Stamp& stamp) {
  const std::size_t body = payload.size() - Stamp::kBytes;
  std::ranges::fill(payload.first(body).subspan(kPayloadHeadBytes), filler_of(stamp));
  ByteWriter out{payload.subspan(body)};
  out.u32(Stamp::kMagic);
  out.u32(stamp.room);
  out.u32(stamp.track);
  out.u64(stamp.number);
  out.u64(static_cast<std::uint64_t>(stamp.sent.time_since_epoch().count()));
}

/// Nothing when the payload is none of ours, or a byte behind its head is wrong.
[[nodiscard]] inline std::optional<Stamp> read_stamp(Bytes payload) {
  if (payload.size() < Stamp::kBytes) return std::nullopt;
  const std::size_t body = payload.size() - Stamp::kBytes;
  ByteReader in{payload.subspan(body)};
  if (in.u32() != Stamp::kMagic) return std::nullopt;
  Stamp stamp;
  stamp.room = in.u32();
  stamp.track = in.u32();
  stamp.number = in.u64();
  stamp.sent = TimePoint{Duration{static_cast<std::int64_t>(in.u64())}};
  const Bytes filled = payload.first(body).subspan(std::min(body, kPayloadHeadBytes));
  const std::uint8_t filler = filler_of(stamp);
  if (std::ranges::any_of(filled, [&](std::uint8_t byte) { return byte != filler; })) return std::nullopt;
  return stamp;
}

}  // namespace zvonok::load
