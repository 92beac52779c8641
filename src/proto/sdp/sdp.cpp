// What can be asked of a session description.
#include "proto/sdp/sdp.h"

#include <algorithm>
#include <cstdlib>

#include "proto/sdp/text.h"

namespace zvonok::sdp {

Direction reversed(Direction direction) {
  switch (direction) {
    case Direction::SendOnly: return Direction::RecvOnly;
    case Direction::RecvOnly: return Direction::SendOnly;
    case Direction::SendRecv:
    case Direction::Inactive: return direction;
  }
  std::abort();
}

bool sends(Direction direction) {
  return direction == Direction::SendRecv || direction == Direction::SendOnly;
}

bool receives(Direction direction) {
  return direction == Direction::SendRecv || direction == Direction::RecvOnly;
}

std::string to_text(const Fingerprint& fingerprint) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text = fingerprint.algorithm;
  char separator = ' ';
  for (const std::uint8_t byte : fingerprint.digest) {
    text += separator;
    text += kHex[byte >> 4U];
    text += kHex[byte & 15U];
    separator = ':';
  }
  return text;
}

bool Codec::is(std::string_view codec_name) const {
  return text::equal_without_case(name, codec_name);
}

std::vector<std::pair<std::string_view, std::string_view>> Codec::parameters() const {
  std::vector<std::pair<std::string_view, std::string_view>> found;
  for (const std::string_view part : text::split(fmtp, ';')) {
    const auto [key, value] = text::cut(part, '=');
    if (!text::trim(key).empty()) found.emplace_back(text::trim(key), text::trim(value));
  }
  return found;
}

std::optional<std::string_view> Codec::parameter(std::string_view key) const {
  for (const auto& [name_of_one, value] : parameters()) {
    if (text::equal_without_case(name_of_one, key)) return value;
  }
  return std::nullopt;
}

std::optional<PayloadType> Codec::apt() const {
  if (!is("rtx")) return std::nullopt;
  const auto value = parameter("apt");
  if (!value) return std::nullopt;
  const auto repeated = text::number<std::uint8_t>(*value, {.max = 127});
  if (!repeated) return std::nullopt;
  return PayloadType{*repeated};
}

bool Codec::has_feedback(std::string_view type, std::string_view parameter) const {
  return std::ranges::any_of(feedback,
                             [&](const RtcpFeedback& one) { return one.type == type && one.parameter == parameter; });
}

bool MediaSection::is_rtp() const {
  return protocol.starts_with("RTP/") || protocol.find("/RTP/") != std::string::npos;
}

const Codec* MediaSection::codec(PayloadType payload_type) const {
  const auto found = std::ranges::find(codecs, payload_type, &Codec::payload_type);
  return found == codecs.end() ? nullptr : &*found;
}

const Codec* MediaSection::rtx_of(PayloadType payload_type) const {
  const auto found = std::ranges::find_if(codecs, [&](const Codec& one) { return one.apt() == payload_type; });
  return found == codecs.end() ? nullptr : &*found;
}

std::optional<std::uint8_t> MediaSection::extension_id(std::string_view uri) const {
  const auto found = std::ranges::find(extmaps, uri, &ExtMap::uri);
  if (found == extmaps.end()) return std::nullopt;
  return found->id;
}

const MediaSection* SessionDescription::section(std::string_view mid) const {
  const auto found = std::ranges::find(sections, mid, &MediaSection::mid);
  return found == sections.end() || mid.empty() ? nullptr : &*found;
}

Transport SessionDescription::transport_of(const MediaSection& section) const {
  Transport merged = section.transport;
  // One without the other is of no use: the two come from the same level (RFC 8839 section 5.4).
  if (merged.ice_ufrag.empty() && merged.ice_pwd.empty()) {
    merged.ice_ufrag = transport.ice_ufrag;
    merged.ice_pwd = transport.ice_pwd;
  }
  if (merged.ice_options.empty()) merged.ice_options = transport.ice_options;
  if (merged.fingerprints.empty()) merged.fingerprints = transport.fingerprints;
  if (!merged.setup) merged.setup = transport.setup;
  return merged;
}

}  // namespace zvonok::sdp
