// Reading and writing numbers in network byte order, with every bound checked. Parsers of outside bytes use these and
// no pointer arithmetic of their own.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace zvonok {

// The four below trust their caller: `from` and `to` must hold that many bytes.
[[nodiscard]] constexpr std::uint16_t load_be16(const std::uint8_t* from) {
  return static_cast<std::uint16_t>((from[0] << 8) | from[1]);
}
[[nodiscard]] constexpr std::uint32_t load_be32(const std::uint8_t* from) {
  return (std::uint32_t{load_be16(from)} << 16) | load_be16(from + 2);
}
constexpr void store_be16(std::uint8_t* to, std::uint16_t value) {
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[1] = static_cast<std::uint8_t>(value);
}
constexpr void store_be32(std::uint8_t* to, std::uint32_t value) {
  store_be16(to, static_cast<std::uint16_t>(value >> 16));
  store_be16(to + 2, static_cast<std::uint16_t>(value));
}

/// Reads from the front of a view. The first read past its end makes `ok` false for good; that read and all later ones
/// give zeros and empty views. So a parser may read a whole header and ask once.
class ByteReader {
 public:
  constexpr explicit ByteReader(Bytes bytes) : rest_{bytes} {}

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  [[nodiscard]] constexpr std::size_t left() const { return rest_.size(); }
  [[nodiscard]] constexpr bool empty() const { return rest_.empty(); }
  /// What has not been read yet.
  [[nodiscard]] constexpr Bytes rest() const { return rest_; }

  constexpr Bytes take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  constexpr void skip(std::size_t count) { static_cast<void>(take(count)); }
  constexpr std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  constexpr std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  constexpr std::uint32_t u24() { return static_cast<std::uint32_t>(number(3)); }
  constexpr std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  constexpr std::uint64_t u64() { return number(8); }

 private:
  constexpr std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(bytes)) value = (value << 8) | byte;
    return value;
  }

  Bytes rest_;
  bool ok_ = true;
};

/// Writes to the front of a buffer. The first write that does not fit makes `ok` false for good and writes nothing, and
/// so do all later ones.
class ByteWriter {
 public:
  constexpr explicit ByteWriter(MutableBytes buffer) : buffer_{buffer} {}

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr std::size_t left() const { return buffer_.size() - size_; }
  /// What was written so far; may be changed in place, for lengths known late.
  [[nodiscard]] constexpr MutableBytes written() const { return buffer_.first(size_); }

  constexpr void append(Bytes bytes) {
    if (const MutableBytes to = claim(bytes.size()); !to.empty()) copy_bytes(bytes, to);
  }
  constexpr void fill(std::size_t count, std::uint8_t value) { std::ranges::fill(claim(count), value); }
  constexpr void u8(std::uint8_t value) { number(value, 1); }
  constexpr void u16(std::uint16_t value) { number(value, 2); }
  constexpr void u24(std::uint32_t value) { number(value, 3); }
  constexpr void u32(std::uint32_t value) { number(value, 4); }
  constexpr void u64(std::uint64_t value) { number(value, 8); }

 private:
  constexpr MutableBytes claim(std::size_t count) {
    if (!ok_ || count > left()) {
      ok_ = false;
      return {};
    }
    size_ += count;
    return buffer_.subspan(size_ - count, count);
  }
  constexpr void number(std::uint64_t value, std::size_t bytes) {
    for (std::uint8_t& byte : claim(bytes)) byte = static_cast<std::uint8_t>(value >> (8 * --bytes));
  }

  MutableBytes buffer_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace zvonok
