// A VP8 encoder without pictures: frames of a target bitrate with three temporal layers, as Chromium's are (L1T3), with
// valid descriptors (RFC 7741) and keyframe headers (RFC 6386 section 9.1).
#pragma once
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "sim/call/sim_random.h"
#include "sim/media/stamp.h"

namespace zvonok::sim {

struct VideoFrame {
  bool keyframe = false;
  std::uint32_t number = 0;
  std::vector<std::vector<std::uint8_t>> packets;  // payloads; the last one has the marker
};

class Vp8Source {
 public:
  static constexpr Duration kFrameInterval = microseconds{33'333};
  struct Options {
    std::uint32_t room = 0;
    std::uint32_t track = 0;
    std::uint8_t layer = 0;
    std::uint16_t height = 720;
    std::int64_t bitrate_bps = 1'000'000;
    std::uint32_t first_number = 0;
  };
  Vp8Source(const Options& options, std::uint64_t seed);

  void want_keyframe() { keyframe_wanted_ = true; }
  VideoFrame make(TimePoint now);
  [[nodiscard]] const Options& options() const { return options_; }
  void set_bitrate(std::int64_t bps) { options_.bitrate_bps = bps; }
  [[nodiscard]] std::uint64_t keyframes() const { return keyframes_; }

 private:
  void refer(Stamp& stamp, bool& sync) const;

  Options options_;
  Random random_;
  bool keyframe_wanted_ = true;
  unsigned cycle_ = 0;  // of eight frames
  std::uint32_t number_;
  std::uint16_t picture_id_;
  std::uint8_t tl0_;
  std::array<std::uint32_t, 3> last_{};  // frame of each temporal layer
  std::uint64_t keyframes_ = 0;
};

}  // namespace zvonok::sim
