// See text.h.
#include "adapter/store_sql/text.h"

#include <charconv>

#include "base/base64.h"

namespace zvonok::store_sql {
namespace {

constexpr std::size_t kCursorBytesMax = 4096;

/// Reads one code point and moves `at` behind it. nullopt when the bytes are not UTF-8.
std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  std::size_t extra = 0;
  char32_t point = 0;
  char32_t least = 0;
  if (lead < 0x80) {
    point = lead;
  } else if (lead >= 0xC2 && lead <= 0xDF) {
    extra = 1, point = lead & 0x1FU, least = 0x80;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    extra = 2, point = lead & 0x0FU, least = 0x800;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    extra = 3, point = lead & 0x07U, least = 0x10000;
  } else {
    return std::nullopt;
  }
  if (text.size() - at <= extra) return std::nullopt;
  for (std::size_t i = 1; i <= extra; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return std::nullopt;
    point = (point << 6) | (byte(at + i) & 0x3FU);
  }
  if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return std::nullopt;
  at += extra + 1;
  return point;
}

void append_code_point(std::string& out, char32_t point) {
  const auto put = [&](char32_t value) { out.push_back(static_cast<char>(static_cast<unsigned char>(value))); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6)), put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12)), put(0x80 | ((point >> 6) & 0x3F)), put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18)), put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F)), put(0x80 | (point & 0x3F));
  }
}

bool in(char32_t point, char32_t first, char32_t last) {
  return point >= first && point <= last;
}

/// Pairs of (upper, lower) that stand side by side, the upper one even or odd.
bool upper_of_even_pair(char32_t p) {
  return (in(p, 0x100, 0x137) && p != 0x130) || in(p, 0x14A, 0x177) || in(p, 0x460, 0x481) || in(p, 0x48A, 0x4BF) ||
         in(p, 0x4D0, 0x52F);
}
bool upper_of_odd_pair(char32_t p) {
  return in(p, 0x139, 0x148) || in(p, 0x179, 0x17E) || in(p, 0x4C1, 0x4CE);
}

char32_t fold(char32_t p) {
  if (in(p, 'A', 'Z')) return p + 32;
  if (p < 0xC0) return p;
  if (in(p, 0xC0, 0xDE) && p != 0xD7) return p + 32;
  if (p == 0x178) return 0xFF;
  if (in(p, 0x391, 0x3AB) && p != 0x3A2) return p + 32;
  if (in(p, 0x400, 0x40F)) return p + 80;
  if (in(p, 0x410, 0x42F)) return p + 32;
  if (p == 0x4C0) return 0x4CF;
  if (upper_of_even_pair(p) && p % 2 == 0) return p + 1;
  if (upper_of_odd_pair(p) && p % 2 == 1) return p + 1;
  return p;
}

}  // namespace

bool storable(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto point = next_code_point(text, at);
    if (!point || *point == 0) return false;
  }
  return true;
}

std::string fold_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto point = next_code_point(text, at);
    if (!point) break;
    append_code_point(out, fold(*point));
  }
  return out;
}

std::string_view first_code_points(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (count > 0 && at < text.size() && next_code_point(text, at)) --count;
  return text.substr(0, at);
}

std::string containing_pattern(std::string_view part) {
  std::string out = "%";
  for (const char c : part) {
    if (c == '%' || c == '_' || c == '!') out.push_back('!');
    out.push_back(c);
  }
  out.push_back('%');
  return out;
}

TextCheck& TextCheck::required(std::string_view field, std::string_view text, std::size_t bytes_max) {
  if (text.empty() && !error_) {
    error_ = port::StoreError{port::StoreErrorKind::Invalid, std::string{field} + " is empty"};
  }
  return allowed(field, text, bytes_max);
}

TextCheck& TextCheck::allowed(std::string_view field, std::string_view text, std::size_t bytes_max) {
  if (error_) return *this;
  if (text.size() > bytes_max) {
    error_ = port::StoreError{port::StoreErrorKind::Invalid,
                              std::string{field} + " is longer than " + std::to_string(bytes_max) + " bytes"};
  } else if (!storable(text)) {
    error_ = port::StoreError{port::StoreErrorKind::Invalid, std::string{field} + " is not UTF-8 without NUL"};
  }
  return *this;
}

bool possible_id(std::string_view text) {
  return !text.empty() && text.size() <= port::kIdBytesMax && storable(text);
}

std::string encode_cursor(Listing listing, const Cursor& cursor) {
  std::string plain(1, static_cast<char>(listing));
  plain += std::to_string(cursor.key.size()) + ":" + cursor.key + cursor.id;
  return base64url_encode(as_bytes(plain));
}

std::string encode_cursor(Listing listing, const TimeCursor& cursor) {
  return encode_cursor(listing, Cursor{.key = std::to_string(cursor.at), .id = cursor.id});
}

std::optional<Cursor> decode_cursor(Listing listing, std::string_view text) {
  if (text.empty() || text.size() > kCursorBytesMax) return std::nullopt;
  const auto bytes = base64url_decode(text);
  if (!bytes) return std::nullopt;
  std::string_view plain = as_text(*bytes);
  if (plain.empty() || plain.front() != static_cast<char>(listing) || !storable(plain)) return std::nullopt;
  plain.remove_prefix(1);
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), size);
  if (error != std::errc{} || end == plain.data() + plain.size() || *end != ':') return std::nullopt;
  plain.remove_prefix(static_cast<std::size_t>(end - plain.data()) + 1);
  if (size > plain.size()) return std::nullopt;
  Cursor cursor{.key = std::string{plain.substr(0, size)}, .id = std::string{plain.substr(size)}};
  // The length may fall inside a character.
  if (!storable(cursor.key) || !possible_id(cursor.id)) return std::nullopt;
  return cursor;
}

std::optional<TimeCursor> decode_time_cursor(Listing listing, std::string_view text) {
  const auto cursor = decode_cursor(listing, text);
  if (!cursor) return std::nullopt;
  TimeCursor out{.id = cursor->id};
  const char* last = cursor->key.data() + cursor->key.size();
  const auto [end, error] = std::from_chars(cursor->key.data(), last, out.at);
  if (error != std::errc{} || end != last) return std::nullopt;
  return out;
}

}  // namespace zvonok::store_sql
