// The receiving side of transport-wide congestion control: remembers when packets came and reports it to their sender
// (draft-holmer-rmcat-transport-wide-cc-extensions-01). One for each transport; not thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/sequence.h"
#include "base/time.h"
#include "proto/rtcp/packet.h"
#include "proto/rtcp/transport_feedback.h"

namespace zvonok::rtcp {

struct TwccRecorderOptions {
  Ssrc sender{};                         // ours
  Duration interval = milliseconds{50};  // between feedbacks; 50 to 100 ms is what others do
  std::size_t window = 1U << 13;         // packets: the span of numbers that can wait for a feedback; a power of two
  std::size_t reorder = 256;             // how far before what was reported a late packet still gets reported
};

/// Numbers given to `note` have to come from packets that were authenticated: each moves the window.
class TwccRecorder {
 public:
  enum class Noted : std::uint8_t {
    Recorded,
    Duplicate,  // the first arrival stands
    TooOld,     // behind the window
  };

  explicit TwccRecorder(const TwccRecorderOptions& options);

  /// Whose packet came last: feedback names it as its media source.
  void set_media(Ssrc media) { media_ = media; }

  /// Does not allocate, except that memory grows by doubling (8 bytes a packet) when more packets come between two
  /// feedbacks than ever before, up to the window.
  Noted note(std::uint16_t sequence, TimePoint arrival);

  /// When `poll` will have something; none when everything is reported.
  [[nodiscard]] std::optional<TimePoint> next_timeout() const { return due_; }

  /// When a feedback is due, fills `out` with one or more whole feedback packets and returns their length, else 0.
  /// What did not fit stays due: poll again until it gives 0. `out` should hold 100 bytes or more; one that can't hold
  /// even the smallest packet gets nothing.
  [[nodiscard]] std::size_t poll(TimePoint now, MutableBytes out);

 private:
  [[nodiscard]] std::int64_t& slot(std::uint64_t sequence) { return slots_[sequence & (slots_.size() - 1)]; }
  [[nodiscard]] std::uint64_t oldest_kept() const;
  void make_room(std::uint64_t sequence);
  void forget_until(std::uint64_t sequence);
  std::size_t write_one(MutableBytes out);

  TwccRecorderOptions options_;
  Ssrc media_{};
  SequenceExtender extender_;
  std::vector<std::int64_t> slots_;  // arrival in ns by sequence modulo size, or kNotReceived
  std::uint64_t newest_ = 0;         // the last number that came
  std::uint64_t next_report_ = 0;    // everything before it was reported
  std::uint64_t known_from_ = 0;     // what came before it is not known any more
  std::uint8_t feedback_count_ = 0;
  std::optional<TimePoint> due_;
  std::optional<TimePoint> last_sent_;
};

}  // namespace zvonok::rtcp
