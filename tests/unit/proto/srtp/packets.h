// Keys and packets for the tests of SRTP, all from a seed.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_io.h"
#include "base/check.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"

namespace zvonok::srtp {

inline std::ostream& operator<<(std::ostream& out, Error error) {
  constexpr std::array<std::string_view, 6> kNames{"TooShort", "Malformed", "Replayed",
                                                   "TooOld",   "BadTag",    "TooManySsrcs"};
  return out << kNames.at(std::to_underlying(error));
}

}  // namespace zvonok::srtp

namespace zvonok::srtp::test {

using Blob = std::vector<std::uint8_t>;
using Random = std::mt19937_64;

inline constexpr std::array kProfiles{Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80};

inline Blob unhex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  Blob bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return bytes;
}

inline std::size_t below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random);
}

inline Blob random_bytes(Random& random, std::size_t size) {
  Blob bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
  return bytes;
}

/// What DTLS would have exported; the first key of it.
inline Blob exported(Profile profile, std::uint64_t seed) {
  Random random{seed};
  return random_bytes(random, exported_bytes(profile));
}
inline MasterKey master_key(Profile profile, std::uint64_t seed = 1) {
  return split_keying_material(profile, exported(profile, seed)).client;
}

inline Blob concat(Bytes a, Bytes b) {
  Blob whole{a.begin(), a.end()};
  whole.insert(whole.end(), b.begin(), b.end());
  return whole;
}

struct Packet {
  Blob plain;
  std::size_t header_length = 0;
  std::uint64_t extended_sequence = 0;
  rtp::Ssrc ssrc{};

  [[nodiscard]] Bytes header() const { return Bytes{plain}.first(header_length); }
  [[nodiscard]] Bytes payload() const { return Bytes{plain}.subspan(header_length); }
};

/// With CSRCs, an extension block, padding and no payload, each now and then.
inline Packet random_rtp(Random& random, std::uint64_t extended_sequence, rtp::Ssrc ssrc) {
  const std::size_t csrcs = below(random, 4) == 0 ? below(random, 16) : 0;
  const bool extended = below(random, 2) == 0;
  const bool padded = below(random, 5) == 0;
  Blob plain = random_bytes(random, 12 + 4 * csrcs);
  plain[0] = static_cast<std::uint8_t>(0x80U | (padded ? 0x20U : 0U) | (extended ? 0x10U : 0U) | csrcs);
  plain[1] = static_cast<std::uint8_t>(96 + below(random, 20));
  store_be16(plain.data() + 2, static_cast<std::uint16_t>(extended_sequence));
  store_be32(plain.data() + 8, std::to_underlying(ssrc));
  if (extended) {
    const std::size_t words = below(random, 8);
    Blob block = random_bytes(random, 4 + 4 * words);
    store_be16(block.data(), 0xBEDE);
    store_be16(block.data() + 2, static_cast<std::uint16_t>(words));
    plain = concat(plain, block);
  }
  const std::size_t header_length = plain.size();
  const std::size_t payload = below(random, 8) == 0 ? 0 : below(random, 1200);
  plain = concat(plain, random_bytes(random, payload));
  if (padded) {
    const std::size_t padding = 1 + below(random, 40);
    plain.resize(plain.size() + padding);
    plain.back() = static_cast<std::uint8_t>(padding);
  }
  return {.plain = plain, .header_length = header_length, .extended_sequence = extended_sequence, .ssrc = ssrc};
}

inline Packet small_rtp(std::uint64_t extended_sequence, std::uint32_t ssrc = 7) {
  Packet packet;
  packet.header_length = 12;
  packet.extended_sequence = extended_sequence;
  packet.ssrc = rtp::Ssrc{ssrc};
  packet.plain.assign(12 + 20, 0x5A);
  packet.plain[0] = 0x80;
  packet.plain[1] = 111;
  store_be16(packet.plain.data() + 2, static_cast<std::uint16_t>(extended_sequence));
  store_be32(packet.plain.data() + 8, ssrc);
  return packet;
}

inline Blob random_rtcp(Random& random, rtp::Ssrc ssrc) {
  const std::size_t words = 1 + below(random, 60);
  Blob plain = random_bytes(random, 4 + 4 * words);
  plain[0] = 0x80;
  plain[1] = 200;
  store_be16(plain.data() + 2, static_cast<std::uint16_t>(words));
  store_be32(plain.data() + 4, std::to_underlying(ssrc));
  return plain;
}

/// Out of place, the payload cut in two.
inline Blob seal(Sender& sender, const Packet& packet, std::size_t prefix = 0) {
  Blob buffer(packet.plain.size() + sender.rtp_overhead());
  std::ranges::copy(packet.header(), buffer.begin());
  const Bytes payload = packet.payload();
  prefix = std::min(prefix, payload.size());
  const std::size_t length = sender.seal_rtp(packet.extended_sequence, packet.ssrc, buffer, packet.header_length,
                                             payload.first(prefix), payload.subspan(prefix));
  ZVONOK_CHECK(length == buffer.size());
  return buffer;
}

inline Blob seal_rtcp(Sender& sender, Bytes plain) {
  Blob buffer(plain.size() + sender.rtcp_overhead());
  std::ranges::copy(plain, buffer.begin());
  ZVONOK_CHECK(sender.seal_rtcp(buffer, plain.size()) == buffer.size());
  return buffer;
}

/// The error, or nothing.
inline std::optional<Error> open_error(Receiver& receiver, Blob packet) {
  const auto opened = receiver.open_rtp(packet);
  return opened ? std::nullopt : std::optional{opened.error()};
}
inline std::optional<Error> open_rtcp_error(Receiver& receiver, Blob packet) {
  const auto opened = receiver.open_rtcp(packet);
  return opened ? std::nullopt : std::optional{opened.error()};
}

}  // namespace zvonok::srtp::test
