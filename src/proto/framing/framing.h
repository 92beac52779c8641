// Packets on a stream: a length in two bytes, then the packet (RFC 4571 section 2), as ICE-TCP carries STUN, DTLS and
// SRTP (RFC 6544 section 3).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace zvonok::framing {

inline constexpr std::size_t kHeaderBytes = 2;
inline constexpr std::size_t kFrameBytesMax = 65535;  // that the format can carry

/// The format allows packets of no bytes (RFC 4571 section 2); nothing that comes from a browser has them.
enum class EmptyFrames : std::uint8_t { Skip, Refuse };

struct Options {
  std::size_t frame_bytes_max = 4096;  // of one packet; no browser needs more, the format allows 65535
  EmptyFrames empty = EmptyFrames::Skip;
};

/// After any of them the stream is of no more use.
enum class Error : std::uint8_t { FrameTooLong, FrameEmpty };

/// Cuts a stream into packets. Keeps at most one packet.
class Deframer {
 public:
  explicit Deframer(Options options = {}) : options_{options} {}

  /// The next packet of the stream that `chunk` continues; what was used of `chunk` is taken off its front. Call it
  /// until it gives no packet; then `chunk` is empty. The view lives until the next call and as long as the bytes of
  /// `chunk`. Empty packets are skipped or refused, as the options say. After an error there is only that error.
  [[nodiscard]] Result<std::optional<Bytes>, Error> next(Bytes& chunk);

  /// Bytes kept of a packet that is not whole yet.
  [[nodiscard]] std::size_t buffered_bytes() const { return given_ ? 0 : partial_.size(); }

 private:
  /// Moves bytes of `chunk` behind the kept ones until there are `target` of them; false when they don't suffice.
  bool fill(Bytes& chunk, std::size_t target);

  Options options_;
  std::vector<std::uint8_t> partial_;  // with its header
  bool given_ = false;                 // `partial_` is the packet given last
  std::optional<Error> failed_;
};

/// What stands before a packet of `bytes` (at most kFrameBytesMax), for writers that gather.
[[nodiscard]] std::array<std::uint8_t, kHeaderBytes> frame_header(std::size_t bytes);
/// Header and packet; the size of both, 0 when the buffer is too small.
[[nodiscard]] std::size_t write_frame(MutableBytes buffer, Bytes packet);

}  // namespace zvonok::framing
