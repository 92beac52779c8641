// See world.h.
#include "sim/bwe/world.h"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace zvonok::sim {

namespace {

constexpr Duration kStep = milliseconds{1};
constexpr int kFlowShift = 56;

std::int64_t bps(std::uint64_t bytes) {
  return static_cast<std::int64_t>(bytes) * 8 * (seconds{1} / World::kSample);
}

}  // namespace

World::World(const test::LinkProfile& link, const test::LinkProfile& back, std::uint64_t seed)
    : link_{link, seed}, back_{back, seed + 1}, seed_{seed} {}

Flow& World::add(std::unique_ptr<media::bwe::Controller> controller, const FlowOptions& options) {
  flows_.push_back(std::make_unique<Flow>(flows_.size(), std::move(controller), options, seed_ + 17 * flows_.size()));
  traces_.emplace_back();
  counted_.emplace_back();
  return *flows_.back();
}

void World::run_until(Duration since_start) {
  while (now_ < TimePoint{since_start}) {
    for (const test::Arrival& arrival : link_.poll(now_)) {
      flows_[arrival.datagram.tag >> kFlowShift]->handle_media(arrival);
    }
    for (const test::Arrival& arrival : back_.poll(now_)) {
      flows_[arrival.datagram.tag >> kFlowShift]->handle_feedback(now_, arrival);
    }
    for (const auto& flow : flows_) flow->step(now_, link_, back_);
    if (now_ >= next_sample_) sample();
    now_ += kStep;
  }
}

void World::sample() {
  next_sample_ += kSample;
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    Flow& flow = *flows_[i];
    const auto estimate = flow.estimate(now_);
    traces_[i].push_back({.at = now_,
                          .target_bps = estimate.target_bps,
                          .sent_bps = bps(flow.bytes_sent() - counted_[i].sent),
                          .received_bps = bps(flow.bytes_received() - counted_[i].received),
                          .queue = link_.queue_delay(now_),
                          .worst_audio_delay = flow.take_worst_audio_delay(),
                          .limited_by = estimate.limited_by,
                          .is_alr = estimate.is_alr});
    counted_[i] = {.sent = flow.bytes_sent(), .received = flow.bytes_received()};
  }
}

std::vector<Sample> World::between(std::size_t flow, Duration from, Duration to) const {
  std::vector<Sample> found;
  for (const Sample& sample : traces_[flow]) {
    if (sample.at >= TimePoint{from} && sample.at < TimePoint{to}) found.push_back(sample);
  }
  return found;
}

std::int64_t World::mean_received(std::size_t flow, Duration from, Duration to) const {
  const auto samples = between(flow, from, to);
  std::int64_t sum = 0;
  for (const Sample& sample : samples) sum += sample.received_bps;
  return samples.empty() ? 0 : sum / static_cast<std::int64_t>(samples.size());
}

std::int64_t World::mean_target(std::size_t flow, Duration from, Duration to) const {
  const auto samples = between(flow, from, to);
  std::int64_t sum = 0;
  for (const Sample& sample : samples) sum += sample.target_bps;
  return samples.empty() ? 0 : sum / static_cast<std::int64_t>(samples.size());
}

std::int64_t World::lowest_target(std::size_t flow, Duration from, Duration to) const {
  std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
  for (const Sample& sample : between(flow, from, to)) lowest = std::min(lowest, sample.target_bps);
  return lowest;
}

Duration World::worst_queue(Duration from, Duration to) const {
  Duration worst{};
  for (const Sample& sample : between(0, from, to)) worst = std::max(worst, sample.queue);
  return worst;
}

Duration World::mean_queue(Duration from, Duration to) const {
  const auto samples = between(0, from, to);
  Duration sum{};
  for (const Sample& sample : samples) sum += sample.queue;
  return samples.empty() ? sum : sum / static_cast<std::int64_t>(samples.size());
}

std::string World::story(std::size_t flow) const {
  std::string text = "seed " + std::to_string(seed_) + "\n  time  target    sent    recv kbit/s  queue ms by alr\n";
  for (std::size_t i = 0; i < traces_[flow].size(); i += 5) {
    const Sample& s = traces_[flow][i];
    char line[120];
    std::snprintf(line, sizeof line, "%6.1f %7lld %7lld %7lld %15lld %2d %s\n",
                  static_cast<double>(s.at.time_since_epoch().count()) / 1e9,
                  static_cast<long long>(s.target_bps / 1000), static_cast<long long>(s.sent_bps / 1000),
                  static_cast<long long>(s.received_bps / 1000), static_cast<long long>(s.queue / milliseconds{1}),
                  static_cast<int>(s.limited_by), s.is_alr ? "alr" : "");
    text += line;
  }
  return text;
}

}  // namespace zvonok::sim
