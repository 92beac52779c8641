// The numbers of RTP (RFC 3550) that must not be mistaken for one another.
#pragma once
#include <cstdint>
#include <ostream>
#include <utility>

namespace zvonok::rtp {

/// A synchronisation source. Compared and hashed, never calculated with.
enum class Ssrc : std::uint32_t {};
/// The seven-bit payload type.
enum class PayloadType : std::uint8_t {};

inline std::ostream& operator<<(std::ostream& out, Ssrc ssrc) {
  return out << std::to_underlying(ssrc);
}
inline std::ostream& operator<<(std::ostream& out, PayloadType type) {
  return out << unsigned{std::to_underlying(type)};
}

}  // namespace zvonok::rtp
