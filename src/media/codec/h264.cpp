// NAL units as RFC 6184 sections 5.6 to 5.8 pack them, and as much of a sequence parameter set as tells its size.
#include "media/codec/h264.h"

#include <algorithm>
#include <array>

#include "base/byte_io.h"
#include "media/codec/bit_io.h"

namespace zvonok::media {
namespace {

constexpr unsigned kSlice = 1;
constexpr unsigned kPartitionA = 2;
constexpr unsigned kIdr = 5;
constexpr unsigned kSps = 7;
constexpr unsigned kPps = 8;
constexpr unsigned kDelimiter = 9;
constexpr unsigned kStapA = 24;
constexpr unsigned kFuA = 28;

constexpr unsigned type_of(std::uint8_t header) {
  return header & 0x1FU;
}

/// `body` is what follows the header, from the beginning of the unit; it may be cut by fragmentation.
void note_unit(std::uint8_t header, Bytes body, H264Payload& payload) {
  const unsigned type = type_of(header);
  if ((header & 0x60U) != 0) payload.is_discardable = false;
  if (type == kSlice || type == kPartitionA || type == kIdr) {
    // first_mb_in_slice 0 is a single set bit.
    if (!body.empty() && (body[0] & 0x80) != 0) payload.starts_frame = true;
    if (type == kIdr) payload.starts_idr = true;
  } else if (type == kSps) {
    payload.starts_frame = true;
    payload.has_sps = true;
  } else if (type == kPps) {
    payload.has_pps = true;
  } else if (type == kDelimiter) {
    payload.starts_frame = true;
  }
}

void note_whole_unit(Bytes unit, H264Payload& payload) {
  note_unit(unit[0], unit.subspan(1), payload);
  if (type_of(unit[0]) == kSps && !payload.resolution) payload.resolution = parse_h264_sps(unit);
}

void skip_scaling_list(BitReader& reader, unsigned size) {
  std::int32_t last = 8;
  std::int32_t next = 8;
  for (unsigned i = 0; i < size && next != 0 && reader.ok(); ++i) {
    next = (last + reader.signed_golomb() % 256 + 256) % 256;
    if (next != 0) last = next;
  }
}

bool has_chroma_format(std::uint32_t profile) {
  constexpr std::array kProfiles{100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::ranges::find(kProfiles, static_cast<int>(profile)) != kProfiles.end();
}

/// The fields that only the high profiles have. Returns ChromaArrayType.
std::uint32_t read_chroma_format(BitReader& reader) {
  const std::uint32_t chroma_format = reader.unsigned_golomb();
  const bool is_separate = chroma_format == 3 && reader.flag();
  reader.unsigned_golomb();  // luma bit depth
  reader.unsigned_golomb();  // chroma bit depth
  reader.flag();
  if (reader.flag()) {
    const unsigned lists = chroma_format == 3 ? 12 : 8;
    for (unsigned list = 0; list < lists && reader.ok(); ++list) {
      if (reader.flag()) skip_scaling_list(reader, list < 6 ? 16 : 64);
    }
  }
  return is_separate ? 0 : chroma_format;
}

/// False: not an order count type.
bool skip_picture_order(BitReader& reader) {
  const std::uint32_t type = reader.unsigned_golomb();
  if (type == 0) {
    reader.unsigned_golomb();
  } else if (type == 1) {
    reader.flag();
    reader.signed_golomb();
    reader.signed_golomb();
    const std::uint32_t cycle = reader.unsigned_golomb();
    if (cycle > 255) return false;
    for (std::uint32_t i = 0; i < cycle && reader.ok(); ++i) reader.signed_golomb();
  }
  return type <= 2;
}

/// Removes emulation prevention (section 7.4.1). Sizes come within the first bytes, so a long set is cut.
std::size_t unescape(Bytes from, std::array<std::uint8_t, 512>& to) {
  std::size_t size = 0;
  unsigned zeros = 0;
  for (const std::uint8_t byte : from) {
    if (size == to.size()) break;
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    to[size++] = byte;
  }
  return size;
}

}  // namespace

std::optional<Resolution> parse_h264_sps(Bytes unit) {
  if (unit.empty() || type_of(unit[0]) != kSps) return std::nullopt;
  std::array<std::uint8_t, 512> plain;
  const std::size_t size = unescape(unit.subspan(1), plain);
  BitReader reader{Bytes{plain}.first(size)};
  const std::uint32_t profile = reader.bits(8);
  reader.bits(16);           // constraints and level
  reader.unsigned_golomb();  // id
  const std::uint32_t chroma = has_chroma_format(profile) ? read_chroma_format(reader) : 1;
  reader.unsigned_golomb();  // frame number bits
  if (chroma > 3 || !skip_picture_order(reader)) return std::nullopt;
  reader.unsigned_golomb();  // reference frames
  reader.flag();
  const std::uint64_t width_blocks = std::uint64_t{reader.unsigned_golomb()} + 1;
  const std::uint64_t height_units = std::uint64_t{reader.unsigned_golomb()} + 1;
  const bool frames_only = reader.flag();
  if (!frames_only) reader.flag();
  reader.flag();
  std::uint64_t cut_width = 0;
  std::uint64_t cut_height = 0;
  const std::uint64_t fields = frames_only ? 1 : 2;
  if (reader.flag()) {
    const std::uint64_t unit_width = chroma == 1 || chroma == 2 ? 2 : 1;
    const std::uint64_t unit_height = (chroma == 1 ? 2 : 1) * fields;
    cut_width = unit_width * (std::uint64_t{reader.unsigned_golomb()} + reader.unsigned_golomb());
    cut_height = unit_height * (std::uint64_t{reader.unsigned_golomb()} + reader.unsigned_golomb());
  }
  constexpr std::uint64_t kBlocksMax = 4096;
  if (!reader.ok() || width_blocks > kBlocksMax || height_units > kBlocksMax) return std::nullopt;
  const std::uint64_t width = width_blocks * 16;
  const std::uint64_t height = height_units * 16 * fields;
  if (cut_width >= width || cut_height >= height) return std::nullopt;
  return Resolution{.width = static_cast<std::uint32_t>(width - cut_width),
                    .height = static_cast<std::uint32_t>(height - cut_height)};
}

Result<H264Payload, CodecError> parse_h264_payload(Bytes payload) {
  if (payload.empty()) return fail(CodecError::Empty);
  H264Payload seen;
  seen.is_discardable = true;
  const unsigned type = type_of(payload[0]);
  if (type >= 1 && type < kStapA) {
    note_whole_unit(payload, seen);
    return seen;
  }
  ByteReader reader{payload};
  const std::uint8_t indicator = reader.u8();
  if (type == kStapA) {
    if (reader.empty()) return fail(CodecError::Truncated);
    while (!reader.empty()) {
      const Bytes unit = reader.take(reader.u16());
      if (!reader.ok()) return fail(CodecError::Truncated);
      if (unit.empty()) return fail(CodecError::Malformed);
      note_whole_unit(unit, seen);
    }
    return seen;
  }
  if (type == kFuA) {
    const std::uint8_t header = reader.u8();
    if (!reader.ok()) return fail(CodecError::Truncated);
    seen.is_discardable = (indicator & 0x60) == 0;
    const bool starts = (header & 0x80) != 0;
    const bool ends = (header & 0x40) != 0;
    if (starts && ends) return fail(CodecError::Malformed);  // section 5.8
    if (starts) note_unit(static_cast<std::uint8_t>((indicator & 0xE0U) | type_of(header)), reader.rest(), seen);
    return seen;
  }
  if (type == 0 || type > 29) return fail(CodecError::Malformed);
  seen.is_discardable = false;
  return seen;
}

}  // namespace zvonok::media
