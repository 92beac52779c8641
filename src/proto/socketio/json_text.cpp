#include "proto/socketio/json_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

#include "proto/json_scan.h"

namespace zvonok::socketio {
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

/// To the first quote, backslash or control character, eight at a time. The borrow of a subtraction may mark bytes
/// above the lowest hit falsely, and only the lowest is looked at.
const char* skip_plain(const char* at, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; end - at >= 8; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, sizeof word);
      const std::uint64_t control = word - repeat(0x20);
      const std::uint64_t quote = (word ^ repeat('"')) - repeat(1);
      const std::uint64_t backslash = (word ^ repeat('\\')) - repeat(1);
      const std::uint64_t special = (control | quote | backslash) & ~word & repeat(0x80);
      if (special != 0) return at + std::countr_zero(special) / 8;
    }
  }
  while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != '"' && *at != '\\') ++at;
  return at;
}

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
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

/// From behind the opening quote to behind the closing one.
const char* skip_string(const char* at, const char* end) {
  static constexpr std::string_view kSimpleEscapes = "\"\\/bfnrt";
  for (;;) {
    at = skip_plain(at, end);
    if (at == end) return nullptr;
    if (*at == '"') return at + 1;
    if (*at != '\\' || end - at < 2) return nullptr;  // a control character, or a backslash at the end
    const char kind = at[1];
    at += 2;
    if (kind == 'u') {
      if (read_hex4(at, end) < 0) return nullptr;
      at += 4;
    } else if (!kSimpleEscapes.contains(kind)) {
      return nullptr;
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

JsonType type_of(char first) {
  switch (first) {
    case '"': return JsonType::String;
    case '{': return JsonType::Object;
    case '[': return JsonType::Array;
    case 't':
    case 'f': return JsonType::Bool;
    case 'n': return JsonType::Null;
    default: return JsonType::Number;
  }
}

/// A value that is no container.
const char* skip_scalar(const char* at, const char* end) {
  switch (*at) {
    case '"': return skip_string(at + 1, end);
    case 't': return skip_literal(at, end, "true");
    case 'f': return skip_literal(at, end, "false");
    case 'n': return skip_literal(at, end, "null");
    default: return *at == '-' || is_digit(*at) ? skip_number(at, end) : nullptr;
  }
}

/// A key, its colon, and the space up to the value.
const char* skip_key(const char* at, const char* end) {
  if (at == end || *at != '"') return nullptr;
  at = skip_string(at + 1, end);
  if (at == nullptr) return nullptr;
  at = skip_space(at, end);
  if (at == end || *at != ':') return nullptr;
  return skip_space(at + 1, end);
}

/// The containers that are open, innermost last: one bit each.
class OpenContainers {
 public:
  [[nodiscard]] bool full() const { return depth_ == kDepthMax; }
  [[nodiscard]] bool empty() const { return depth_ == 0; }
  [[nodiscard]] bool in_object() const { return (bits_ & 1) != 0; }
  void push(bool object) {
    bits_ = (bits_ << 1) | (object ? 1U : 0U);
    ++depth_;
  }
  void pop() {
    bits_ >>= 1;
    --depth_;
  }

 private:
  static_assert(kDepthMax <= 64);
  std::uint64_t bits_ = 0;
  unsigned depth_ = 0;
};

/// Behind a whole value: closes containers and goes on to the next value. `at` is left behind the outermost value when
/// all are closed.
const char* skip_to_next_value(const char* at, const char* end, OpenContainers& open) {
  while (!open.empty()) {
    at = skip_space(at, end);
    if (at == end) return nullptr;
    if (*at == ',') {
      at = skip_space(at + 1, end);
      return open.in_object() ? skip_key(at, end) : at;
    }
    if (*at != (open.in_object() ? '}' : ']')) return nullptr;
    ++at;
    open.pop();
  }
  return at;
}

/// Iterative: the depth of a text costs no stack.
const char* skip_value(const char* at, const char* end) {
  OpenContainers open;
  do {
    if (at == end) return nullptr;
    if (*at == '{' || *at == '[') {
      if (open.full()) return nullptr;
      const bool object = *at == '{';
      open.push(object);
      at = skip_space(at + 1, end);
      if (at == end) return nullptr;
      if (*at != (object ? '}' : ']')) {
        if (object) at = skip_key(at, end);
        if (at == nullptr) return nullptr;
        continue;  // with the first value
      }
    } else {
      at = skip_scalar(at, end);
      if (at == nullptr) return nullptr;
    }
    at = skip_to_next_value(at, end, open);
    if (at == nullptr) return nullptr;
  } while (!open.empty());
  return at;
}

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto push = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    push(point);
    return;
  }
  if (point < 0x800) {
    push(0xC0 | (point >> 6));
  } else {
    if (point < 0x10000) {
      push(0xE0 | (point >> 12));
    } else {
      push(0xF0 | (point >> 18));
      push(0x80 | ((point >> 12) & 0x3F));
    }
    push(0x80 | ((point >> 6) & 0x3F));
  }
  push(0x80 | (point & 0x3F));
}

/// From behind "\u"; returns the position behind the escape or the pair.
const char* append_unicode_escape(const char* at, const char* end, std::string& out) {
  constexpr std::uint32_t kReplacement = 0xFFFD;
  const auto unit = static_cast<std::uint32_t>(read_hex4(at, end));
  at += 4;
  if (unit < 0xD800 || unit > 0xDFFF) {
    append_utf8(out, unit);
    return at;
  }
  const int low = unit <= 0xDBFF && end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? read_hex4(at + 2, end) : -1;
  if (low < 0xDC00 || low > 0xDFFF) {
    append_utf8(out, kReplacement);
    return at;
  }
  append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (static_cast<std::uint32_t>(low) - 0xDC00));
  return at + 6;
}

}  // namespace

std::optional<JsonValue> scan_value(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const begin = skip_space(text.data(), end);
  const char* const behind = skip_value(begin, end);
  if (behind == nullptr || skip_space(behind, end) != end) return std::nullopt;
  return JsonValue{.type = type_of(*begin), .text = between(begin, behind)};
}

std::optional<JsonArray> scan_array(std::string_view text) {
  const auto value = scan_value(text);
  if (!value || value->type != JsonType::Array) return std::nullopt;
  JsonArray array;
  const char* const end = value->text.data() + value->text.size() - 1;
  array.items = between(skip_space(value->text.data() + 1, end), end);
  array.rest = array.items;
  array.first = take_item(array.rest);
  return array;
}

std::optional<JsonValue> take_item(std::string_view& items) {
  const char* const end = items.data() + items.size();
  const char* const begin = skip_space(items.data(), end);
  if (begin == end) return std::nullopt;
  const char* const behind = skip_value(begin, end);
  if (behind == nullptr) return std::nullopt;  // not checked before
  const char* next = skip_space(behind, end);
  if (next != end) next = skip_space(next + 1, end);
  items = between(next, end);
  return JsonValue{.type = type_of(*begin), .text = between(begin, behind)};
}

std::string unescape(std::string_view token) {
  std::string out;
  out.reserve(token.size());
  const char* at = token.data() + 1;
  const char* const end = token.data() + token.size() - 1;
  while (at < end) {
    if (*at != '\\') {
      out.push_back(*at++);
      continue;
    }
    const char kind = at[1];
    at += 2;
    switch (kind) {
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      case 'u': at = append_unicode_escape(at, end, out); break;
      default: out.push_back(kind);  // quote, backslash, slash
    }
  }
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  json::append_string(out, text);
}

// ---- placeholders --------------------------------------------------------------------------------------------------

namespace {

bool key_is(std::string_view token, std::string_view plain) {
  const std::string_view raw = token.substr(1, token.size() - 2);
  return raw == plain || (raw.contains('\\') && unescape(token) == plain);
}

/// A JSON number that is a whole one below `limit`.
std::optional<std::size_t> read_index(std::string_view text, std::size_t limit) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!(value >= 0) || value >= static_cast<double>(limit)) return std::nullopt;
  const auto index = static_cast<std::size_t>(value);
  return static_cast<double>(index) == value ? std::optional{index} : std::nullopt;
}

/// Copies checked JSON, without the space in it, and rewrites the placeholders. One pass, whatever the depth: an object
/// is known to be a placeholder when it ends, and what was written of it is then taken back.
class PlaceholderWriter {
 public:
  explicit PlaceholderWriter(std::size_t attachments) : attachments_{attachments} {}

  [[nodiscard]] bool copy(std::string_view items) {
    const char* at = items.data();
    const char* const end = at + items.size();
    for (at = skip_space(at, end); at != end; at = skip_space(at, end)) {
      switch (*at) {
        case '{':
        case '[': open(*at++); break;
        case '}':
        case ']':
          if (!close(*at++)) return false;
          break;
        case ',':
        case ':': out_.items.push_back(*at++); break;
        default: {
          const char* const behind = skip_scalar(at, end);
          if (behind == nullptr) return false;  // not checked before
          copy_scalar(between(at, behind), skip_space(behind, end) != end && *skip_space(behind, end) == ':');
          at = behind;
        }
      }
    }
    return true;
  }
  [[nodiscard]] Placeholders take() { return std::move(out_); }

 private:
  enum class Key { Other, Placeholder, Number };
  struct Open {
    std::size_t items_before;
    std::size_t order_before;
    Key key = Key::Other;  // the one whose value comes next
    bool is_placeholder = false;
    std::string_view number;
  };

  void open(char bracket) {
    note_value({});
    open_.push_back({.items_before = out_.items.size(), .order_before = out_.order.size(), .number = {}});
    out_.items.push_back(bracket);
  }

  [[nodiscard]] bool close(char bracket) {
    if (open_.empty()) return false;  // not checked before
    const Open closed = open_.back();
    open_.pop_back();
    if (!closed.is_placeholder) {
      out_.items.push_back(bracket);
      return true;
    }
    out_.items.resize(closed.items_before);
    out_.order.resize(closed.order_before);
    return write_placeholder(closed.number);
  }

  void copy_scalar(std::string_view token, bool is_key) {
    out_.items += token;
    if (!is_key || open_.empty()) {
      note_value(token);
    } else if (key_is(token, "_placeholder")) {
      open_.back().key = Key::Placeholder;
    } else if (key_is(token, "num")) {
      open_.back().key = Key::Number;
    }
  }

  /// Of a name that comes twice the last counts, as in JavaScript. `token` is empty for a container.
  void note_value(std::string_view token) {
    if (open_.empty()) return;
    Open& object = open_.back();
    switch (std::exchange(object.key, Key::Other)) {
      case Key::Other: return;
      case Key::Placeholder: object.is_placeholder = token == "true"; return;
      case Key::Number: object.number = token; return;
    }
  }

  [[nodiscard]] bool write_placeholder(std::string_view number) {
    const auto index = read_index(number, attachments_);
    if (!index) return false;
    auto place = std::ranges::find(out_.order, *index);
    if (place == out_.order.end()) place = out_.order.insert(place, *index);
    out_.items += R"({"_placeholder":true,"num":)";
    out_.items += std::to_string(place - out_.order.begin());
    out_.items.push_back('}');
    return true;
  }

  std::size_t attachments_;
  std::vector<Open> open_;
  Placeholders out_;
};

}  // namespace

std::optional<Placeholders> find_placeholders(std::string_view items, std::size_t attachments) {
  PlaceholderWriter writer{attachments};
  if (!writer.copy(items)) return std::nullopt;
  return writer.take();
}

}  // namespace zvonok::socketio
