// Retransmissions under an SSRC of their own, RFC 4588 section 4: the payload is the original sequence number (OSN) and
// then the original payload.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/byte_io.h"
#include "base/bytes.h"

namespace zvonok::rtp {

constexpr std::size_t kRtxOsnBytes = 2;

struct RtxPayload {
  std::uint16_t original_sequence = 0;
  Bytes payload;
};

/// `payload` is without padding. Nothing when it is shorter than an OSN: a browser probing for bandwidth sends RTX
/// packets of padding alone, which count for congestion control and are not passed on.
[[nodiscard]] inline std::optional<RtxPayload> parse_rtx(Bytes payload) {
  if (payload.size() < kRtxOsnBytes) return std::nullopt;
  return RtxPayload{.original_sequence = load_be16(payload.data()), .payload = payload.subspan(kRtxOsnBytes)};
}

/// What is put in front of the original payload.
[[nodiscard]] constexpr std::array<std::uint8_t, kRtxOsnBytes> encode_osn(std::uint16_t original_sequence) {
  std::array<std::uint8_t, kRtxOsnBytes> osn{};
  store_be16(osn.data(), original_sequence);
  return osn;
}

}  // namespace zvonok::rtp
