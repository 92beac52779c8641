#include "identity/account_rules.h"

#include <algorithm>
#include <cstdint>

namespace zvonok::identity {
namespace {

constexpr char32_t kBroken = 0xFFFFFFFF;

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes one code point off the front of UTF-8 (RFC 3629 section 4); kBroken for overlong forms, surrogates and the
/// like.
char32_t take_code_point(std::string_view& text) {
  const auto byte_at = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte_at(0);
  std::size_t size = 0;
  char32_t value = 0;
  char32_t least = 0;
  if (lead < 0x80) {
    text.remove_prefix(1);
    return lead;
  }
  if ((lead & 0xE0) == 0xC0) {
    size = 2, value = lead & 0x1F, least = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    size = 3, value = lead & 0x0F, least = 0x800;
  } else if ((lead & 0xF8) == 0xF0) {
    size = 4, value = lead & 0x07, least = 0x10000;
  } else {
    return kBroken;
  }
  if (text.size() < size) return kBroken;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(i) & 0xC0) != 0x80) return kBroken;
    value = (value << 6) | (byte_at(i) & 0x3F);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return kBroken;
  text.remove_prefix(size);
  return value;
}

/// Control characters, line separators and those that reorder what stands around them (Unicode TR 9 section 2).
bool is_deceptive(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

/// The number of code points, or nullopt when the text is broken or holds a deceptive one.
std::optional<std::size_t> count_clean_code_points(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    const char32_t c = take_code_point(text);
    if (c == kBroken || is_deceptive(c)) return std::nullopt;
    ++count;
  }
  return count;
}

}  // namespace

std::optional<std::string> normalize_email(std::string_view email) {
  const std::string_view text = trimmed(email);
  if (text.empty() || text.size() > kEmailBytesMax || !count_clean_code_points(text)) return std::nullopt;
  const std::size_t at = text.find('@');
  const bool one_at = at != std::string_view::npos && text.find('@', at + 1) == std::string_view::npos;
  if (!one_at || at == 0 || at + 1 == text.size()) return std::nullopt;
  if (std::any_of(text.begin(), text.end(), is_blank)) return std::nullopt;
  std::string out{text};
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_acceptable_password(std::string_view password) {
  return password.size() >= kPasswordBytesMin && password.size() <= kPasswordBytesMax;
}

std::optional<std::string> normalize_display_name(std::string_view name) {
  const std::string_view text = trimmed(name);
  const std::optional<std::size_t> count = count_clean_code_points(text);
  if (!count || *count == 0 || *count > kDisplayNameCodePointsMax) return std::nullopt;
  return std::string{text};
}

std::string default_display_name(std::string_view normalized_email) {
  const std::string_view local = normalized_email.substr(0, normalized_email.find('@'));
  std::string_view rest = local;
  for (std::size_t i = 0; i < kDisplayNameCodePointsMax && !rest.empty(); ++i) {
    if (take_code_point(rest) == kBroken) break;
  }
  return std::string{local.substr(0, local.size() - rest.size())};
}

}  // namespace zvonok::identity
