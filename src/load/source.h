// A published track: packets of the shape of Opus and of VP8, evenly spaced as encoders and pacers have them, each with
// a stamp. Sans-IO.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "load/stamp.h"
#include "media/parameters.h"

namespace zvonok::load {

struct SourceOptions {
  media::Kind kind = media::Kind::Audio;
  std::uint32_t track = 0;  // of the whole run, from 1 on
  std::uint32_t room = 0;
  unsigned packets_per_second = 50;
  std::size_t payload_bytes = 100;  // kPayloadBytesMin to 1200
  // Of video.
  std::string rid{};  // of simulcast: sources with one that follow each other are layers of one picture
  std::uint16_t height = 360;
  unsigned key_frame_factor = 1;  // how many times as large as others key frames are
};

class Source {
 public:
  static constexpr unsigned kFramesPerSecond = 30;  // of video
  static constexpr unsigned kBurst = 4;             // packets of a frame sent at once; of large frames more
  static constexpr unsigned kBurstsMax = 5;         // in one frame
  static constexpr Duration kBurstInterval = milliseconds{5};

  explicit Source(const SourceOptions& options);

  /// Begins a little later than `now`, each source at a phase of its own; with a key frame.
  void start(TimePoint now);
  void stop() { next_ = TimePoint::max(); }
  /// When the next packet is due; TimePoint::max() when not started.
  [[nodiscard]] TimePoint next() const { return next_; }

  struct Packet {
    bool marker = false;
    std::uint32_t timestamp = 0;
    Stamp stamp;
    Bytes payload;  // until the next call
  };
  /// The packet that is due. Only when `next() <= now`.
  [[nodiscard]] Packet make(TimePoint now);

  void want_key_frame() { key_wanted_ = true; }
  [[nodiscard]] std::uint64_t key_frames() const { return key_frames_; }
  [[nodiscard]] const SourceOptions& options() const { return options_; }
  [[nodiscard]] std::uint32_t clock_rate() const { return options_.kind == media::Kind::Audio ? 48'000 : 90'000; }
  [[nodiscard]] std::uint32_t timestamp() const { return timestamp_; }

 private:
  void plan_next(TimePoint now);
  void begin_frame();
  void write_vp8();

  SourceOptions options_;
  std::vector<std::uint8_t> payload_;
  TimePoint next_ = TimePoint::max();
  TimePoint tick_{};  // of the audio packet or the frame that is being sent
  Duration interval_{};
  std::uint64_t number_ = 0;
  std::uint32_t timestamp_ = 0;

  // Of video.
  std::uint64_t frame_ = 0;
  unsigned owed_ = 0;  // packets, in parts of kFramesPerSecond
  unsigned packets_of_frame_ = 1;
  unsigned packet_of_frame_ = 0;
  bool key_wanted_ = true;
  bool is_key_ = false;
  std::uint64_t key_frames_ = 0;
};

}  // namespace zvonok::load
