#include "adapter/tunnel_xray/protobuf.h"

namespace zvonok::tunnel_xray::protobuf {
namespace {

std::uint64_t tag(unsigned number, Wire wire) {
  return std::uint64_t{number} << 3 | static_cast<std::uint64_t>(wire);
}

}  // namespace

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7F) | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_bytes(std::string& out, unsigned number, std::string_view value) {
  append_varint(out, tag(number, Wire::Bytes));
  append_varint(out, value.size());
  out += value;
}

void append_flag(std::string& out, unsigned number, bool value) {
  if (!value) return;
  append_varint(out, tag(number, Wire::Varint));
  append_varint(out, 1);
}

/// Of ten bytes at most; what goes beyond 64 bits is cut off, as others do.
std::optional<std::uint64_t> Reader::varint() {
  constexpr std::size_t kBytesMax = 10;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < rest_.size() && i < kBytesMax; ++i) {
    const auto byte = static_cast<unsigned char>(rest_[i]);
    value |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if (byte < 0x80) {
      rest_.remove_prefix(i + 1);
      return value;
    }
  }
  is_broken_ = true;
  return std::nullopt;
}

bool Reader::skip(std::uint64_t bytes) {
  is_broken_ = bytes > rest_.size();
  if (!is_broken_) rest_.remove_prefix(static_cast<std::size_t>(bytes));
  return !is_broken_;
}

std::optional<Field> Reader::next() {
  if (rest_.empty() || is_broken_) return std::nullopt;
  const auto key = varint();
  if (!key) return std::nullopt;
  Field field{.number = *key >> 3, .wire = static_cast<Wire>(*key & 7), .value = 0, .bytes = {}};
  is_broken_ = field.number == 0;
  if (is_broken_) return std::nullopt;
  switch (field.wire) {
    case Wire::Varint: {
      const auto value = varint();
      if (!value) return std::nullopt;
      field.value = *value;
      return field;
    }
    case Wire::Bytes: {
      const auto size = varint();
      const std::string_view from_here = rest_;
      if (!size || !skip(*size)) return std::nullopt;
      field.bytes = from_here.substr(0, static_cast<std::size_t>(*size));
      return field;
    }
    case Wire::Fixed64: return skip(8) ? std::optional{field} : std::nullopt;
    case Wire::Fixed32: return skip(4) ? std::optional{field} : std::nullopt;
  }
  is_broken_ = true;
  return std::nullopt;
}

}  // namespace zvonok::tunnel_xray::protobuf
