#include "media/nack_generator.h"

#include <algorithm>
#include <utility>

namespace zvonok::media {

NackGenerator::Arrival NackGenerator::on_packet(std::uint64_t sequence, TimePoint now) {
  if (!started_) {
    started_ = true;
    newest_ = sequence;
    return Arrival::New;
  }
  if (sequence <= newest_) {
    const auto found = std::ranges::lower_bound(missing_, sequence, {}, &Missing::sequence);
    if (found == missing_.end() || found->sequence != sequence) return Arrival::Stale;
    missing_.erase(found);
    return Arrival::Recovered;
  }
  std::uint64_t first = newest_ + 1;
  newest_ = sequence;
  if (sequence - first >= options_.missing_max) {  // a jump: what was missing before it is of no use any more
    given_up_ += missing_.size() + static_cast<std::size_t>(sequence - first) - options_.missing_max;
    missing_.clear();
    first = sequence - options_.missing_max;
  }
  for (; first < sequence; ++first) {
    missing_.push_back({.sequence = first, .since = now, .ask_at = now + options_.first_delay});
  }
  if (missing_.size() > options_.missing_max) {
    const std::size_t excess = missing_.size() - options_.missing_max;
    given_up_ += excess;
    missing_.erase(missing_.begin(), missing_.begin() + static_cast<std::ptrdiff_t>(excess));
  }
  return Arrival::New;
}

void NackGenerator::collect(TimePoint now, Duration round_trip, std::vector<std::uint16_t>& out) {
  const Duration repeat = std::max(options_.repeat_min, round_trip);
  std::erase_if(missing_, [&](Missing& packet) {
    if (packet.ask_at > now) return false;
    if (packet.requests >= options_.requests_max || now - packet.since >= options_.age_max) {
      ++given_up_;
      return true;
    }
    ++packet.requests;
    packet.ask_at = now + repeat;
    out.push_back(static_cast<std::uint16_t>(packet.sequence));
    return false;
  });
}

TimePoint NackGenerator::next_timeout() const {
  TimePoint next = TimePoint::max();
  for (const Missing& packet : missing_) next = std::min(next, packet.ask_at);
  return next;
}

std::size_t NackGenerator::take_given_up() {
  return std::exchange(given_up_, 0);
}

}  // namespace zvonok::media
