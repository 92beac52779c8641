// One byte; a packet that starts a sequence cannot go on with an earlier OBU.
#include "media/codec/av1.h"

namespace zvonok::media {

Result<Av1AggregationHeader, CodecError> parse_av1_aggregation_header(Bytes payload) {
  if (payload.empty()) return fail(CodecError::Empty);
  if (payload.size() < 2) return fail(CodecError::Truncated);
  const unsigned byte = payload[0];
  const Av1AggregationHeader header{.continues_unit = (byte & 0x80) != 0,
                                    .is_continued = (byte & 0x40) != 0,
                                    .units = static_cast<std::uint8_t>((byte >> 4) & 3U),
                                    .starts_sequence = (byte & 0x08) != 0};
  if (header.starts_sequence && header.continues_unit) return fail(CodecError::Malformed);
  return header;
}

}  // namespace zvonok::media
