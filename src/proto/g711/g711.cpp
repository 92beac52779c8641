#include "proto/g711/g711.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace zvonok::g711 {
namespace {

// Both laws are eight segments, each twice as wide as the one before, of sixteen steps each.
constexpr int kUlawBias = 0x84;
constexpr int kUlawMost = 32635;

constexpr std::int16_t decode_ulaw(std::uint8_t byte) {
  const unsigned bits = static_cast<std::uint8_t>(~byte);
  const int size = ((static_cast<int>(bits & 0x0FU) << 3) + kUlawBias) << (bits >> 4 & 7U);
  return static_cast<std::int16_t>((bits & 0x80U) != 0 ? kUlawBias - size : size - kUlawBias);
}

constexpr std::uint8_t encode_ulaw(std::int16_t sample) {
  const int size = std::min(kUlawMost, sample < 0 ? -int{sample} : int{sample}) + kUlawBias;
  const int segment = static_cast<int>(std::bit_width(static_cast<unsigned>(size))) - 8;
  const int step = size >> (segment + 3) & 0x0F;
  return static_cast<std::uint8_t>(~((sample < 0 ? 0x80 : 0) | segment << 4 | step));
}

// Every other bit of A-law is turned over on the line.
constexpr unsigned kAlawMask = 0x55;

constexpr std::int16_t decode_alaw(std::uint8_t byte) {
  const unsigned bits = byte ^ kAlawMask;
  const unsigned segment = bits >> 4 & 7U;
  int size = static_cast<int>((bits & 0x0FU) << 4) + 8;
  if (segment > 0) size = (size + 0x100) << (segment - 1);
  return static_cast<std::int16_t>((bits & 0x80U) != 0 ? size : -size);
}

constexpr std::uint8_t encode_alaw(std::int16_t sample) {
  const int size = (sample < 0 ? ~int{sample} : int{sample}) >> 4;
  const int segment = std::max(0, static_cast<int>(std::bit_width(static_cast<unsigned>(size))) - 4);
  const int step = segment <= 1 ? size & 0x0F : size >> (segment - 1) & 0x0F;
  return static_cast<std::uint8_t>(static_cast<unsigned>((sample < 0 ? 0 : 0x80) | segment << 4 | step) ^ kAlawMask);
}

using Decoded = std::array<std::int16_t, 256>;
using Converted = std::array<std::uint8_t, 256>;

constexpr Decoded decoded(std::int16_t (*one)(std::uint8_t)) {
  Decoded all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = one(static_cast<std::uint8_t>(i));
  return all;
}
constexpr Decoded kFromUlaw = decoded(decode_ulaw);
constexpr Decoded kFromAlaw = decoded(decode_alaw);

constexpr Converted converted(const Decoded& from, std::uint8_t (*to)(std::int16_t)) {
  Converted all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = to(from[i]);
  return all;
}
constexpr Converted kUlawToAlaw = converted(kFromUlaw, encode_alaw);
constexpr Converted kAlawToUlaw = converted(kFromAlaw, encode_ulaw);

}  // namespace

std::int16_t decode(Law law, std::uint8_t byte) {
  return law == Law::Ulaw ? kFromUlaw[byte] : kFromAlaw[byte];
}

std::uint8_t encode(Law law, std::int16_t sample) {
  return law == Law::Ulaw ? encode_ulaw(sample) : encode_alaw(sample);
}

void decode(Law law, Bytes in, std::span<std::int16_t> out) {
  ZVONOK_CHECK(out.size() >= in.size());
  const Decoded& table = law == Law::Ulaw ? kFromUlaw : kFromAlaw;
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = table[in[i]];
}

void encode(Law law, std::span<const std::int16_t> in, MutableBytes out) {
  ZVONOK_CHECK(out.size() >= in.size());
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = encode(law, in[i]);
}

void convert(Law from, Bytes in, MutableBytes out) {
  ZVONOK_CHECK(out.size() >= in.size());
  const Converted& table = from == Law::Ulaw ? kUlawToAlaw : kAlawToUlaw;
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = table[in[i]];
}

}  // namespace zvonok::g711
