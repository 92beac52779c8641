// Who speaks in a room, from the audio levels of RFC 6464: short-term energy decides at once who is heard, medium-term
// activity who counts as a speaker, and a hysteresis keeps the list calm. Levels are what clients claim, so a change of
// the loudest is limited in rate.
#pragma once
#include <cstdint>
#include <vector>

#include "base/id.h"
#include "base/time.h"

namespace zvonok::media {

class Speakers {
 public:
  struct Options {
    std::uint8_t speech_level = 127 - 40;  // louder than -40 dBov counts as speech
    double begin_share = 0.4;              // of an interval's packets, to become a speaker
    double end_share = 0.15;               // below it for `hold`, to stop being one
    Duration interval = milliseconds{250};
    Duration hold = milliseconds{750};
    std::size_t speakers_max = 10;
  };
  struct Speaker {
    TrackId track;
    std::uint8_t level = 0;  // 0 (silent) to 127, the mean of what counted as speech
    friend bool operator==(const Speaker&, const Speaker&) = default;
  };

  Speakers() = default;
  explicit Speakers(const Options& options) : options_{options} {}

  void add(TrackId track);
  void remove(TrackId track);
  /// An authenticated audio packet. `level` is -dBov as on the wire: 0 is loudest, 127 silence.
  void on_level(TrackId track, std::uint8_t level);

  /// Call about every Options::interval. True when the list changed: who is in it, or who is first.
  bool update(TimePoint now);
  /// Loudest first.
  [[nodiscard]] const std::vector<Speaker>& current() const { return current_; }
  [[nodiscard]] bool empty() const { return tracks_.empty(); }

 private:
  struct Track {
    TrackId id;
    std::uint32_t packets = 0;
    std::uint32_t speech_packets = 0;
    std::uint32_t speech_sum = 0;  // of levels
    double level = 0;              // smoothed, 0 to 127
    bool speaks = false;
    TimePoint quiet_since{};
  };
  [[nodiscard]] Track* find(TrackId track);

  Options options_;
  std::vector<Track> tracks_;
  std::vector<Speaker> current_;
};

}  // namespace zvonok::media
