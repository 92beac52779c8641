// One function per kind of packet; each gets the bytes behind the common header, without padding.
#include "proto/rtcp/reader.h"

#include <cstdlib>
#include <utility>

#include "proto/rtcp/twcc_chunk.h"

namespace zvonok::rtcp {
namespace {

using Parsed = Result<Packet, ParseError>;

constexpr std::size_t kHeaderBytes = 4;
constexpr std::uint32_t kRembName = 0x52454D42;  // "REMB"

// RFC 4585 section 6.2 and 6.3, RFC 5104 section 4.3, and the drafts.
constexpr std::uint8_t kFormatNack = 1;
constexpr std::uint8_t kFormatTransportFeedback = 15;
constexpr std::uint8_t kFormatPli = 1;
constexpr std::uint8_t kFormatFir = 4;
constexpr std::uint8_t kFormatApplication = 15;
// RFC 3611 sections 4.4 and 4.5.
constexpr std::uint8_t kBlockReferenceTime = 4;
constexpr std::uint8_t kBlockDlrr = 5;

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t count = 0;
  Bytes body;
};

Result<ReportBlocks, ParseError> take_blocks(ByteReader& reader, std::size_t count) {
  const Bytes bytes = reader.take(count * ReportBlock::kBytes);
  if (!reader.ok()) return fail(ParseError::BadCount);
  return ReportBlocks{bytes};
}

Parsed parse_sender_report(const Frame& frame) {
  ByteReader reader{frame.body};
  SenderReport report;
  report.info.sender = Ssrc{reader.u32()};
  report.info.ntp.value = reader.u64();
  report.info.rtp_timestamp = reader.u32();
  report.info.packets = reader.u32();
  report.info.octets = reader.u32();
  const auto blocks = take_blocks(reader, frame.count);
  if (!blocks) return fail(blocks.error());
  report.blocks = *blocks;
  return report;  // what follows is a profile's extension
}

Parsed parse_receiver_report(const Frame& frame) {
  ByteReader reader{frame.body};
  ReceiverReport report;
  report.sender = Ssrc{reader.u32()};
  const auto blocks = take_blocks(reader, frame.count);
  if (!blocks) return fail(blocks.error());
  report.blocks = *blocks;
  return report;
}

Parsed parse_sdes(const Frame& frame) {
  ByteReader reader{frame.body};
  for (unsigned chunk = 0; chunk < frame.count; ++chunk) {
    reader.skip(4);
    std::uint8_t type = reader.u8();
    while (reader.ok() && type != 0) {
      reader.skip(reader.u8());
      type = reader.u8();
    }
    if (!reader.ok()) return fail(ParseError::BadItem);
    const std::size_t used = frame.body.size() - reader.left();
    reader.skip((4 - used % 4) % 4);
    if (!reader.ok()) return fail(ParseError::BadItem);
  }
  return Sdes{.chunks = frame.body.first(frame.body.size() - reader.left()), .chunk_count = frame.count};
}

Parsed parse_bye(const Frame& frame) {
  ByteReader reader{frame.body};
  Bye bye{.ssrcs = Ssrcs{reader.take(frame.count * std::size_t{4})}, .reason = {}};
  if (!reader.empty()) bye.reason = as_text(reader.take(reader.u8()));
  if (!reader.ok()) return fail(ParseError::BadCount);
  return bye;
}

/// Finds where the chunks end and checks that the deltas they ask for are there.
Result<std::size_t, ParseError> measure_chunks(Bytes bytes, std::size_t status_count) {
  ByteReader reader{bytes};
  std::size_t deltas = 0;
  std::size_t left = status_count;
  while (left > 0) {
    const std::uint16_t chunk = reader.u16();
    const unsigned length = twcc::chunk_length(chunk);
    if (!reader.ok() || length == 0) return fail(ParseError::BadStatus);
    const std::size_t used = left < length ? left : length;
    if (!twcc::is_vector(chunk)) {
      const twcc::Symbol symbol = twcc::chunk_symbol(chunk, 0);
      if (symbol == twcc::Symbol::Reserved) return fail(ParseError::BadStatus);
      deltas += used * twcc::delta_bytes(symbol);
    } else {
      for (unsigned i = 0; i < used; ++i) {
        const twcc::Symbol symbol = twcc::chunk_symbol(chunk, i);
        if (symbol == twcc::Symbol::Reserved) return fail(ParseError::BadStatus);
        deltas += twcc::delta_bytes(symbol);
      }
    }
    left -= used;
  }
  if (reader.left() < deltas) return fail(ParseError::BadStatus);
  return bytes.size() - reader.left();
}

Parsed parse_transport_feedback(ByteReader reader, TransportFeedback feedback) {
  feedback.base_sequence = reader.u16();
  feedback.status_count = reader.u16();
  feedback.reference_time = reader.u24();
  feedback.feedback_count = reader.u8();
  if (!reader.ok()) return fail(ParseError::BadCount);
  if (feedback.status_count > kFeedbackStatusesMax) return fail(ParseError::TooManyItems);
  const Bytes rest = reader.rest();
  const auto chunk_bytes = measure_chunks(rest, feedback.status_count);
  if (!chunk_bytes) return fail(chunk_bytes.error());
  feedback.chunks = rest.first(*chunk_bytes);
  feedback.deltas = rest.subspan(*chunk_bytes);
  return feedback;
}

Parsed parse_remb(ByteReader reader, Ssrc sender) {
  const std::uint8_t count = reader.u8();
  const std::uint32_t packed = reader.u24();
  const unsigned exponent = packed >> 18;
  const std::uint64_t mantissa = packed & 0x3'FFFFU;
  // 18 bits shifted by more than 46 would fall off.
  const std::uint64_t bitrate = exponent > 46 ? (mantissa == 0 ? 0 : ~std::uint64_t{0}) : mantissa << exponent;
  const Bytes ssrcs = reader.take(count * std::size_t{4});
  if (!reader.ok()) return fail(ParseError::BadCount);
  return Remb{.sender = sender, .bitrate_bps = bitrate, .ssrcs = Ssrcs{ssrcs}};
}

Parsed parse_feedback(const Frame& frame, PacketType type) {
  ByteReader reader{frame.body};
  const Ssrc sender{reader.u32()};
  const Ssrc media{reader.u32()};
  if (!reader.ok()) return fail(ParseError::BadCount);
  const Bytes rest = reader.rest();
  if (type == PacketType::TransportFeedback) {
    if (frame.count == kFormatNack) {
      if (rest.empty() || rest.size() % 4 != 0) return fail(ParseError::BadCount);
      return Nack{.sender = sender, .media = media, .entries = NackEntries{rest}};
    }
    if (frame.count == kFormatTransportFeedback) {
      TransportFeedback feedback;
      feedback.sender = sender;
      feedback.media = media;
      return parse_transport_feedback(reader, feedback);
    }
  } else {
    if (frame.count == kFormatPli) return Pli{.sender = sender, .media = media};
    if (frame.count == kFormatFir) {
      if (rest.empty() || rest.size() % 8 != 0) return fail(ParseError::BadCount);
      return Fir{.sender = sender, .entries = FirEntries{rest}};
    }
    if (frame.count == kFormatApplication && rest.size() >= 4 && reader.u32() == kRembName) {
      return parse_remb(reader, sender);
    }
  }
  return Unknown{.type = frame.type, .format = frame.count, .body = frame.body};
}

Parsed parse_extended_report(const Frame& frame) {
  ByteReader reader{frame.body};
  ExtendedReport report;
  report.sender = Ssrc{reader.u32()};
  while (reader.ok() && !reader.empty()) {
    const std::uint8_t type = reader.u8();
    reader.skip(1);
    const Bytes block = reader.take(reader.u16() * std::size_t{4});
    if (!reader.ok()) break;
    if (type == kBlockReferenceTime && !report.reference_time) {
      if (block.size() != 8) return fail(ParseError::BadCount);
      report.reference_time = NtpTime{ByteReader{block}.u64()};
    } else if (type == kBlockDlrr && report.dlrr.empty()) {
      if (block.size() % 12 != 0) return fail(ParseError::BadCount);
      report.dlrr = DlrrEntries{block};
    }
  }
  if (!reader.ok()) return fail(ParseError::BadCount);
  return report;
}

Parsed parse(const Frame& frame) {
  const Unknown unknown{.type = frame.type, .format = frame.count, .body = frame.body};
  if (frame.type < std::to_underlying(PacketType::SenderReport) ||
      frame.type > std::to_underlying(PacketType::ExtendedReport)) {
    return unknown;
  }
  switch (PacketType{frame.type}) {
    case PacketType::SenderReport: return parse_sender_report(frame);
    case PacketType::ReceiverReport: return parse_receiver_report(frame);
    case PacketType::SourceDescription: return parse_sdes(frame);
    case PacketType::Goodbye: return parse_bye(frame);
    case PacketType::TransportFeedback:
    case PacketType::PayloadFeedback: return parse_feedback(frame, PacketType{frame.type});
    case PacketType::ExtendedReport: return parse_extended_report(frame);
    case PacketType::Application: return unknown;
  }
  std::abort();
}

/// Takes the first packet off `rest`. Padding is allowed in every packet of a compound, since browsers pad transport
/// feedback wherever it stands.
Result<Frame, ParseError> take_frame(Bytes& rest) {
  ByteReader reader{rest};
  const std::uint8_t first = reader.u8();
  Frame frame;
  frame.type = reader.u8();
  const std::size_t body_bytes = reader.u16() * std::size_t{4};
  if (!reader.ok()) return fail(ParseError::TooShort);
  if (first >> 6 != 2) return fail(ParseError::BadVersion);
  frame.count = first & 0x1F;
  frame.body = reader.take(body_bytes);
  if (!reader.ok()) return fail(ParseError::TooShort);
  if ((first & 0x20) != 0) {
    const std::size_t padding = frame.body.empty() ? 0 : frame.body.back();
    if (padding == 0 || padding > frame.body.size()) return fail(ParseError::BadPadding);
    frame.body = frame.body.first(frame.body.size() - padding);
  }
  rest = reader.rest();
  return frame;
}

}  // namespace

const char* to_text(ParseError error) {
  switch (error) {
    case ParseError::TooShort: return "too_short";
    case ParseError::BadVersion: return "bad_version";
    case ParseError::BadPadding: return "bad_padding";
    case ParseError::BadCount: return "bad_count";
    case ParseError::BadItem: return "bad_item";
    case ParseError::BadStatus: return "bad_status";
    case ParseError::TooManyItems: return "too_many_items";
  }
  std::abort();
}

std::optional<Packet> Reader::next() {
  if (rest_.empty()) return std::nullopt;
  const auto frame = take_frame(rest_);
  auto packet = frame ? parse(*frame) : Parsed{fail(frame.error())};
  if (packet) return *packet;
  error_ = packet.error();
  rest_ = {};
  return std::nullopt;
}

bool looks_like_rtcp(Bytes datagram) {
  return datagram.size() >= kHeaderBytes && datagram[0] >> 6 == 2 && datagram[1] >= 192 && datagram[1] <= 223;
}

}  // namespace zvonok::rtcp
