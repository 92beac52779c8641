// Arrivals lie in a ring indexed by sequence number. It covers [oldest_kept(), newest_]: what waits for a feedback, and
// some of what was reported, so that a late packet can be reported together with its neighbours.
#include "proto/rtcp/twcc_recorder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "base/check.h"

namespace zvonok::rtcp {
namespace {

constexpr std::int64_t kNotReceived = std::numeric_limits<std::int64_t>::min();
/// More than one feedback packet can cover: each takes a byte or more.
constexpr std::size_t kArrivalsPerPacketMax = 512;

}  // namespace

TwccRecorder::TwccRecorder(const TwccRecorderOptions& options) : options_{options} {
  ZVONOK_CHECK(std::has_single_bit(options.window) && options.window >= 64 && options.window <= kFeedbackStatusesMax);
  ZVONOK_CHECK(options.reorder < options.window && options.interval > Duration::zero());
}

std::uint64_t TwccRecorder::oldest_kept() const {
  const std::uint64_t in_ring = newest_ + 1 - std::min<std::uint64_t>(newest_ + 1, slots_.size());
  const std::uint64_t in_reach = next_report_ - std::min<std::uint64_t>(next_report_, options_.reorder);
  return std::max({in_ring, in_reach, known_from_});
}

/// After it, the ring covers [sequence - window + 1, sequence] as far as that is asked for, and slots behind the old
/// newest_ are empty.
void TwccRecorder::make_room(std::uint64_t sequence) {
  const std::uint64_t reach = next_report_ - std::min<std::uint64_t>(next_report_, options_.reorder);
  const std::uint64_t span = sequence - reach + 1;
  if (span > slots_.size() && slots_.size() < options_.window) {
    const std::size_t size = std::min<std::size_t>(std::bit_ceil(span), options_.window);
    std::vector<std::int64_t> larger(size, kNotReceived);
    const std::uint64_t known = newest_ + 1 - std::min<std::uint64_t>(newest_ + 1, slots_.size());
    for (std::uint64_t old = known; old <= newest_; ++old) larger[old & (size - 1)] = slot(old);
    known_from_ = std::max(known_from_, known);
    slots_ = std::move(larger);
  }
  if (sequence - newest_ >= slots_.size()) {
    std::ranges::fill(slots_, kNotReceived);
  } else {
    for (std::uint64_t next = newest_ + 1; next <= sequence; ++next) slot(next) = kNotReceived;
  }
}

void TwccRecorder::forget_until(std::uint64_t sequence) {
  next_report_ = std::max(next_report_, sequence);
}

TwccRecorder::Noted TwccRecorder::note(std::uint16_t sequence, TimePoint arrival) {
  const bool is_first = slots_.empty();
  const std::uint64_t number = extender_.update(sequence);
  if (is_first) {
    slots_.assign(std::min(options_.window, std::bit_ceil(2 * options_.reorder + 64)), kNotReceived);
    newest_ = next_report_ = number;
  } else if (number > newest_) {
    // A jump past the window is a sender that began anew, not that many losses.
    if (number - newest_ >= options_.window) forget_until(number);
    make_room(number);
    newest_ = number;
    if (newest_ - next_report_ >= slots_.size()) forget_until(newest_ - slots_.size() + 1);
  } else if (number < oldest_kept()) {
    return Noted::TooOld;
  } else if (slot(number) != kNotReceived) {
    return Noted::Duplicate;
  }
  slot(number) = arrival.time_since_epoch().count();
  next_report_ = std::min(next_report_, number);
  if (!due_) due_ = last_sent_ ? std::max(arrival, *last_sent_ + options_.interval) : arrival + options_.interval;
  return Noted::Recorded;
}

std::size_t TwccRecorder::write_one(MutableBytes out) {
  std::array<PacketArrival, kArrivalsPerPacketMax> arrivals;
  std::size_t count = 0;
  for (std::uint64_t number = next_report_; number <= newest_ && count < arrivals.size(); ++number) {
    const std::int64_t at = slot(number);
    if (at != kNotReceived) arrivals[count++] = {.sequence = number, .arrival = TimePoint{Duration{at}}};
  }
  ByteWriter writer{out};
  const std::size_t covered = write_transport_feedback(writer,
                                                       {.source = {.sender = options_.sender, .media = media_},
                                                        .feedback_count = feedback_count_,
                                                        .first_sequence = next_report_},
                                                       std::span{arrivals}.first(count));
  if (covered == 0) return 0;
  ++feedback_count_;
  next_report_ = arrivals[covered - 1].sequence + 1;
  return writer.size();
}

std::size_t TwccRecorder::poll(TimePoint now, MutableBytes out) {
  if (!due_ || now < *due_) return 0;
  std::size_t written = 0;
  while (next_report_ <= newest_) {
    const std::size_t bytes = write_one(out.subspan(written));
    if (bytes == 0) break;
    written += bytes;
  }
  if (written > 0) last_sent_ = now;
  if (next_report_ > newest_) due_.reset();
  return written;
}

}  // namespace zvonok::rtcp
