#include "proto/srtp/sender.h"

#include <array>
#include <functional>

#include "base/byte_io.h"
#include "proto/rtp/packet.h"
#include "proto/srtp/wire.h"

namespace zvonok::srtp {
namespace {

/// Nothing, elsewhere, or at `place` exactly: OpenSSL encrypts no other overlap rightly.
bool lies_well(Bytes text, const std::uint8_t* place, Bytes buffer) {
  if (text.empty() || text.data() == place) return true;
  const std::less_equal<const std::uint8_t*> before;
  return before(text.data() + text.size(), buffer.data()) || before(buffer.data() + buffer.size(), text.data());
}

}  // namespace

Sender::Sender(Profile profile, const MasterKey& master) : Sender{profile, derive_session_keys(profile, master)} {}

Sender::Sender(Profile profile, const SessionKeys& keys)
    : profile_{profile},
      tag_bytes_{tag_bytes(profile)},
      rtp_{profile, Direction::Seal, keys.rtp},
      rtcp_{profile, Direction::Seal, keys.rtcp} {}

std::size_t Sender::seal_rtp(std::uint64_t extended_sequence, rtp::Ssrc ssrc, MutableBytes buffer,
                             std::size_t header_length, Bytes prefix, Bytes rest) {
  if (extended_sequence > kRtpIndexMax || header_length < rtp::kFixedHeaderBytes || header_length > buffer.size() ||
      prefix.size() > kTextBytesMax || rest.size() > kTextBytesMax) {
    return 0;
  }
  const std::size_t text = header_length + prefix.size() + rest.size();
  if (text + tag_bytes_ > buffer.size()) return 0;
  if (load_be16(buffer.data() + kSequenceAt) != static_cast<std::uint16_t>(extended_sequence) ||
      rtp::Ssrc{load_be32(buffer.data() + kRtpSsrcAt)} != ssrc) {
    return 0;
  }
  const std::uint8_t* const place = buffer.data() + header_length;
  if (!lies_well(prefix, place, buffer) || !lies_well(rest, place + prefix.size(), buffer)) return 0;
  const auto rollover = rollover_bytes(extended_sequence);
  const bool sealed = rtp_.seal({.ssrc = ssrc, .index = extended_sequence}, buffer.first(text), header_length, prefix,
                                rest, rtp_trailer(profile_, rollover), buffer.subspan(text, tag_bytes_));
  return sealed ? text + tag_bytes_ : 0;
}

std::size_t Sender::seal_rtcp(MutableBytes buffer, std::size_t length) {
  if (length < kRtcpHeaderBytes || length > kTextBytesMax || length > buffer.size() ||
      buffer.size() - length < rtcp_overhead() || rtcp_index_ > kRtcpIndexMax) {
    return 0;
  }
  const PacketId id{.ssrc = rtp::Ssrc{load_be32(buffer.data() + kRtcpSsrcAt)}, .index = rtcp_index_};
  const RtcpLayout layout = rtcp_layout(profile_, length);
  std::array<std::uint8_t, kRtcpTrailerBytes> trailer{};
  store_be32(trailer.data(), kEncryptedFlag | rtcp_index_);
  ++rtcp_index_;  // even if OpenSSL fails below: spent is spent
  const Bytes text = Bytes{buffer}.subspan(kRtcpHeaderBytes, length - kRtcpHeaderBytes);
  if (!rtcp_.seal(id, buffer.first(length), kRtcpHeaderBytes, {}, text, trailer,
                  buffer.subspan(layout.tag_at, tag_bytes_))) {
    return 0;
  }
  copy_bytes(trailer, buffer.subspan(layout.trailer_at));
  return length + rtcp_overhead();
}

}  // namespace zvonok::srtp
