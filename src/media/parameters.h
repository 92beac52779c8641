// What negotiation tells the media plane of one peer: what it sends, what it is to get, and how its transport is
// secured. Declarative: each change gives the whole of it again, and the engine works out what is new. Values only, so
// that they can cross from the control thread to a shard.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "media/codec/codec.h"
#include "proto/rtp/types.h"

namespace zvonok::media {

enum class Kind : std::uint8_t { Audio, Video };

/// One payload type of an m-section. `profile` is what must be equal on both sides for packets to be understood
/// (H.264: packetization-mode and profile; VP9 and AV1: profile), in a form of our own; empty where nothing must.
struct CodecParameters {
  Codec codec = Codec::Opus;
  rtp::PayloadType type{};
  std::optional<rtp::PayloadType> rtx;  // the payload type of its retransmissions (RFC 4588)
  std::uint32_t clock_rate = 0;
  std::string profile;
  friend bool operator==(const CodecParameters&, const CodecParameters&) = default;
};

/// Identifiers of header extensions in one peer's packets (RFC 8285); 0 where one was not negotiated.
struct ExtensionIds {
  std::uint8_t mid = 0;
  std::uint8_t rid = 0;
  std::uint8_t repaired_rid = 0;
  std::uint8_t transport_cc = 0;
  std::uint8_t abs_send_time = 0;
  std::uint8_t audio_level = 0;
  std::uint8_t dependency_descriptor = 0;
  std::uint8_t video_orientation = 0;
  std::uint8_t playout_delay = 0;
  std::uint8_t abs_capture_time = 0;
  friend bool operator==(const ExtensionIds&, const ExtensionIds&) = default;
};

struct SsrcPair {
  rtp::Ssrc primary{};
  std::optional<rtp::Ssrc> rtx;
  friend bool operator==(const SsrcPair&, const SsrcPair&) = default;
};

enum class Retransmission : std::uint8_t { Off, Nack };

/// An m-section in which the peer sends.
struct ReceiveParameters {
  TrackId track;
  std::string mid;
  Kind kind = Kind::Audio;
  std::vector<CodecParameters> codecs;  // in the order of preference
  ExtensionIds extensions;
  std::vector<std::string> rids;  // simulcast; empty without
  std::vector<SsrcPair> ssrcs;    // announced ones; simulcast by rid announces none
  Retransmission retransmission = Retransmission::Off;
  friend bool operator==(const ReceiveParameters&, const ReceiveParameters&) = default;
};

/// An m-section in which the peer gets another one's track.
struct SendParameters {
  TrackId track;  // whose packets
  std::string mid;
  Kind kind = Kind::Audio;
  rtp::Ssrc ssrc{};
  std::optional<rtp::Ssrc> rtx_ssrc;
  std::string cname;                    // the publisher's, so that its audio and video are kept together
  std::vector<CodecParameters> codecs;  // what the receiver takes
  ExtensionIds extensions;
  bool mixed_extensions = false;  // what has only the two-byte form may be sent (RFC 8285 section 6)
  Retransmission retransmission = Retransmission::Off;
  friend bool operator==(const SendParameters&, const SendParameters&) = default;
};

struct PeerParameters {
  std::vector<ReceiveParameters> receive;
  std::vector<SendParameters> send;
  friend bool operator==(const PeerParameters&, const PeerParameters&) = default;
};

}  // namespace zvonok::media
