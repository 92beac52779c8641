// What a datagram on the media port is, by its first bytes: RFC 7983 section 7 and RFC 5761 section 4. Only a sorting:
// nothing is believed of the datagram yet.
#pragma once
#include <cstdint>

#include "base/bytes.h"

namespace zvonok::rtp {

enum class PacketKind : std::uint8_t { Stun, Dtls, Rtp, Rtcp, TurnChannel, Unknown };

/// RFC 5761 section 4: RTCP's packet types are 192 to 223, where no RTP payload type with its marker bit may fall (so
/// payload types 64 to 95 must never be given out). `datagram` is RTP or RTCP.
[[nodiscard]] constexpr bool is_rtcp(Bytes datagram) {
  return datagram.size() >= 2 && datagram[1] >= 192 && datagram[1] <= 223;
}

/// Empty datagrams, ZRTP (16 to 19), QUIC and one lone byte of RTP are Unknown.
[[nodiscard]] constexpr PacketKind classify(Bytes datagram) {
  if (datagram.empty()) return PacketKind::Unknown;
  const std::uint8_t first = datagram.front();
  if (first <= 3) return PacketKind::Stun;
  if (first >= 20 && first <= 63) return PacketKind::Dtls;
  if (first >= 64 && first <= 79) return PacketKind::TurnChannel;
  if (first >= 128 && first <= 191 && datagram.size() >= 2) {
    return is_rtcp(datagram) ? PacketKind::Rtcp : PacketKind::Rtp;
  }
  return PacketKind::Unknown;
}

}  // namespace zvonok::rtp
