// Sizes are known before the first byte is written, so that a packet is there whole or not at all.
#include "proto/rtcp/writer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "base/sequence.h"

namespace zvonok::rtcp {
namespace {

constexpr std::size_t kTextMax = 255;
constexpr std::size_t kSenderInfoBytes = 24;
constexpr std::uint8_t kSdesCname = 1;
constexpr std::uint32_t kRembName = 0x52454D42;  // "REMB"

/// `bytes` is the size of the whole packet, a multiple of four.
void write_header(ByteWriter& writer, PacketType type, std::size_t count, std::size_t bytes) {
  ZVONOK_CHECK(count <= kCountMax && bytes % 4 == 0 && bytes <= 4 * std::size_t{0x10000});
  writer.u8(static_cast<std::uint8_t>(0x80U | count));
  writer.u8(std::to_underlying(type));
  writer.u16(static_cast<std::uint16_t>(bytes / 4 - 1));
}

void write_ssrc(ByteWriter& writer, Ssrc ssrc) {
  writer.u32(std::to_underlying(ssrc));
}

void write_block(ByteWriter& writer, const ReportBlock& block) {
  write_ssrc(writer, block.ssrc);
  writer.u8(block.fraction_lost);
  const std::int32_t lost = std::clamp(block.cumulative_lost, -0x80'0000, 0x7F'FFFF);
  writer.u24(static_cast<std::uint32_t>(lost) & 0xFF'FFFFU);
  writer.u32(block.highest_sequence);
  writer.u32(block.jitter);
  writer.u32(block.last_sender_report);
  writer.u32(block.delay_since_last);
}

/// Receiver reports for `blocks`; at least one when there are none.
std::size_t receiver_reports_bytes(std::size_t blocks) {
  const std::size_t reports = std::max<std::size_t>(1, (blocks + kCountMax - 1) / kCountMax);
  return reports * 8 + blocks * ReportBlock::kBytes;
}

void write_receiver_reports(ByteWriter& writer, Ssrc sender, std::span<const ReportBlock> blocks) {
  do {
    const auto part = blocks.first(std::min(blocks.size(), kCountMax));
    blocks = blocks.subspan(part.size());
    write_header(writer, PacketType::ReceiverReport, part.size(), 8 + part.size() * ReportBlock::kBytes);
    write_ssrc(writer, sender);
    for (const ReportBlock& block : part) write_block(writer, block);
  } while (!blocks.empty());
}

constexpr std::size_t padded(std::size_t bytes) {
  return (bytes + 3) / 4 * 4;
}

}  // namespace

Written write_sender_report(ByteWriter& writer, const SenderInfo& info, std::span<const ReportBlock> blocks) {
  const auto own = blocks.first(std::min(blocks.size(), kCountMax));
  const auto others = blocks.subspan(own.size());
  const std::size_t bytes = 4 + kSenderInfoBytes + own.size() * ReportBlock::kBytes;
  const std::size_t others_bytes = others.empty() ? 0 : receiver_reports_bytes(others.size());
  if (writer.left() < bytes + others_bytes) return Written::NoRoom;
  write_header(writer, PacketType::SenderReport, own.size(), bytes);
  write_ssrc(writer, info.sender);
  writer.u64(info.ntp.value);
  writer.u32(info.rtp_timestamp);
  writer.u32(info.packets);
  writer.u32(info.octets);
  for (const ReportBlock& block : own) write_block(writer, block);
  if (!others.empty()) write_receiver_reports(writer, info.sender, others);
  return Written::Yes;
}

Written write_receiver_report(ByteWriter& writer, Ssrc sender, std::span<const ReportBlock> blocks) {
  if (writer.left() < receiver_reports_bytes(blocks.size())) return Written::NoRoom;
  write_receiver_reports(writer, sender, blocks);
  return Written::Yes;
}

Written write_cname(ByteWriter& writer, const Cname& cname) {
  const std::string_view name = cname.name.substr(0, kTextMax);
  const std::size_t item_bytes = 4 + 2 + name.size();
  const std::size_t chunk_bytes = padded(item_bytes + 1);  // at least one null ends the items
  if (writer.left() < 4 + chunk_bytes) return Written::NoRoom;
  write_header(writer, PacketType::SourceDescription, 1, 4 + chunk_bytes);
  write_ssrc(writer, cname.ssrc);
  writer.u8(kSdesCname);
  writer.u8(static_cast<std::uint8_t>(name.size()));
  writer.append(as_bytes(name));
  writer.fill(chunk_bytes - item_bytes, 0);
  return Written::Yes;
}

Written write_bye(ByteWriter& writer, std::span<const Ssrc> ssrcs, std::string_view reason) {
  ssrcs = ssrcs.first(std::min(ssrcs.size(), kCountMax));
  reason = reason.substr(0, kTextMax);
  const std::size_t reason_bytes = reason.empty() ? 0 : padded(1 + reason.size());
  const std::size_t bytes = 4 + 4 * ssrcs.size() + reason_bytes;
  if (writer.left() < bytes) return Written::NoRoom;
  write_header(writer, PacketType::Goodbye, ssrcs.size(), bytes);
  for (const Ssrc ssrc : ssrcs) write_ssrc(writer, ssrc);
  if (reason.empty()) return Written::Yes;
  writer.u8(static_cast<std::uint8_t>(reason.size()));
  writer.append(as_bytes(reason));
  writer.fill(reason_bytes - 1 - reason.size(), 0);
  return Written::Yes;
}

std::size_t write_nack(ByteWriter& writer, const FeedbackSource& source, std::span<const std::uint16_t> lost) {
  constexpr std::size_t kFixedBytes = 12;
  if (lost.empty() || writer.left() < kFixedBytes + 4) return 0;
  const std::size_t start = writer.size();
  write_header(writer, PacketType::TransportFeedback, 1, kFixedBytes);  // its length comes last
  write_ssrc(writer, source.sender);
  write_ssrc(writer, source.media);
  std::size_t done = 0;
  constexpr std::size_t kPacketBytesMax = 4 * std::size_t{0x10000};
  while (done < lost.size() && writer.left() >= 4 && writer.size() - start < kPacketBytesMax) {
    const std::uint16_t packet_id = lost[done++];
    std::uint16_t mask = 0;
    for (; done < lost.size(); ++done) {
      const int ahead = sequence_distance(packet_id, lost[done]);
      if (ahead < 0 || ahead > 16) break;
      if (ahead > 0) mask = static_cast<std::uint16_t>(mask | (1U << (ahead - 1)));
    }
    writer.u16(packet_id);
    writer.u16(mask);
  }
  const MutableBytes packet = writer.written().subspan(start);
  store_be16(packet.data() + 2, static_cast<std::uint16_t>(packet.size() / 4 - 1));
  return done;
}

Written write_pli(ByteWriter& writer, const FeedbackSource& source) {
  if (writer.left() < 12) return Written::NoRoom;
  write_header(writer, PacketType::PayloadFeedback, 1, 12);
  write_ssrc(writer, source.sender);
  write_ssrc(writer, source.media);
  return Written::Yes;
}

Written write_fir(ByteWriter& writer, Ssrc sender, std::span<const FirEntry> entries) {
  const std::size_t bytes = 12 + 8 * entries.size();
  if (writer.left() < bytes) return Written::NoRoom;
  write_header(writer, PacketType::PayloadFeedback, 4, bytes);
  write_ssrc(writer, sender);
  write_ssrc(writer, Ssrc{0});
  for (const FirEntry& entry : entries) {
    write_ssrc(writer, entry.ssrc);
    writer.u8(entry.sequence);
    writer.u24(0);
  }
  return Written::Yes;
}

Written write_remb(ByteWriter& writer, Ssrc sender, std::uint64_t bitrate_bps, std::span<const Ssrc> ssrcs) {
  constexpr unsigned kMantissaBits = 18;
  ssrcs = ssrcs.first(std::min<std::size_t>(ssrcs.size(), 255));
  const std::size_t bytes = 20 + 4 * ssrcs.size();
  if (writer.left() < bytes) return Written::NoRoom;
  write_header(writer, PacketType::PayloadFeedback, 15, bytes);
  write_ssrc(writer, sender);
  write_ssrc(writer, Ssrc{0});
  writer.u32(kRembName);
  writer.u8(static_cast<std::uint8_t>(ssrcs.size()));
  const auto width = static_cast<unsigned>(std::bit_width(bitrate_bps));
  const unsigned exponent = width > kMantissaBits ? width - kMantissaBits : 0;
  writer.u24((exponent << kMantissaBits) | static_cast<std::uint32_t>(bitrate_bps >> exponent));
  for (const Ssrc ssrc : ssrcs) write_ssrc(writer, ssrc);
  return Written::Yes;
}

}  // namespace zvonok::rtcp
