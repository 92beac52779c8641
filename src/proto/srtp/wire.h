// Where things lie in SRTP and SRTCP packets, for this folder alone: RFC 3711 sections 3.1 and 3.4, RFC 7714 sections 8
// and 9.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/byte_io.h"
#include "base/bytes.h"
#include "proto/srtp/keys.h"

namespace zvonok::srtp {

constexpr std::size_t kSequenceAt = 2;
constexpr std::size_t kRtpSsrcAt = 8;
constexpr std::size_t kRtcpSsrcAt = 4;
/// What of an RTCP packet is not encrypted.
constexpr std::size_t kRtcpHeaderBytes = 8;
constexpr std::uint64_t kRtpIndexMax = (std::uint64_t{1} << 48) - 1;
constexpr std::uint32_t kRtcpIndexMax = 0x7FFFFFFF;
constexpr std::uint32_t kEncryptedFlag = 0x80000000;
/// No datagram is longer; below the 2^20 bytes that the block counter of AES-CM can tell apart.
constexpr std::size_t kTextBytesMax = 65535;

using RolloverBytes = std::array<std::uint8_t, 4>;
[[nodiscard]] inline RolloverBytes rollover_bytes(std::uint64_t index) {
  RolloverBytes bytes{};
  store_be32(bytes.data(), static_cast<std::uint32_t>(index >> 16));
  return bytes;
}
/// HMAC covers the rollover counter, which isn't sent (RFC 3711 section 4.2). In GCM it is in the nonce.
[[nodiscard]] inline Bytes rtp_trailer(Profile profile, const RolloverBytes& rollover) {
  return is_aead(profile) ? Bytes{} : Bytes{rollover};
}

struct RtcpLayout {
  std::size_t tag_at = 0;
  std::size_t trailer_at = 0;
};
/// `length` is that of the plain packet. GCM's tag belongs to the text and comes before E and index; HMAC's comes last.
[[nodiscard]] constexpr RtcpLayout rtcp_layout(Profile profile, std::size_t length) {
  if (is_aead(profile)) return {.tag_at = length, .trailer_at = length + tag_bytes(profile)};
  return {.tag_at = length + kRtcpTrailerBytes, .trailer_at = length};
}

}  // namespace zvonok::srtp
