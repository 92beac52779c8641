// The views that walk over lists of unequal records. The reader has checked them; where bytes could still surprise, the
// walk ends early.
#include "proto/rtcp/packet.h"

#include <bit>

#include "proto/rtcp/twcc_chunk.h"

namespace zvonok::rtcp {
namespace {

constexpr std::uint8_t kSdesEnd = 0;
constexpr std::uint8_t kSdesCname = 1;

}  // namespace

ReportBlock ReportBlock::decode(Bytes bytes) {
  ByteReader reader{bytes};
  ReportBlock block;
  block.ssrc = Ssrc{reader.u32()};
  block.fraction_lost = reader.u8();
  const std::uint32_t lost = reader.u24();
  block.cumulative_lost = static_cast<std::int32_t>(lost << 8) >> 8;
  block.highest_sequence = reader.u32();
  block.jitter = reader.u32();
  block.last_sender_report = reader.u32();
  block.delay_since_last = reader.u32();
  return block;
}

std::optional<Cname> CnameReader::next() {
  while (rest_.size() >= 8) {
    ByteReader reader{rest_};
    Cname found{.ssrc = Ssrc{reader.u32()}, .name = {}};
    bool has_name = false;
    while (reader.ok() && !reader.empty()) {
      const std::uint8_t type = reader.u8();
      if (type == kSdesEnd) break;
      const Bytes text = reader.take(reader.u8());
      if (type == kSdesCname && !has_name) {
        found.name = as_text(text);
        has_name = true;
      }
    }
    if (!reader.ok()) break;
    // A chunk ends at a multiple of four bytes.
    reader.skip((rest_.size() - reader.left()) % 4 == 0 ? 0 : 4 - (rest_.size() - reader.left()) % 4);
    rest_ = reader.rest();
    if (has_name) return found;
  }
  rest_ = {};
  return std::nullopt;
}

std::optional<std::uint16_t> LostReader::next() {
  if (mask_ == 0) {
    if (next_ == end_) return std::nullopt;
    const NackEntry entry = *next_;
    ++next_;
    base_ = entry.packet_id;
    mask_ = (std::uint32_t{entry.following_mask} << 1) | 1U;
  }
  const int index = std::countr_zero(mask_);
  mask_ &= mask_ - 1;
  return static_cast<std::uint16_t>(base_ + index);
}

StatusReader::StatusReader(const Layout& layout)
    : chunks_{layout.chunks},
      deltas_{layout.deltas},
      sequence_{layout.base_sequence},
      left_{layout.status_count},
      arrival_{layout.reference} {}

std::optional<PacketStatus> StatusReader::next() {
  if (left_ == 0) return std::nullopt;
  if (chunk_left_ == 0) {
    chunk_ = chunks_.u16();
    chunk_left_ = twcc::chunk_length(chunk_);
    if (!chunks_.ok() || chunk_left_ == 0) {
      left_ = 0;
      return std::nullopt;
    }
  }
  const auto symbol = twcc::chunk_symbol(chunk_, twcc::chunk_length(chunk_) - chunk_left_);
  --chunk_left_;
  --left_;
  PacketStatus status{.sequence = sequence_++, .fate = PacketStatus::Fate::Lost, .delta = {}, .arrival = {}};
  if (symbol == twcc::Symbol::SmallDelta) {
    status.delta = deltas_.u8() * kFeedbackTick;
  } else if (symbol == twcc::Symbol::LargeDelta) {
    status.delta = static_cast<std::int16_t>(deltas_.u16()) * kFeedbackTick;
  } else {
    return status;
  }
  arrival_ += status.delta;
  status.fate = PacketStatus::Fate::Received;
  status.arrival = arrival_;
  return status;
}

Duration ReferenceTimeExtender::update(std::uint32_t reference_time) {
  constexpr std::int64_t kWrap = std::int64_t{1} << 24;
  const auto wire = static_cast<std::int64_t>(reference_time & 0xFF'FFFFU);
  if (!last_) {
    last_ = wire;
    return Duration::zero();
  }
  const std::int64_t ahead = ((wire - *last_) % kWrap + kWrap + kWrap / 2) % kWrap - kWrap / 2;
  const std::int64_t extended = *last_ + ahead;
  if (extended > *last_) last_ = extended;
  return (extended - wire) * kReferenceTimeUnit;
}

}  // namespace zvonok::rtcp
