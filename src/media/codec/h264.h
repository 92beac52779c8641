// H.264 in RTP (RFC 6184): single units, STAP-A and FU-A. Other packetisations are not negotiated by browsers; their
// packets are told nothing of.
#pragma once
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "media/codec/codec.h"

namespace zvonok::media {

struct H264Payload {
  bool starts_frame = false;  // holds an access unit delimiter, an SPS, or the beginning of a picture's first slice
  bool starts_idr = false;    // holds the beginning of an IDR slice
  bool has_sps = false;
  bool has_pps = false;
  bool is_discardable = false;           // nal_ref_idc is 0 in every unit
  std::optional<Resolution> resolution;  // of the SPS, when there is one and it is sound
};

/// Walks the units of one payload; their sizes are checked.
[[nodiscard]] Result<H264Payload, CodecError> parse_h264_payload(Bytes payload);

/// The picture size that a sequence parameter set gives (H.264 section 7.3.2.1.1), cropping applied. `unit` is the
/// whole NAL unit, its header included.
[[nodiscard]] std::optional<Resolution> parse_h264_sps(Bytes unit);

}  // namespace zvonok::media
