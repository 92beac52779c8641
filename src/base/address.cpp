#include "base/address.h"

#include <charconv>

#include "base/byte_io.h"

namespace zvonok {
namespace {

constexpr std::size_t kGroups = 8;

/// A decimal number of at most `max` without sign or leading zeros.
std::optional<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t max) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> parse_v4(std::string_view text) {
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return std::nullopt;
    const auto number = parse_decimal(text.substr(0, dot), 255);
    if (!number) return std::nullopt;
    value = (value << 8) | *number;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return value;
}

struct Groups {
  std::array<std::uint16_t, kGroups> values{};
  std::size_t count = 0;

  bool add(std::uint32_t group) {
    if (count == kGroups) return false;
    values[count++] = static_cast<std::uint16_t>(group);
    return true;
  }
};

/// Groups of hexadecimal digits between colons. The last may be an IPv4 address, for two groups.
std::optional<Groups> parse_groups(std::string_view text) {
  Groups groups;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      const auto tail = parse_v4(group);
      if (!tail || !groups.add(*tail >> 16) || !groups.add(*tail & 0xFFFF)) return std::nullopt;
      return groups;
    }
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
    const bool whole = error == std::errc{} && end == group.data() + group.size() && group.size() <= 4;
    if (!whole || !groups.add(value)) return std::nullopt;
    if (colon == std::string_view::npos) return groups;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return groups;
}

IpAddress from_groups(const std::array<std::uint16_t, kGroups>& groups) {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    high = (high << 16) | groups[i];
    low = (low << 16) | groups[i + 4];
  }
  return IpAddress::v6(high, low);
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto groups = parse_groups(text);
    if (!groups || groups->count != kGroups) return std::nullopt;
    return from_groups(groups->values);
  }
  const std::string_view before = text.substr(0, gap);
  if (before.find('.') != std::string_view::npos) return std::nullopt;
  const auto front = parse_groups(before);
  const auto back = parse_groups(text.substr(gap + 2));
  if (!front || !back || front->count + back->count >= kGroups) return std::nullopt;
  std::array<std::uint16_t, kGroups> all = front->values;
  for (std::size_t i = 0; i < back->count; ++i) all[kGroups - back->count + i] = back->values[i];
  return from_groups(all);
}

/// The run of zero groups that "::" stands for: the longest of at least two, the first of equals.
struct Run {
  std::size_t start = kGroups;
  std::size_t length = 0;
};
Run longest_zero_run(const std::array<std::uint16_t, kGroups>& groups) {
  Run best;
  for (std::size_t i = 0; i < kGroups;) {
    std::size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.length) best = {i, end - i};
    i = end + 1;
  }
  return best;
}

void append_number(std::string& out, std::uint32_t value, int base) {
  std::array<char, 12> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
  out.append(digits.data(), end);
}

}  // namespace

std::optional<IpAddress> IpAddress::from_bytes(Bytes bytes) {
  ByteReader reader{bytes};
  if (bytes.size() == 4) return v4(reader.u32());
  if (bytes.size() != 16) return std::nullopt;
  const std::uint64_t high = reader.u64();
  return v6(high, reader.u64());
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return parse_v6(text);
  const auto value = parse_v4(text);
  if (!value) return std::nullopt;
  return v4(*value);
}

std::array<std::uint8_t, 16> IpAddress::v6_bytes() const {
  std::array<std::uint8_t, 16> bytes{};
  ByteWriter writer{bytes};
  writer.u64(high_);
  writer.u64(low_);
  return bytes;
}

bool IpAddress::is_unspecified() const {
  return high_ == 0 && (low_ == 0 || low_ == kMappedPrefix);
}

bool IpAddress::is_loopback() const {
  return is_v4() ? v4_value() >> 24 == 127 : high_ == 0 && low_ == 1;
}

bool IpAddress::is_private() const {
  if (!is_v4()) return high_ >> 57 == 0xFC >> 1;
  const std::uint32_t value = v4_value();
  return value >> 24 == 10 || value >> 20 == 0xAC1 || value >> 16 == 0xC0A8 || value >> 22 == 0x6440 >> 6;
}

bool IpAddress::is_link_local() const {
  return is_v4() ? v4_value() >> 16 == 0xA9FE : high_ >> 54 == 0xFE80 >> 6;
}

std::string IpAddress::to_text() const {
  std::string out;
  if (is_v4()) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      if (!out.empty()) out += '.';
      append_number(out, (v4_value() >> shift) & 0xFF, 10);
    }
    return out;
  }
  std::array<std::uint16_t, kGroups> groups{};
  for (std::size_t i = 0; i < kGroups; ++i) {
    groups[i] = static_cast<std::uint16_t>((i < 4 ? high_ : low_) >> (48 - 16 * (i % 4)));
  }
  const Run run = longest_zero_run(groups);
  for (std::size_t i = 0; i < kGroups;) {
    if (i == run.start) {
      out += "::";
      i += run.length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_number(out, groups[i++], 16);
  }
  return out;
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_decimal(text.substr(colon + 1), 65535);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (!port || bracketed != has_colon) return std::nullopt;
  const auto ip = IpAddress::parse(host);
  if (!ip) return std::nullopt;
  return SocketAddress{*ip, static_cast<std::uint16_t>(*port)};
}

std::string SocketAddress::to_text() const {
  std::string out;
  if (!ip.is_v4()) out += '[';
  out += ip.to_text();
  out += ip.is_v4() ? ":" : "]:";
  append_number(out, port, 10);
  return out;
}

}  // namespace zvonok
