// A room's sound on its way to a telephone's line: all voices mixed, in the law that the line speaks, 20 ms every 20 ms
// from the start on; and tones that tell who holds the telephone what its keys have done. Sans-IO.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/time.h"
#include "media/forwarder.h"
#include "media/phone/mixer.h"
#include "media/phone/sound.h"

namespace zvonok::media::phone {

struct MixCounters {
  std::uint64_t sounds = 0;  // pieces of 20 ms
  std::uint64_t spoken = 0;  // of them those in which somebody spoke, or there was a tone
  std::uint64_t cues = 0;
  // Dropped:
  std::uint64_t refused = 0;  // packets of voices beyond Mixer::kVoicesMax
};

/// What is told by tones.
enum class Cue : std::uint8_t {
  Muted,    // a high one and a low one
  Unmuted,  // a low one and a high one
};

class MixToLine {
 public:
  /// Called from within `handle_timeout`.
  class Out {
   public:
    virtual ~Out() = default;
    virtual void on_sound(TimePoint now, const Sound& sound) = 0;
  };

  explicit MixToLine(Out& out) : out_{out} {}
  MixToLine(const MixToLine&) = delete;
  MixToLine& operator=(const MixToLine&) = delete;

  /// From now on; before that nothing is heard. Once.
  void start(TimePoint now) { next_tick_ = now; }
  /// What the line speaks by now.
  void set_law(g711::Law law) { law_ = law; }
  /// `epoch` says which stream of its track it is: another one is numbered anew.
  void on_packet(TimePoint now, TrackId voice, std::uint8_t epoch, const MediaPacket& packet);
  void remove(TrackId voice);
  /// In place of one that is being played.
  void play(Cue cue);

  void handle_timeout(TimePoint now);
  /// TimePoint::max() before the start.
  [[nodiscard]] TimePoint next_timeout() const { return next_tick_; }
  [[nodiscard]] std::size_t voices() const { return mixer_.voices(); }
  [[nodiscard]] MixCounters counters() const;

 private:
  struct Playing {
    Cue cue = Cue::Muted;
    std::size_t played = 0;  // samples
  };
  [[nodiscard]] bool add_cue(std::span<std::int16_t, kFrameSamples> samples);

  Out& out_;
  g711::Law law_ = g711::Law::Ulaw;
  Mixer mixer_;
  std::map<TrackId, std::uint8_t> epochs_;  // of voices that are mixed
  std::optional<Playing> playing_;
  TimePoint next_tick_ = TimePoint::max();
  std::uint32_t timestamp_ = 0;
  MixCounters counters_;
};

}  // namespace zvonok::media::phone
