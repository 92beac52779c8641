// Writes RTCP packets, one behind the other, into a buffer that becomes one datagram (RFC 3550, 4585, 5104; the REMB
// draft). Every function writes a whole packet or, when it does not fit, nothing at all.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/byte_io.h"
#include "proto/rtcp/packet.h"

namespace zvonok::rtcp {

enum class [[nodiscard]] Written : std::uint8_t { Yes, NoRoom };

/// Blocks past the 31st go into receiver reports behind it (RFC 3550 section 6.4.1).
Written write_sender_report(ByteWriter& writer, const SenderInfo& info, std::span<const ReportBlock> blocks);
/// Blocks past the 31st go into further receiver reports. None at all is fine: an empty report.
Written write_receiver_report(ByteWriter& writer, Ssrc sender, std::span<const ReportBlock> blocks);
/// A name longer than 255 bytes is cut.
Written write_cname(ByteWriter& writer, const Cname& cname);
/// At most 31 sources; a reason longer than 255 bytes is cut, an empty one left out.
Written write_bye(ByteWriter& writer, std::span<const Ssrc> ssrcs, std::string_view reason);

/// Who speaks of whose stream.
struct FeedbackSource {
  Ssrc sender{};
  Ssrc media{};
};
/// `lost` is in sending order (so 65535 may stand before 0). Returns how many of it were written; less than all when
/// the buffer is full, and then the rest may go into another datagram.
[[nodiscard]] std::size_t write_nack(ByteWriter& writer, const FeedbackSource& source,
                                     std::span<const std::uint16_t> lost);
Written write_pli(ByteWriter& writer, const FeedbackSource& source);
/// The media source of the header stays 0 (RFC 5104 section 4.3.1.2).
Written write_fir(ByteWriter& writer, Ssrc sender, std::span<const FirEntry> entries);
/// The bitrate is rounded down to what 18 bits and an exponent can say. At most 255 sources.
Written write_remb(ByteWriter& writer, Ssrc sender, std::uint64_t bitrate_bps, std::span<const Ssrc> ssrcs);

}  // namespace zvonok::rtcp
