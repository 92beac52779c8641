// Numbers of any count of bits, high bit first, as codec headers hold them. Bounds are checked as in base/byte_io.h.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace zvonok::media {

/// The first read past the end makes `ok` false for good; it and all later reads give 0.
class BitReader {
 public:
  constexpr explicit BitReader(Bytes bytes) : bytes_{bytes} {}

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  /// Bits read so far.
  [[nodiscard]] constexpr std::size_t position() const { return position_; }
  [[nodiscard]] constexpr std::size_t left() const { return bytes_.size() * 8 - position_; }

  /// `count` is at most 32.
  constexpr std::uint32_t bits(unsigned count) {
    if (count > left()) {
      ok_ = false;
      position_ = bytes_.size() * 8;
    }
    if (!ok_) return 0;
    std::uint64_t value = 0;
    while (count > 0) {
      const unsigned offset = position_ % 8;
      const unsigned taken = std::min(8 - offset, count);
      const unsigned byte = bytes_[position_ / 8];
      value = (value << taken) | ((byte >> (8 - offset - taken)) & ((1U << taken) - 1));
      position_ += taken;
      count -= taken;
    }
    return static_cast<std::uint32_t>(value);
  }
  constexpr bool flag() { return bits(1) != 0; }

  /// A number below `values`, by the dependency descriptor's ns(n). `values` is 1 or more.
  constexpr std::uint32_t non_symmetric(std::uint32_t values) {
    const auto width = static_cast<unsigned>(std::bit_width(values));
    const std::uint32_t short_ones = (1U << width) - values;
    const std::uint32_t value = bits(width - 1);
    if (value < short_ones) return value;
    return (value << 1) - short_ones + bits(1);
  }
  /// H.264 section 9.1: unsigned and signed Exp-Golomb codes. Codes longer than 32 bits fail.
  constexpr std::uint32_t unsigned_golomb() {
    unsigned zeros = 0;
    while (ok_ && zeros < 32 && bits(1) == 0) ++zeros;
    if (zeros >= 32) ok_ = false;
    return ok_ ? (1U << zeros) - 1 + bits(zeros) : 0;
  }
  constexpr std::int32_t signed_golomb() {
    const std::uint32_t code = unsigned_golomb();
    const auto magnitude = static_cast<std::int32_t>(code / 2 + code % 2);
    return code % 2 == 1 ? magnitude : -magnitude;
  }

 private:
  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

/// The first write that does not fit makes `ok` false for good. The last byte is filled up with zeros.
class BitWriter {
 public:
  constexpr explicit BitWriter(MutableBytes buffer) : buffer_{buffer} {}

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  [[nodiscard]] constexpr std::size_t size_bytes() const { return (position_ + 7) / 8; }

  /// `count` is at most 32.
  constexpr void bits(std::uint32_t value, unsigned count) {
    if (count > buffer_.size() * 8 - position_) ok_ = false;
    if (!ok_) return;
    for (; count > 0; --count, ++position_) {
      std::uint8_t& byte = buffer_[position_ / 8];
      if (position_ % 8 == 0) byte = 0;
      byte = static_cast<std::uint8_t>(byte | (((value >> (count - 1)) & 1U) << (7 - position_ % 8)));
    }
  }
  /// The next `count` bits of `from`.
  constexpr void copy(BitReader& from, std::size_t count) {
    while (count > 0) {
      const auto part = static_cast<unsigned>(std::min<std::size_t>(count, 32));
      bits(from.bits(part), part);
      count -= part;
    }
  }

 private:
  MutableBytes buffer_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace zvonok::media
