// How much of its video a media thread that can't keep up leaves out, so that what it serves is served in time: audio
// is never touched. Falling behind would make everything late for everybody, and later all the time.
//
// Reads no clock.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/time.h"
#include "proto/rtp/types.h"

namespace zvonok::media {

class Shedding {
 public:
  /// In eighths of the video streams that receivers get.
  static constexpr std::uint8_t kLevels = 8;
  /// Of processor time: a turn in which whatever came had to wait for longer than a person should. What other programs
  /// take from the thread does not count: to leave out video would not bring it back.
  static constexpr Duration kLongTurn = milliseconds{25};
  /// Long turns altogether, within kWindow, that make it one level more.
  static constexpr Duration kTooLong = milliseconds{150};
  static constexpr Duration kWindow = milliseconds{400};
  /// Without a long turn until it is tried with one level less; doubled each time that was too early.
  static constexpr Duration kCalmFirst = seconds{3};
  static constexpr Duration kCalmMost = seconds{48};

  /// Which receivers' streams are left out together: those below the level.
  static std::uint8_t lot_of(rtp::Ssrc ssrc) { return static_cast<std::uint8_t>(std::to_underlying(ssrc) % kLevels); }

  enum class Left : std::uint8_t { Nothing, Some };
  /// A turn has ended that took so much processor time; and whether more had come than it could read. True: the level
  /// is another one now.
  bool on_turn(TimePoint ended, Duration worked, Left left) {
    if (left == Left::Some || worked >= kLongTurn) return on_long_turn(ended, worked);
    if (level_ == 0 || ended - last_long_ < calm_) return false;
    --level_;
    eased_at_ = last_long_ = ended;
    return true;
  }
  [[nodiscard]] std::uint8_t level() const { return level_; }

 private:
  bool on_long_turn(TimePoint ended, Duration worked) {
    if (ended - worked - window_begin_ > kWindow) {
      window_begin_ = ended - worked;
      long_turns_ = {};
    }
    last_long_ = ended;
    long_turns_ += worked;
    if (long_turns_ < kTooLong || level_ == kLevels) return false;
    if (eased_at_) calm_ = ended - *eased_at_ < calm_ ? std::min(2 * calm_, kCalmMost) : kCalmFirst;
    eased_at_.reset();
    ++level_;
    window_begin_ = ended;
    long_turns_ = {};
    return true;
  }

  std::uint8_t level_ = 0;
  Duration long_turns_{};
  Duration calm_ = kCalmFirst;
  TimePoint window_begin_{};
  TimePoint last_long_{};
  std::optional<TimePoint> eased_at_;
};

}  // namespace zvonok::media
