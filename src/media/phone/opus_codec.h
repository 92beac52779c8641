// Opus (RFC 6716) at the sample rate of telephones, by libopus, which is kept out of every other file. Pure: memory and
// arithmetic.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"

namespace zvonok::media::phone {

/// 120 ms, the longest that a packet can hold.
inline constexpr std::size_t kOpusSamplesMax = 960;

/// Samples, at 8 kHz, that a packet holds; nothing when it is none.
[[nodiscard]] std::optional<std::size_t> opus_samples(Bytes packet);

class OpusDecoder {
 public:
  OpusDecoder();
  OpusDecoder(OpusDecoder&&) noexcept;
  OpusDecoder& operator=(OpusDecoder&&) noexcept;
  ~OpusDecoder();

  /// How many of `out`, which has room for kOpusSamplesMax, were written; nothing when the packet can't be decoded.
  [[nodiscard]] std::optional<std::size_t> decode(Bytes packet, std::span<std::int16_t> out);
  /// What the packet before `next` held, as far as `next` says (in-band FEC) or as it can be guessed; `next` may be
  /// empty. `out` is as long as what is missing, a multiple of 2.5 ms.
  void conceal(Bytes next, std::span<std::int16_t> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class OpusEncoder {
 public:
  static constexpr std::size_t kBytesMax = 400;

  OpusEncoder();
  OpusEncoder(OpusEncoder&&) noexcept;
  OpusEncoder& operator=(OpusEncoder&&) noexcept;
  ~OpusEncoder();

  /// One frame of 20 ms. What was written of `out`, which has room for kBytesMax.
  [[nodiscard]] std::size_t encode(std::span<const std::int16_t> frame, MutableBytes out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zvonok::media::phone
