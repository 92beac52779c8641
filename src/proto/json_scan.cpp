#include "proto/json_scan.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace zvonok::json {
namespace {

// The skip_* functions take the position before a thing and return the one behind it, or null if it isn't valid.

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

const char* skip_space(const char* at, const char* end) {
  while (at != end && is_space(*at)) ++at;
  return at;
}

constexpr std::uint64_t repeat(std::uint8_t byte) {
  return 0x0101010101010101ULL * byte;
}

/// The high bit of every byte that ends a run of plain string characters: control characters, quote, backslash. Exact
/// for the lowest such byte, which is the only one looked at; bytes above it may be marked falsely by the borrow.
constexpr std::uint64_t special_bytes(std::uint64_t word) {
  const std::uint64_t control = word - repeat(0x20);
  const std::uint64_t quote = (word ^ repeat('"')) - repeat(1);
  const std::uint64_t backslash = (word ^ repeat('\\')) - repeat(1);
  return (control | quote | backslash) & ~word & repeat(0x80);
}

/// To the first character that isn't plain, eight at a time.
const char* skip_plain(const char* at, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    while (end - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, sizeof word);
      const std::uint64_t special = special_bytes(word);
      if (special != 0) return at + std::countr_zero(special) / 8;
      at += 8;
    }
  }
  while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != '"' && *at != '\\') ++at;
  return at;
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The four digits behind \u, or -1.
int read_hex4(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(at[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

constexpr bool is_leading_surrogate(int unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
constexpr bool is_trailing_surrogate(int unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

/// From behind "\u".
const char* skip_unicode_escape(const char* at, const char* end) {
  const int unit = read_hex4(at, end);
  if (unit < 0 || is_trailing_surrogate(unit)) return nullptr;
  at += 4;
  if (!is_leading_surrogate(unit)) return at;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u' || !is_trailing_surrogate(read_hex4(at + 2, end))) return nullptr;
  return at + 6;
}

/// From behind the opening quote to behind the closing one.
const char* skip_string(const char* at, const char* end) {
  for (;;) {
    at = skip_plain(at, end);
    if (at == end) return nullptr;
    if (*at == '"') return at + 1;
    if (*at != '\\' || end - at < 2) return nullptr;  // a control character, or a backslash at the end
    at += 2;
    switch (at[-1]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't': break;
      case 'u':
        at = skip_unicode_escape(at, end);
        if (at == nullptr) return nullptr;
        break;
      default: return nullptr;
    }
  }
}

const char* skip_digits(const char* at, const char* end) {
  const char* const begin = at;
  while (at != end && is_digit(*at)) ++at;
  return at == begin ? nullptr : at;
}

const char* skip_number(const char* at, const char* end) {
  if (*at == '-') ++at;
  if (at == end) return nullptr;
  if (*at == '0') {
    ++at;
  } else if ((at = skip_digits(at, end)) == nullptr) {
    return nullptr;
  }
  if (at != end && *at == '.' && (at = skip_digits(at + 1, end)) == nullptr) return nullptr;
  if (at == end || (*at != 'e' && *at != 'E')) return at;
  ++at;
  if (at != end && (*at == '+' || *at == '-')) ++at;
  return skip_digits(at, end);
}

const char* skip_literal(const char* at, const char* end, std::string_view literal) {
  const std::string_view rest{at, static_cast<std::size_t>(end - at)};
  return rest.starts_with(literal) ? at + literal.size() : nullptr;
}

const char* skip_value(const char* at, const char* end, unsigned depth_left, Type& type);

/// A key, its colon and the space around it; `key` is the raw key.
const char* skip_key(const char* at, const char* end, std::string_view& key) {
  if (at == end || *at != '"') return nullptr;
  const char* const begin = at + 1;
  at = skip_string(begin, end);
  if (at == nullptr) return nullptr;
  key = {begin, static_cast<std::size_t>(at - 1 - begin)};
  at = skip_space(at, end);
  if (at == end || *at != ':') return nullptr;
  return skip_space(at + 1, end);
}

/// From behind the opening bracket of either kind to behind the closing one.
const char* skip_container(const char* at, const char* end, unsigned depth_left, Type container) {
  const char closing = container == Type::Object ? '}' : ']';
  at = skip_space(at, end);
  if (at != end && *at == closing) return at + 1;
  for (;;) {
    if (container == Type::Object) {
      std::string_view key;
      at = skip_key(at, end, key);
      if (at == nullptr) return nullptr;
    }
    Type type = Type::Null;
    at = skip_value(at, end, depth_left, type);
    if (at == nullptr) return nullptr;
    at = skip_space(at, end);
    if (at == end) return nullptr;
    if (*at == closing) return at + 1;
    if (*at != ',') return nullptr;
    at = skip_space(at + 1, end);
  }
}

/// Recursion is bounded by `depth_left`: how many containers may still be opened.
const char* skip_value(const char* at, const char* end, unsigned depth_left, Type& type) {
  if (at == end) return nullptr;
  switch (*at) {
    case '"': type = Type::String; return skip_string(at + 1, end);
    case '{':
    case '[':
      type = *at == '{' ? Type::Object : Type::Array;
      return depth_left == 0 ? nullptr : skip_container(at + 1, end, depth_left - 1, type);
    case 't': type = Type::Bool; return skip_literal(at, end, "true");
    case 'f': type = Type::Bool; return skip_literal(at, end, "false");
    case 'n': type = Type::Null; return skip_literal(at, end, "null");
    default: type = Type::Number; return *at == '-' || is_digit(*at) ? skip_number(at, end) : nullptr;
  }
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto push = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
  } else if (code_point < 0x800) {
    push(0xC0 | (code_point >> 6));
    push(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    push(0xE0 | (code_point >> 12));
    push(0x80 | ((code_point >> 6) & 0x3F));
    push(0x80 | (code_point & 0x3F));
  } else {
    push(0xF0 | (code_point >> 18));
    push(0x80 | ((code_point >> 12) & 0x3F));
    push(0x80 | ((code_point >> 6) & 0x3F));
    push(0x80 | (code_point & 0x3F));
  }
}

/// From behind "\u" of a valid escape; returns the position behind it, or behind its pair.
const char* append_unicode_escape(const char* at, const char* end, std::string& out) {
  const int unit = read_hex4(at, end);
  if (!is_leading_surrogate(unit)) {
    append_utf8(out, static_cast<std::uint32_t>(unit));
    return at + 4;
  }
  const int trailing = read_hex4(at + 6, end);
  append_utf8(out, 0x10000U + (static_cast<std::uint32_t>(unit - 0xD800) << 10) +
                       static_cast<std::uint32_t>(trailing - 0xDC00));
  return at + 10;
}

}  // namespace

std::optional<Value> scan(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const begin = skip_space(text.data(), end);
  Value value;
  const char* const behind = skip_value(begin, end, kDepthMax, value.type);
  if (behind == nullptr || skip_space(behind, end) != end) return std::nullopt;
  value.text = {begin, static_cast<std::size_t>(behind - begin)};
  return value;
}

// ---- ObjectReader ---------------------------------------------------------------------------------------------------

ObjectReader::ObjectReader(std::string_view text) : at_{text.data()}, end_{text.data() + text.size()} {
  at_ = skip_space(at_, end_);
  if (at_ == end_ || *at_ != '{') {
    state_ = State::Bad;
    return;
  }
  at_ = skip_space(at_ + 1, end_);
}

std::optional<Member> ObjectReader::bad() {
  state_ = State::Bad;
  return std::nullopt;
}

/// At the closing brace.
std::optional<Member> ObjectReader::finish() {
  state_ = skip_space(at_ + 1, end_) == end_ ? State::Done : State::Bad;
  return std::nullopt;
}

std::optional<Member> ObjectReader::next() {
  if (state_ == State::Done || state_ == State::Bad) return std::nullopt;
  if (at_ == end_) return bad();
  if (*at_ == '}') return finish();
  if (state_ == State::Further) {
    if (*at_ != ',') return bad();
    at_ = skip_space(at_ + 1, end_);
  }
  state_ = State::Further;
  Member member;
  member.begin = at_;
  const char* const value = skip_key(at_, end_, member.key);
  if (value == nullptr) return bad();
  const char* const behind = skip_value(value, end_, kDepthMax - 1, member.value.type);
  if (behind == nullptr) return bad();
  member.value.text = {value, static_cast<std::size_t>(behind - value)};
  at_ = skip_space(behind, end_);
  return member;
}

// ---- ArrayReader ----------------------------------------------------------------------------------------------------

ArrayReader::ArrayReader(std::string_view text) : at_{text.data()}, end_{text.data() + text.size()} {
  at_ = skip_space(at_, end_);
  if (at_ == end_ || *at_ != '[') {
    state_ = State::Bad;
    return;
  }
  at_ = skip_space(at_ + 1, end_);
}

/// At the closing bracket.
std::optional<Value> ArrayReader::finish() {
  state_ = skip_space(at_ + 1, end_) == end_ ? State::Done : State::Bad;
  return std::nullopt;
}

std::optional<Value> ArrayReader::next() {
  if (state_ == State::Done || state_ == State::Bad) return std::nullopt;
  if (at_ != end_ && *at_ == ']') return finish();
  if (state_ == State::Further && at_ != end_ && *at_ == ',') {
    at_ = skip_space(at_ + 1, end_);
  } else if (state_ == State::Further) {
    state_ = State::Bad;
    return std::nullopt;
  }
  Value value;
  const char* const behind = skip_value(at_, end_, kDepthMax - 1, value.type);
  if (behind == nullptr) {
    state_ = State::Bad;
    return std::nullopt;
  }
  state_ = State::Further;
  value.text = {at_, static_cast<std::size_t>(behind - at_)};
  at_ = skip_space(behind, end_);
  return value;
}

// ---- strings --------------------------------------------------------------------------------------------------------

bool raw_is(std::string_view raw, std::string_view plain) {
  if (raw == plain) return true;
  // An escape is never shorter than what it stands for, so most other keys are told apart by their length.
  if (raw.size() <= plain.size() || raw.find('\\') == std::string_view::npos) return false;
  return unescape(raw) == plain;
}

std::string unescape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  const char* at = raw.data();
  const char* const end = at + raw.size();
  while (at != end) {
    if (*at != '\\') {
      out.push_back(*at++);
      continue;
    }
    const char escaped = at[1];
    at += 2;
    switch (escaped) {
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      case 'u': at = append_unicode_escape(at, end, out); break;
      default: out.push_back(escaped); break;  // quote, backslash, slash
    }
  }
  return out;
}

void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.push_back('"');
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const special = skip_plain(at, end);
    out.append(at, special);
    at = special;
    if (at == end) break;
    const char c = *at++;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        out += "\\u00";
        out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
        out.push_back(kHex[static_cast<unsigned char>(c) & 0x0F]);
    }
  }
  out.push_back('"');
}

}  // namespace zvonok::json
