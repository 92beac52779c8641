// Bytes of codec tests: hexadecimal text, and fields written bit by bit, independently of the code under test.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace zvonok::media {

using ByteVector = std::vector<std::uint8_t>;

/// Two digits a byte; spaces are for the reader.
inline ByteVector from_hex(std::string_view text) {
  ByteVector bytes;
  std::string digits;
  for (const char c : text) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

/// A text of zeros and ones that becomes bytes.
class Bits {
 public:
  Bits& add(std::uint64_t value, unsigned count) {
    for (; count > 0; --count) text_ += ((value >> (count - 1)) & 1U) != 0 ? '1' : '0';
    return *this;
  }
  /// Zeros and ones; spaces are for the reader.
  Bits& add(std::string_view bits) {
    for (const char c : bits) {
      if (c != ' ') text_ += c;
    }
    return *this;
  }
  /// Exp-Golomb.
  Bits& golomb(std::uint32_t value) {
    unsigned width = 0;
    while ((std::uint64_t{value} + 1) >> (width + 1) != 0) ++width;
    return add(0, width).add(std::uint64_t{value} + 1, width + 1);
  }
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] ByteVector bytes() const {
    ByteVector result((text_.size() + 7) / 8);
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '1') result[i / 8] = static_cast<std::uint8_t>(result[i / 8] | (0x80U >> (i % 8)));
    }
    return result;
  }

 private:
  std::string text_;
};

/// A copy in a block of its own size, so that the sanitizer sees one byte too many.
class Exact {
 public:
  explicit Exact(Bytes bytes) : block_{new std::uint8_t[bytes.size()]}, size_{bytes.size()} {
    for (std::size_t i = 0; i < size_; ++i) block_[i] = bytes[i];
  }
  [[nodiscard]] Bytes view() const { return {block_.get(), size_}; }
  std::uint8_t& operator[](std::size_t index) { return block_[index]; }

 private:
  std::unique_ptr<std::uint8_t[]> block_;
  std::size_t size_;
};

/// The payload as a forwarder sends it.
template <class Prefix>
ByteVector forwarded(const Prefix& prefix, Bytes payload) {
  ByteVector bytes(prefix.view().begin(), prefix.view().end());
  bytes.insert(bytes.end(), payload.begin() + prefix.replaces, payload.end());
  return bytes;
}

}  // namespace zvonok::media
