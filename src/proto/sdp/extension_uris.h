// The names of the RTP header extensions that browsers offer, as they stand in `a=extmap`.
#pragma once
#include <string_view>

namespace zvonok::sdp::uri {

/// RFC 9143 section 15: which media section a packet belongs to.
inline constexpr std::string_view kMid = "urn:ietf:params:rtp-hdrext:sdes:mid";
/// RFC 8852: which encoding of a simulcast a packet belongs to, and which one it repairs.
inline constexpr std::string_view kRtpStreamId = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
inline constexpr std::string_view kRepairedRtpStreamId = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
/// draft-holmer-rmcat-transport-wide-cc-extensions-01.
inline constexpr std::string_view kTransportWideCc =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
inline constexpr std::string_view kAbsSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
/// RFC 6464 and RFC 6465.
inline constexpr std::string_view kSsrcAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
inline constexpr std::string_view kCsrcAudioLevel = "urn:ietf:params:rtp-hdrext:csrc-audio-level";
/// RFC 5450.
inline constexpr std::string_view kTransmissionOffset = "urn:ietf:params:rtp-hdrext:toffset";
inline constexpr std::string_view kPlayoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
inline constexpr std::string_view kVideoOrientation = "urn:3gpp:video-orientation";
/// RTP Payload Format For AV1, appendix A.
inline constexpr std::string_view kDependencyDescriptor =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
inline constexpr std::string_view kAbsCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
inline constexpr std::string_view kVideoLayersAllocation =
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";
inline constexpr std::string_view kColorSpace = "http://www.webrtc.org/experiments/rtp-hdrext/color-space";
inline constexpr std::string_view kVideoContentType = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type";
inline constexpr std::string_view kVideoTiming = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing";

}  // namespace zvonok::sdp::uri
