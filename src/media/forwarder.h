// Turns one publisher's packets into the stream of one receiver: chooses the layer, and says where each packet stands
// in a stream without gaps or jumps, whatever was left out and however often the layer changed.
//
// A place is given out once: `forward` never returns one twice, which SRTP depends on.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "base/time.h"
#include "media/codec/codec.h"
#include "media/codec/red.h"
#include "media/codec/vp8.h"
#include "media/codec/vp9.h"
#include "media/parameters.h"
#include "media/picture_map.h"
#include "media/receive_stream.h"
#include "media/sequence_map.h"

namespace zvonok::media {

/// One decrypted packet of a publisher, as all receivers share it. Views hold as long as the datagram, or as its
/// copy in a Burst.
struct MediaPacket {
  std::uint8_t layer = 0;  // of simulcast: which stream, in the publisher's order
  Codec codec = Codec::Opus;
  std::uint32_t clock_rate = 90'000;
  std::uint64_t sequence = 0;
  std::uint32_t timestamp = 0;
  bool marker = false;
  Bytes payload;
  FrameInfo frame;
  std::optional<Vp8Descriptor> vp8;  // of a packet of that codec
  std::optional<Vp9Descriptor> vp9;
  std::optional<RedPrimary> red;      // of a packet that is redundant audio
  std::span<const RedBlock> repeats;  // of audio: packets before it, to be carried once more
  Bytes dependency_descriptor;
  std::optional<std::uint8_t> audio_level;  // the byte of RFC 6464
};

/// Fills in `vp8`, `vp9` or `red` from the payload, as `codec` says.
void read_descriptor(MediaPacket& packet);

/// How the packet is to be sent.
struct Renumbered {
  std::uint64_t place = 0;  // in the receiver's stream, as if everything were sent (see numbering.h)
  std::uint32_t timestamp = 0;
  bool marker = false;
  bool begins = false;      // the source, or what comes of it after a pause
  DescriptorPrefix prefix;  // in place of the payload's first bytes
};

/// Which layers a receiver may get. `spatial` counts simulcast streams or spatial layers from the lowest.
struct LayerTarget {
  std::int8_t spatial = 127;  // -1: no video at all
  std::uint8_t temporal = 7;
  friend bool operator==(const LayerTarget&, const LayerTarget&) = default;
};

class Forwarder {
 public:
  struct Options {
    Kind kind = Kind::Audio;
    std::uint8_t first_picture = 0;  // random
  };
  explicit Forwarder(const Options& options) : options_{options}, pictures_{options.first_picture} {}

  /// The layer of simulcast to switch to when its next keyframe comes; -1: send no video. For audio it is always 0.
  void set_layer(std::int8_t layer);
  /// Within a stream with temporal or spatial layers.
  void set_limits(LayerTarget limits);

  /// `clocks` are those of the streams by layer, for lip sync across a switch.
  using Clocks = std::array<std::optional<SenderClock>, 4>;
  [[nodiscard]] std::optional<Renumbered> forward(const MediaPacket& packet, TimePoint now, const Clocks& clocks);

  /// Of what `forward` will need; the second when the first has come.
  void prefetch() const {
    zvonok::prefetch(&options_);
    zvonok::prefetch(&next_place_);
    zvonok::prefetch(&timestamp_offset_);
    sequences_.prefetch();
    pictures_.prefetch();
  }

  void prefetch_used() const { zvonok::prefetch(&used_[next_place_ % kUsedWindow / 64]); }

  /// That packet of the layer has nothing for receivers (padding, or it is withheld): no place is kept for it.
  void leave_out(std::uint8_t layer, std::uint64_t sequence) {
    if (current_ == static_cast<std::int8_t>(layer)) sequences_.leave_out(sequence);
  }

  /// The layer whose keyframe is waited for.
  [[nodiscard]] std::optional<std::uint8_t> wants_keyframe_of() const;
  [[nodiscard]] std::int8_t current_layer() const { return current_; }
  [[nodiscard]] std::int8_t target_layer() const { return target_; }
  [[nodiscard]] LayerTarget limits() const { return limits_; }
  /// Our RTP time for the publisher's clock reading of the current layer.
  [[nodiscard]] std::uint32_t to_receiver_time(std::uint32_t timestamp) const { return timestamp + timestamp_offset_; }
  [[nodiscard]] std::uint32_t last_timestamp() const { return last_timestamp_; }
  /// The receiver can't decode what it has: it needs a keyframe of the current layer (it sent PLI or FIR).
  void need_keyframe() { keyframe_needed_ = true; }
  /// Nothing is sent until the next keyframe: some of the stream was not and will not be.
  void stop() { current_ = -1; }
  /// The source is another one from now on (the publisher's stream was replaced).
  void restart() {
    current_ = -1;
    source_ = -1;
    keyframe_needed_ = false;
  }

 private:
  void switch_to(const MediaPacket& packet, TimePoint now, const Clocks& clocks);
  [[nodiscard]] std::uint32_t aligned_timestamp(const MediaPacket& packet, TimePoint now, const Clocks& clocks);
  [[nodiscard]] bool is_left_out(const MediaPacket& packet);
  [[nodiscard]] DescriptorPrefix renumber_descriptor(const MediaPacket& packet, std::uint64_t place);

  static constexpr std::size_t kUsedWindow = 2048;

  Options options_;
  std::int8_t target_ = 0;
  std::int8_t current_ = -1;
  std::int8_t source_ = -1;  // the layer that what was sent last is of
  LayerTarget limits_;
  std::uint8_t temporal_ = 7;         // what is let through now
  std::uint8_t temporal_before_ = 7;  // and before the source's number `raised_at_`
  std::uint64_t raised_at_ = 0;
  std::uint8_t spatial_ = 7;
  bool keyframe_needed_ = false;
  bool begins_ = false;  // nothing was forwarded since the switch

  SequenceMap sequences_;
  std::uint64_t next_place_ = 0;
  std::array<std::uint64_t, kUsedWindow / 64> used_{};  // bits of the newest places
  std::uint32_t timestamp_offset_ = 0;
  std::uint32_t last_timestamp_ = 0;
  std::uint32_t ahead_ = 0;  // by how much the offset runs ahead of the sender's clock, to be made good
  TimePoint last_sent_{};
  bool started_ = false;

  // Of VP8 and VP9: what is added to the source's numbers. VP8's picture ids have no gaps for frames left out, as
  // receivers take a gap for a frame that is still to come; VP9's keep them, as its frames refer to each other by them.
  PictureMap pictures_;
  std::uint8_t tl0_offset_ = 0;
  std::uint8_t last_tl0_ = 0;
  std::uint8_t key_offset_ = 0;
  std::uint8_t last_key_ = 0;
};

}  // namespace zvonok::media
