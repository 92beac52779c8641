// The small grammar under SDP (RFC 8866 section 9): words, tokens and bounded numbers. For parser and queries only.
#pragma once
#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace zvonok::sdp::text {

[[nodiscard]] constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

[[nodiscard]] constexpr std::string_view trim(std::string_view value) {
  while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
  return value;
}

/// What stands before and after the first `separator`; all and nothing when there is none.
[[nodiscard]] constexpr std::pair<std::string_view, std::string_view> cut(std::string_view value, char separator) {
  const std::size_t at = value.find(separator);
  if (at == std::string_view::npos) return {value, {}};
  return {value.substr(0, at), value.substr(at + 1)};
}

/// The first word and the trimmed rest.
[[nodiscard]] constexpr std::pair<std::string_view, std::string_view> cut_word(std::string_view value) {
  value = trim(value);
  const auto end = static_cast<std::size_t>(std::ranges::find_if(value, is_blank) - value.begin());
  return {value.substr(0, end), trim(value.substr(end))};
}

[[nodiscard]] inline std::vector<std::string_view> words(std::string_view value) {
  std::vector<std::string_view> found;
  for (auto [word, rest] = cut_word(value); !word.empty(); std::tie(word, rest) = cut_word(rest)) found.push_back(word);
  return found;
}

/// The parts between separators, the empty ones too; one empty part of an empty text.
[[nodiscard]] inline std::vector<std::string_view> split(std::string_view value, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = value.find(separator);
    parts.push_back(value.substr(0, at));
    if (at == std::string_view::npos) return parts;
    value.remove_prefix(at + 1);
  }
}

template <std::unsigned_integral T>
struct Range {
  T min = 0;
  T max = static_cast<T>(-1);
};

/// Decimal digits and nothing else.
template <std::unsigned_integral T>
[[nodiscard]] std::optional<T> number(std::string_view value, Range<T> range = {}) {
  T result{};
  const char* const begin = std::to_address(value.begin());
  const char* const end = begin + value.size();
  const auto [stop, error] = std::from_chars(begin, end, result);
  if (error != std::errc{} || stop != end || result < range.min || result > range.max) return std::nullopt;
  return result;
}

[[nodiscard]] constexpr bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

[[nodiscard]] constexpr bool is_token(std::string_view value) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`{|}~";
  return !value.empty() && std::ranges::all_of(value, [&](char c) {
    return is_alphanumeric(c) || kOthers.find(c) != std::string_view::npos;
  });
}

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool equal_without_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace zvonok::sdp::text
