// What a participant's media needs of the engine around it, and numbers that both of its directions share.
#pragma once
#include <cstdint>
#include <vector>

#include "base/entropy.h"
#include "base/id.h"
#include "base/time.h"
#include "media/bwe/sent_history.h"
#include "media/packet_sink.h"
#include "media/track.h"
#include "media/transport.h"
#include "proto/rtp/types.h"

namespace zvonok::media {

class Burst;
class Peer;

/// Room to work in, for all peers of one engine.
struct FeedbackScratch {
  std::vector<bwe::PacketStatus> statuses;
  std::vector<bwe::PacketResult> results;
};

class PeerHost {
 public:
  virtual ~PeerHost() = default;
  [[nodiscard]] virtual Track* find_track(TrackId id) = 0;
  virtual void on_audio_level(const Track& track, std::uint8_t level) = 0;
  /// Which simulcast layers somebody watches, a bit for each of `track.layers`. On change only.
  virtual void on_layers_wanted(const Track& track, std::uint8_t layers) = 0;
  [[nodiscard]] virtual bool is_speaking(const Track& track) const = 0;
  /// Of Shedding: who has a lot below it gets no video.
  [[nodiscard]] virtual std::uint8_t shedding() const = 0;
  [[nodiscard]] virtual FeedbackScratch& feedback_scratch() = 0;
  /// What waits to be forwarded together.
  [[nodiscard]] virtual Burst& burst() = 0;
  /// Forwards all that waits: before anything is done to a track's receivers, or to the keys of any peer.
  virtual void forward_burst(TimePoint now) = 0;
  /// A timer of that peer may have come nearer.
  virtual void touch(Peer& peer) = 0;
};

/// Of one peer. Outlives both directions.
struct PeerLink {
  PeerHost& host;
  PacketSink& sink;
  Transport& transport;
  Entropy& entropy;
  Peer& peer;
  rtp::Ssrc own_ssrc{};  // of RTCP that belongs to no stream
  Duration round_trip = milliseconds{100};

  void touch() const { host.touch(peer); }
};

}  // namespace zvonok::media
