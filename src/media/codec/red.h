// Redundant audio (RFC 2198): packets that carry the ones before them once more. What a publisher sends in it is passed
// on as it is, or unwrapped for receivers that don't take it; for receivers that lose packets we make it ourselves.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "proto/rtp/types.h"

namespace zvonok::media {

/// The newest block of a RED payload.
struct RedPrimary {
  rtp::PayloadType type{};
  Bytes payload;
};
/// Nothing when a block ends past the payload.
[[nodiscard]] std::optional<RedPrimary> parse_red(Bytes payload);

/// A packet sent before: how much later the new one's timestamp is, and its payload.
struct RedBlock {
  std::uint32_t timestamp_offset = 0;
  Bytes payload;
};
constexpr std::uint32_t kRedOffsetMax = (1U << 14) - 1;
constexpr std::size_t kRedBlockBytesMax = (1U << 10) - 1;

/// Writes all that stands before the primary payload: headers of `blocks` (the oldest first) and of the primary, and
/// the blocks. Returns its length; 0 when it does not fit, or a block has an offset or a length that RED can't say.
[[nodiscard]] std::size_t write_red(MutableBytes out, rtp::PayloadType type, std::span<const RedBlock> blocks);

}  // namespace zvonok::media
