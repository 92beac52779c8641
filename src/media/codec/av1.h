// AV1 in RTP: the aggregation header. Which layer a packet belongs to, the dependency descriptor says.
#pragma once
#include <cstdint>

#include "base/bytes.h"
#include "media/codec/codec.h"

namespace zvonok::media {

/// "RTP Payload Format For AV1" section 4.4.
struct Av1AggregationHeader {
  bool continues_unit = false;   // Z: the first OBU began in an earlier packet
  bool is_continued = false;     // Y: the last OBU goes on in the next
  std::uint8_t units = 0;        // W; 0: each has a length
  bool starts_sequence = false;  // N: the first packet of a coded video sequence, hence of a keyframe
};

[[nodiscard]] Result<Av1AggregationHeader, CodecError> parse_av1_aggregation_header(Bytes payload);

}  // namespace zvonok::media
