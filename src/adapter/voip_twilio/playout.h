// How much sound of ours waits at Twilio's to be played, and when to leave some out: Twilio plays what it gets one
// after the other however late that makes it, so that a burst, a fast clock here or a stall of the connection would be
// a delay for the rest of the call. Also the clock of what comes from there. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.h"

namespace zvonok::voip_twilio {

/// A second of G.711.
inline constexpr std::size_t kSamplesPerSecond = 8000;

class Playout {
 public:
  /// More than this waits only after tones; then speech is left out until the least is reached.
  static constexpr Duration kMost = milliseconds{300};
  static constexpr Duration kLeast = milliseconds{40};
  /// What has waited at all times for so long is there for nothing: a piece is left out.
  static constexpr Duration kWindow = seconds{1};
  /// Between two marks, which Twilio sends back when it has played what was sent before them.
  static constexpr Duration kMarkInterval = milliseconds{500};
  static constexpr std::size_t kMarksMax = 120;  // on their way

  /// A piece of speech: whether to send it.
  [[nodiscard]] bool admit(TimePoint now, std::size_t samples);
  /// What is sent whatever waits: tones.
  void add(TimePoint now, std::size_t samples);
  /// All that waited is forgotten there, and the marks in it come back at once.
  void clear(TimePoint now);
  [[nodiscard]] Duration waiting(TimePoint now) const;

  /// The number of a mark, when one is to follow what was sent.
  [[nodiscard]] std::optional<std::uint64_t> next_mark(TimePoint now);
  /// It has come back. One that took longer than the quickest by more than kMost tells of sound that waits unseen. Of
  /// unknown ones nothing is made.
  void on_mark(TimePoint now, std::uint64_t number);

 private:
  struct Mark {
    std::uint64_t number = 0;
    TimePoint sent{};
    Duration behind{};       // that waited before it, as far as was known
    Duration sent_before{};  // of sound
  };
  void forget_marks();

  TimePoint played_until_{};
  TimePoint window_end_{};
  Duration least_in_window_ = Duration::max();
  bool draining_ = false;
  Duration sent_{};  // of sound, at all
  std::deque<Mark> marks_;
  std::uint64_t next_number_ = 1;
  TimePoint next_mark_at_{};
  /// What a mark took without waiting: there and back.
  std::optional<Duration> quickest_;
};

/// Gives the pieces that come from Twilio timestamps as RTP has them, which go on from one stream to the next.
class StreamClock {
 public:
  struct Stamp {
    std::uint32_t timestamp = 0;
    bool is_first = false;
  };
  void begin_stream() { fresh_ = true; }
  /// `milliseconds`: as Twilio says, since the beginning of the stream. They are rounded, and wrong by a piece at
  /// times: only what is off by more is a gap.
  [[nodiscard]] Stamp next(std::uint64_t milliseconds, std::size_t samples);

 private:
  static constexpr std::int64_t kTolerance = 480;  // samples
  bool fresh_ = true;
  std::uint32_t offset_ = 0;  // of Twilio's clock to ours
  std::uint32_t expected_ = 0;
};

}  // namespace zvonok::voip_twilio
