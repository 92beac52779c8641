// Packets of any codec that a phone call may use, as linear samples at 8 kHz. Whose packets are late, lost or in which
// order is somebody else's: see jitter_buffer.h.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "media/codec/codec.h"
#include "media/phone/concealer.h"
#include "media/phone/opus_codec.h"

namespace zvonok::media::phone {

class SpeechDecoder {
 public:
  static constexpr std::size_t kSamplesMax = kOpusSamplesMax;

  /// Samples that a packet holds; nothing when it is not one of G.711 or Opus, or holds too many.
  [[nodiscard]] static std::optional<std::size_t> samples_of(Codec codec, Bytes payload);
  /// How many of `out`, which has room for kSamplesMax, were written; nothing when it can't be decoded.
  [[nodiscard]] std::optional<std::size_t> decode(Codec codec, Bytes payload, std::span<std::int16_t> out);
  /// Makes up what is missing. `next`: the packet behind it, of that codec, if it is there; only Opus knows something
  /// of it.
  void conceal(Codec codec, Bytes next, std::span<std::int16_t> out);

 private:
  [[nodiscard]] OpusDecoder& opus();
  Concealer concealer_;
  std::optional<OpusDecoder> opus_;
};

}  // namespace zvonok::media::phone
