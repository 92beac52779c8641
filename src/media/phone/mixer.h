// Many voices made one, for a telephone that is in a room: 20 ms every 20 ms of all that is said there. Each voice has
// a jitter buffer of its own; those who say nothing cost nothing. Sans-IO.
#pragma once
#include <cstdint>
#include <map>
#include <span>

#include "base/id.h"
#include "base/time.h"
#include "media/phone/jitter_buffer.h"
#include "media/phone/sound.h"

namespace zvonok::media::phone {

class Mixer {
 public:
  /// Voices beyond that are not heard: decoding each costs.
  static constexpr std::size_t kVoicesMax = 32;

  void on_packet(TimePoint now, TrackId voice, const MediaPacket& packet);
  /// That voice goes on in another stream, numbered anew.
  void restart(TrackId voice);
  void remove(TrackId voice) { voices_.erase(voice); }
  /// False: nobody says anything, and `out` is silence. Loud passages are bent and not cut off.
  bool pull(TimePoint now, std::span<std::int16_t, kFrameSamples> out);

  [[nodiscard]] std::size_t voices() const { return voices_.size(); }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  std::map<TrackId, JitterBuffer> voices_;
  std::uint64_t refused_ = 0;  // packets of voices beyond kVoicesMax
};

}  // namespace zvonok::media::phone
