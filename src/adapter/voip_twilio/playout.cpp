#include "adapter/voip_twilio/playout.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace zvonok::voip_twilio {
namespace {

Duration length_of(std::size_t samples) {
  return Duration{seconds{1}} * static_cast<std::int64_t>(samples) / static_cast<std::int64_t>(kSamplesPerSecond);
}

}  // namespace

Duration Playout::waiting(TimePoint now) const {
  return std::max(played_until_ - now, Duration::zero());
}

void Playout::add(TimePoint now, std::size_t samples) {
  const Duration length = length_of(samples);
  played_until_ = std::max(played_until_, now) + length;
  sent_ += length;
}

void Playout::clear(TimePoint now) {
  played_until_ = now;
  forget_marks();
}

void Playout::forget_marks() {
  marks_.clear();
  quickest_.reset();
}

std::optional<std::uint64_t> Playout::next_mark(TimePoint now) {
  if (draining_ || now < next_mark_at_ || marks_.size() >= kMarksMax) return std::nullopt;
  next_mark_at_ = now + kMarkInterval;
  marks_.push_back({.number = next_number_, .sent = now, .behind = waiting(now), .sent_before = sent_});
  return next_number_++;
}

void Playout::on_mark(TimePoint now, std::uint64_t number) {
  if (marks_.empty() || number < marks_.front().number || number > marks_.back().number) return;
  while (marks_.front().number < number) marks_.pop_front();  // lost, which they are not
  const Mark mark = marks_.front();
  marks_.pop_front();
  const Duration took = now - mark.sent - mark.behind;
  quickest_ = std::min(quickest_.value_or(took), took);
  if (took - *quickest_ <= kMost) return;
  // What was sent behind the mark is all that can wait there.
  const Duration unplayed = sent_ - mark.sent_before - *quickest_;
  played_until_ = std::max(played_until_, now + unplayed);
  // Should the way only have become longer, that is what the next ones are compared with.
  forget_marks();
}

bool Playout::admit(TimePoint now, std::size_t samples) {
  const Duration before = waiting(now);
  if (before > kMost) draining_ = true;
  if (draining_ && before > kLeast) return false;
  draining_ = false;
  least_in_window_ = std::min(least_in_window_, before);
  if (now >= window_end_) {
    const Duration least = std::exchange(least_in_window_, Duration::max());
    const bool first = std::exchange(window_end_, now + kWindow) == TimePoint{};
    if (!first && least > kLeast) return false;
  }
  add(now, samples);
  return true;
}

StreamClock::Stamp StreamClock::next(std::uint64_t milliseconds, std::size_t samples) {
  const auto there = static_cast<std::uint32_t>(milliseconds * (kSamplesPerSecond / 1000));
  Stamp stamp{.timestamp = expected_, .is_first = std::exchange(fresh_, false)};
  if (stamp.is_first) {
    offset_ = expected_ - there;
  } else {
    const auto off = static_cast<std::int32_t>(there + offset_ - expected_);
    if (off > kTolerance) {
      stamp = {.timestamp = there + offset_, .is_first = true};
    } else if (off < -kTolerance) {
      offset_ = expected_ - there;  // its clock went back: ours doesn't
    }
  }
  expected_ = stamp.timestamp + static_cast<std::uint32_t>(samples);
  return stamp;
}

}  // namespace zvonok::voip_twilio
