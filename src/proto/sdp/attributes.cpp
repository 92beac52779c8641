// The values of single attributes.
#include "proto/sdp/attributes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "proto/sdp/text.h"

namespace zvonok::sdp {

namespace {

using text::number;

/// RFC 8851 section 10. The longest that a header extension can carry is 255 bytes (RFC 8285 section 4.3).
bool is_rid(std::string_view value) {
  return !value.empty() && value.size() <= 255 &&
         std::ranges::all_of(value, [](char c) { return text::is_alphanumeric(c) || c == '-' || c == '_'; });
}

std::optional<std::uint8_t> parse_hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  c = text::lower(c);
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> parse_digest(std::string_view value) {
  std::vector<std::uint8_t> digest;
  for (const std::string_view pair : text::split(value, ':')) {
    if (pair.size() != 2) return std::nullopt;
    const auto high = parse_hex_digit(pair[0]);
    const auto low = parse_hex_digit(pair[1]);
    if (!high || !low) return std::nullopt;
    digest.push_back(static_cast<std::uint8_t>((*high << 4U) | *low));
  }
  return digest;
}

std::optional<std::size_t> digest_bytes(std::string_view algorithm) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 5> kDigests{
      {{"sha-1", 20}, {"sha-224", 28}, {"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}}};
  for (const auto& [name, bytes] : kDigests) {
    if (name == algorithm) return bytes;
  }
  return std::nullopt;
}

bool parse_rid_payload_types(std::string_view value, Rid& rid) {
  for (const std::string_view part : text::split(value, ',')) {
    const auto type = parse_payload_type(text::trim(part));
    if (!type) return false;
    rid.payload_types.push_back(*type);
  }
  return true;
}

std::optional<std::vector<SimulcastStream>> parse_simulcast_list(std::string_view value) {
  std::vector<SimulcastStream> streams;
  for (const std::string_view part : text::split(value, ';')) {
    SimulcastStream stream;
    for (std::string_view id : text::split(part, ',')) {
      const bool is_paused = id.starts_with('~');
      if (is_paused) id.remove_prefix(1);
      if (!is_rid(id)) return std::nullopt;
      stream.push_back({.rid = std::string{id}, .paused = is_paused});
    }
    streams.push_back(std::move(stream));
  }
  return streams;
}

}  // namespace

std::optional<PayloadType> parse_payload_type(std::string_view value) {
  const auto type = number<std::uint8_t>(value, {.max = 127});
  if (!type) return std::nullopt;
  return PayloadType{*type};
}

std::optional<Ssrc> parse_ssrc(std::string_view value) {
  const auto ssrc = number<std::uint32_t>(value);
  if (!ssrc) return std::nullopt;
  return Ssrc{*ssrc};
}

std::optional<Direction> parse_direction(std::string_view value) {
  if (value == "sendrecv") return Direction::SendRecv;
  if (value == "sendonly") return Direction::SendOnly;
  if (value == "recvonly") return Direction::RecvOnly;
  if (value == "inactive") return Direction::Inactive;
  return std::nullopt;
}

std::optional<Setup> parse_setup(std::string_view value) {
  if (value == "actpass") return Setup::ActPass;
  if (value == "active") return Setup::Active;
  if (value == "passive") return Setup::Passive;
  if (value == "holdconn") return Setup::HoldConn;
  return std::nullopt;
}

std::optional<ExtMap> parse_extmap(std::string_view value) {
  const auto [id_and_direction, rest] = text::cut_word(value);
  const auto [uri, attributes] = text::cut_word(rest);
  const std::size_t slash = id_and_direction.find('/');
  const auto id = number<std::uint8_t>(id_and_direction.substr(0, slash), {.min = 1});
  if (!id || uri.empty()) return std::nullopt;
  ExtMap extmap{.id = *id, .direction = {}, .uri = std::string{uri}, .attributes = std::string{attributes}};
  if (slash != std::string_view::npos) {
    extmap.direction = parse_direction(id_and_direction.substr(slash + 1));
    if (!extmap.direction) return std::nullopt;
  }
  return extmap;
}

std::optional<SsrcGroup> parse_ssrc_group(std::string_view value) {
  const auto words = text::words(value);
  if (words.size() < 2 || !text::is_token(words[0])) return std::nullopt;
  SsrcGroup group{.semantics = std::string{words[0]}, .ssrcs = {}};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto ssrc = parse_ssrc(words[i]);
    if (!ssrc) return std::nullopt;
    group.ssrcs.push_back(*ssrc);
  }
  return group;
}

std::optional<Rid> parse_rid(std::string_view value) {
  const auto [id, direction_and_params] = text::cut_word(value);
  const auto [direction, params] = text::cut_word(direction_and_params);
  if (!is_rid(id) || (direction != "send" && direction != "recv")) return std::nullopt;
  Rid rid;
  rid.id = id;
  rid.direction = direction == "send" ? RidDirection::Send : RidDirection::Recv;
  for (const std::string_view part : text::split(params, ';')) {
    const auto [raw_key, raw_value] = text::cut(part, '=');
    const std::string_view key = text::trim(raw_key);
    if (key.empty()) continue;
    if (key != "pt") {
      rid.params.emplace_back(key, text::trim(raw_value));
    } else if (!parse_rid_payload_types(raw_value, rid)) {
      return std::nullopt;
    }
  }
  return rid;
}

std::optional<Simulcast> parse_simulcast(std::string_view value) {
  Simulcast simulcast;
  const auto words = text::words(value);
  if (words.size() != 2 && words.size() != 4) return std::nullopt;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    if (words[i] != "send" && words[i] != "recv") return std::nullopt;
    auto& list = words[i] == "send" ? simulcast.send : simulcast.recv;
    auto streams = parse_simulcast_list(words[i + 1]);
    if (!streams || !list.empty()) return std::nullopt;
    list = std::move(*streams);
  }
  return simulcast;
}

std::optional<Bandwidth> parse_bandwidth(std::string_view value) {
  const auto [type, amount] = text::cut(value, ':');
  const auto parsed = number<std::uint64_t>(text::trim(amount));
  if (!parsed || !text::is_token(type)) return std::nullopt;
  return Bandwidth{.type = std::string{type}, .value = *parsed};
}

std::optional<Fingerprint> parse_fingerprint(std::string_view value) {
  const auto [algorithm, digest] = text::cut_word(value);
  if (!text::is_token(algorithm)) return std::nullopt;
  Fingerprint fingerprint;
  std::ranges::transform(algorithm, std::back_inserter(fingerprint.algorithm), text::lower);
  const auto bytes = digest_bytes(fingerprint.algorithm);
  if (!bytes) return fingerprint;
  auto parsed = parse_digest(digest);
  if (!parsed || parsed->size() != *bytes) return std::nullopt;
  fingerprint.digest = std::move(*parsed);
  return fingerprint;
}

std::optional<RtpMap> parse_rtpmap(std::string_view value) {
  const auto parts = text::split(text::trim(value), '/');
  if (parts.size() < 2 || parts.size() > 3 || !text::is_token(parts[0])) return std::nullopt;
  const auto rate = number<std::uint32_t>(parts[1], {.min = 1});
  const auto channels = parts.size() == 3 ? number<std::uint8_t>(parts[2], {.min = 1}) : std::uint8_t{1};
  if (!rate || !channels) return std::nullopt;
  return RtpMap{.name = parts[0], .clock_rate_hz = *rate, .channels = *channels};
}

std::optional<RtpMap> static_rtpmap(PayloadType type) {
  switch (std::to_underlying(type)) {
    case 0: return RtpMap{.name = "PCMU", .clock_rate_hz = 8000};
    case 3: return RtpMap{.name = "GSM", .clock_rate_hz = 8000};
    case 8: return RtpMap{.name = "PCMA", .clock_rate_hz = 8000};
    case 9: return RtpMap{.name = "G722", .clock_rate_hz = 8000};  // RFC 3551 section 4.5.2: 8000, though it is 16000
    case 13: return RtpMap{.name = "CN", .clock_rate_hz = 8000};
    case 18: return RtpMap{.name = "G729", .clock_rate_hz = 8000};
    default: return std::nullopt;
  }
}

bool is_ice_text(std::string_view value, std::size_t bytes_min) {
  constexpr std::string_view kOthers = "+/-_=#";
  return value.size() >= bytes_min && value.size() <= 256 && std::ranges::all_of(value, [&](char c) {
           return text::is_alphanumeric(c) || kOthers.find(c) != std::string_view::npos;
         });
}

}  // namespace zvonok::sdp
