#include "proto/socketio/replay_log.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace zvonok::socketio {
namespace {

constexpr std::size_t kOverheadBytes = 128;  // of one event besides its content

}  // namespace

std::size_t SealedEvent::bytes() const {
  std::size_t sum = text.size() + kOverheadBytes;
  for (const std::string& attachment : attachments) sum += attachment.size();
  return sum;
}

std::size_t ReplayLog::push(SharedEvent event, const ReplayLimits& limits) {
  ZVONOK_CHECK(event->number > newest_);
  newest_ = event->number;
  bytes_ += event->bytes();
  events_.push_back(std::move(event));
  std::size_t forgotten = 0;
  while (events_.size() > limits.events_max || bytes_ > limits.bytes_max) {
    forget_oldest();
    ++forgotten;
  }
  return forgotten;
}

void ReplayLog::forget_through(EventNumber number) {
  while (!events_.empty() && events_.front()->number <= number) forget_oldest();
}

void ReplayLog::forget_all() {
  forget_through(newest_);
}

void ReplayLog::forget_oldest() {
  forgotten_ = events_.front()->number;
  bytes_ -= events_.front()->bytes();
  events_.pop_front();
}

std::vector<SharedEvent> ReplayLog::behind(EventNumber seen) const {
  const auto first =
      std::ranges::upper_bound(events_, seen, {}, [](const SharedEvent& event) { return event->number; });
  return {first, events_.end()};
}

}  // namespace zvonok::socketio
