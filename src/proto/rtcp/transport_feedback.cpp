// Statuses go through a small encoder that holds what does not yet make a chunk and picks the form that covers most:
// a run of equal symbols, fourteen of one bit, or seven of two.
#include "proto/rtcp/transport_feedback.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "base/check.h"
#include "proto/rtcp/twcc_chunk.h"

namespace zvonok::rtcp {
namespace {

using twcc::Symbol;

constexpr std::size_t kFixedBytes = 20;
constexpr std::int64_t kTicksPerReference = kReferenceTimeUnit / kFeedbackTick;

/// Symbols that are not yet in a chunk. Either all the same and up to kRunLengthMax, or mixed and at most 14 without
/// large deltas, or mixed and at most 7.
class PendingChunk {
 public:
  [[nodiscard]] bool takes(Symbol symbol) const {
    if (size_ < twcc::kTwoBitVectorLength) return true;
    if (size_ < twcc::kOneBitVectorLength && !has_large_ && symbol != Symbol::LargeDelta) return true;
    return size_ < twcc::kRunLengthMax && is_run_ && symbols_[0] == symbol;
  }
  /// Only when it takes it.
  void add(Symbol symbol) {
    if (size_ < symbols_.size()) symbols_[size_] = symbol;
    is_run_ = is_run_ && symbols_[0] == symbol;
    has_large_ = has_large_ || symbol == Symbol::LargeDelta;
    ++size_;
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// A full chunk of the oldest; what it does not cover stays.
  std::uint16_t flush_full() {
    if (is_run_) return flush_run();
    if (size_ == twcc::kOneBitVectorLength && !has_large_) return flush_one_bit();
    const std::uint16_t chunk = two_bit();
    PendingChunk rest;
    for (unsigned i = twcc::kTwoBitVectorLength; i < size_; ++i) rest.add(symbols_[i]);
    *this = rest;
    return chunk;
  }
  /// One chunk of all there is.
  std::uint16_t flush_last() {
    if (is_run_) return flush_run();
    if (!has_large_) return flush_one_bit();
    ZVONOK_CHECK(size_ <= twcc::kTwoBitVectorLength);
    const std::uint16_t chunk = two_bit();
    *this = {};
    return chunk;
  }

 private:
  std::uint16_t flush_run() {
    const unsigned symbol = std::to_underlying(symbols_[0]);
    const auto chunk = static_cast<std::uint16_t>((symbol << 13U) | size_);
    *this = {};
    return chunk;
  }
  std::uint16_t flush_one_bit() {
    unsigned chunk = 0x8000;
    for (unsigned i = 0; i < size_; ++i) {
      chunk |= unsigned{std::to_underlying(symbols_[i])} << (twcc::kOneBitVectorLength - 1 - i);
    }
    *this = {};
    return static_cast<std::uint16_t>(chunk);
  }
  [[nodiscard]] std::uint16_t two_bit() const {
    unsigned chunk = 0xC000;
    for (unsigned i = 0; i < std::min(size_, twcc::kTwoBitVectorLength); ++i) {
      chunk |= unsigned{std::to_underlying(symbols_[i])} << (2 * (twcc::kTwoBitVectorLength - 1 - i));
    }
    return static_cast<std::uint16_t>(chunk);
  }

  std::array<Symbol, twcc::kOneBitVectorLength> symbols_{};
  unsigned size_ = 0;
  bool is_run_ = true;
  bool has_large_ = false;
};

/// Chunks and deltas of one packet. Cheap to step back from: `mark` before an arrival, `restore` when it did not fit.
class Body {
 public:
  explicit Body(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  struct Mark {
    PendingChunk pending;
    std::size_t chunk_bytes = 0;
    std::size_t delta_bytes = 0;
  };
  [[nodiscard]] Mark mark() const { return {pending_, chunk_bytes_, delta_bytes_}; }
  void restore(const Mark& mark) {
    pending_ = mark.pending;
    chunk_bytes_ = mark.chunk_bytes;
    delta_bytes_ = mark.delta_bytes;
  }

  /// False: it does not fit, and the body is good only for `restore`.
  [[nodiscard]] bool add_lost(std::uint64_t count) {
    for (; count > 0; --count) {
      if (!add(Symbol::Lost)) return false;
    }
    return true;
  }
  [[nodiscard]] bool add_received(std::int64_t delta_ticks) {
    const bool is_small = delta_ticks >= 0 && delta_ticks <= std::numeric_limits<std::uint8_t>::max();
    const Symbol symbol = is_small ? Symbol::SmallDelta : Symbol::LargeDelta;
    if (!add(symbol) || size() + twcc::delta_bytes(symbol) > bytes_max_) return false;
    if (is_small) {
      deltas_[delta_bytes_] = static_cast<std::uint8_t>(delta_ticks);
    } else {
      store_be16(&deltas_[delta_bytes_], static_cast<std::uint16_t>(delta_ticks));
    }
    delta_bytes_ += twcc::delta_bytes(symbol);
    return true;
  }
  /// With the chunk that is still open.
  [[nodiscard]] std::size_t size() const { return chunk_bytes_ + (pending_.empty() ? 0 : 2) + delta_bytes_; }

  void write(ByteWriter& writer) {
    if (!pending_.empty()) put(pending_.flush_last());
    writer.append(Bytes{chunks_}.first(chunk_bytes_));
    writer.append(Bytes{deltas_}.first(delta_bytes_));
  }

 private:
  [[nodiscard]] bool add(Symbol symbol) {
    while (!pending_.takes(symbol)) {
      if (size() + 2 > bytes_max_) return false;
      put(pending_.flush_full());
    }
    pending_.add(symbol);
    return size() <= bytes_max_;
  }
  void put(std::uint16_t chunk) {
    store_be16(&chunks_[chunk_bytes_], chunk);
    chunk_bytes_ += 2;
  }

  std::size_t bytes_max_;
  PendingChunk pending_;
  std::array<std::uint8_t, kFeedbackBytesMax> chunks_;
  std::array<std::uint8_t, kFeedbackBytesMax> deltas_;
  std::size_t chunk_bytes_ = 0;
  std::size_t delta_bytes_ = 0;
};

std::int64_t ticks_of(TimePoint time) {
  using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 4000>>;
  static_assert(Ticks{1} == kFeedbackTick);
  return std::chrono::floor<Ticks>(time.time_since_epoch()).count();
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

void write_packet(ByteWriter& writer, const FeedbackRequest& request, Body& body, std::uint64_t base,
                  std::uint64_t status_count, std::int64_t reference) {
  const std::size_t unpadded = kFixedBytes + body.size();
  const std::size_t padding = (4 - unpadded % 4) % 4;
  writer.u8(padding == 0 ? 0x8F : 0xAF);
  writer.u8(std::to_underlying(PacketType::TransportFeedback));
  writer.u16(static_cast<std::uint16_t>((unpadded + padding) / 4 - 1));
  writer.u32(std::to_underlying(request.source.sender));
  writer.u32(std::to_underlying(request.source.media));
  writer.u16(static_cast<std::uint16_t>(base));
  writer.u16(static_cast<std::uint16_t>(status_count));
  writer.u24(static_cast<std::uint32_t>(reference & 0xFF'FFFF));
  writer.u8(request.feedback_count);
  body.write(writer);
  if (padding == 0) return;
  writer.fill(padding - 1, 0);
  writer.u8(static_cast<std::uint8_t>(padding));
}

}  // namespace

std::size_t write_transport_feedback(ByteWriter& writer, const FeedbackRequest& request,
                                     std::span<const PacketArrival> arrivals) {
  const std::size_t bytes_max = std::min({request.bytes_max, kFeedbackBytesMax, writer.left()}) / 4 * 4;
  if (arrivals.empty() || bytes_max < kFixedBytes + 4) return 0;
  ZVONOK_CHECK(arrivals.front().sequence >= request.first_sequence);
  Body body{bytes_max - kFixedBytes};
  const std::int64_t reference = floor_divide(ticks_of(arrivals.front().arrival), kTicksPerReference);
  std::uint64_t base = request.first_sequence;
  if (arrivals.front().sequence - base >= kFeedbackStatusesMax) {
    base = arrivals.front().sequence - (kFeedbackStatusesMax - 1);
  }

  std::uint64_t next = base;
  std::int64_t at = reference * kTicksPerReference;
  std::size_t covered = 0;
  for (const PacketArrival& packet : arrivals) {
    ZVONOK_CHECK(packet.sequence >= next);
    const std::int64_t delta = ticks_of(packet.arrival) - at;
    if (packet.sequence - base >= kFeedbackStatusesMax) break;
    if (delta < std::numeric_limits<std::int16_t>::min() || delta > std::numeric_limits<std::int16_t>::max()) break;
    const Body::Mark mark = body.mark();
    if (!body.add_lost(packet.sequence - next) || !body.add_received(delta)) {
      body.restore(mark);
      break;
    }
    next = packet.sequence + 1;
    at += delta;
    ++covered;
  }
  if (covered > 0) write_packet(writer, request, body, base, next - base, reference);
  return covered;
}

}  // namespace zvonok::rtcp
