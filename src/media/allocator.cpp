// See allocator.h.
#include "media/allocator.h"

#include <algorithm>
#include <tuple>

namespace zvonok::media {

namespace {

constexpr std::uint16_t kUsableHeight = 360;
constexpr int kRanks = 3;

int rank_of(const WantedVideo& video) {
  if (video.source == VideoSource::Screen) return 0;
  switch (video.attention) {
    case Attention::Speaker: return 0;
    case Attention::Pinned: return 1;
    case Attention::Thumbnail: return 2;
  }
  return kRanks - 1;
}

using Ladder = detail::VideoLadder;

/// The lowest height among the layers that fills `wanted` lines, or the highest there is.
std::uint16_t height_for(std::span<const AvailableLayer> layers, std::uint16_t wanted) {
  std::optional<std::uint16_t> fills;
  std::uint16_t highest = 0;
  for (const AvailableLayer& layer : layers) {
    highest = std::max(highest, layer.height);
    if (layer.height >= wanted && (!fills || layer.height < *fills)) fills = layer.height;
  }
  return fills.value_or(highest);
}

Ladder make_ladder(const WantedVideo& video) {
  Ladder ladder{.video = &video, .rank = rank_of(video)};
  const auto layers = std::span{video.layers}.first(std::min(video.layers.size(), Allocator::kLayersMax));
  if (video.height == 0 || layers.empty()) return ladder;
  const std::uint16_t tallest = height_for(layers, video.height);
  for (const AvailableLayer& layer : layers) {
    if (layer.bitrate_bps > 0 && layer.height <= tallest) ladder.steps.push_back(layer);
  }
  std::sort(ladder.steps.begin(), ladder.steps.end(), [](const AvailableLayer& a, const AvailableLayer& b) {
    return std::tie(a.bitrate_bps, a.id.spatial, a.id.temporal) < std::tie(b.bitrate_bps, b.id.spatial, b.id.temporal);
  });
  // A layer that costs more and shows less than one below it is no step.
  std::vector<AvailableLayer> rising;
  for (const AvailableLayer& layer : ladder.steps) {
    const bool shows_less = !rising.empty() && layer.id.spatial <= rising.back().id.spatial &&
                            layer.id.temporal <= rising.back().id.temporal;
    if (!shows_less) rising.push_back(layer);
  }
  ladder.steps = std::move(rising);
  const std::uint16_t usable = height_for(layers, std::min(video.height, kUsableHeight));
  for (std::size_t i = 0; i < ladder.steps.size(); ++i) {
    if (ladder.steps[i].height <= usable) ladder.usable = i + 1;
  }
  return ladder;
}

bool is_before(const Ladder& a, const Ladder& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.video->priority != b.video->priority) return a.video->priority > b.video->priority;
  return a.video->id < b.video->id;
}

bool are_equals(const Ladder& a, const Ladder& b) {
  return a.rank == b.rank && a.video->priority == b.video->priority;
}

/// Raises these equals step by step, always the one that has least, until nothing more fits.
void raise(std::span<Ladder*> equals, bool only_usable, std::int64_t& left) {
  while (true) {
    Ladder* poorest = nullptr;
    for (Ladder* ladder : equals) {
      const std::size_t top = only_usable ? ladder->usable : ladder->steps.size();
      if (ladder->step >= top || ladder->rate(ladder->step + 1) - ladder->rate() > left) continue;
      if (poorest == nullptr || ladder->rate() < poorest->rate()) poorest = ladder;
    }
    if (poorest == nullptr) return;
    left -= poorest->rate(poorest->step + 1) - poorest->rate();
    ++poorest->step;
  }
}

template <class Visit>
void for_each_group(std::vector<Ladder*>& order, Visit visit) {
  std::size_t begin = 0;
  while (begin < order.size()) {
    std::size_t end = begin + 1;
    while (end < order.size() && are_equals(*order[begin], *order[end])) ++end;
    visit(std::span{order}.subspan(begin, end - begin));
    begin = end;
  }
}

/// Sets every ladder's step for this much video. `order` is sorted by is_before.
void fill(std::vector<Ladder*>& order, std::int64_t budget) {
  std::int64_t left = std::max<std::int64_t>(0, budget);
  for (Ladder* ladder : order) ladder->step = 0;
  for_each_group(order, [&](std::span<Ladder*> equals) {
    if (equals.front()->rank == 0) raise(equals, true, left);
  });
  for (Ladder* ladder : order) {
    if (ladder->step > 0 || ladder->steps.empty() || ladder->rate(1) > left) continue;
    left -= ladder->rate(1);
    ladder->step = 1;
  }
  for_each_group(order, [&](std::span<Ladder*> equals) { raise(equals, false, left); });
}

/// What it has, as a step of today's ladder: rates move, the layer counts. A layer that is gone counts as the highest
/// that costs no more.
std::size_t step_of(const Ladder& ladder, std::optional<LayerId> layer, std::int64_t bitrate_bps) {
  if (!layer || ladder.steps.empty()) return 0;
  std::size_t affordable = 1;
  for (std::size_t s = 0; s < ladder.steps.size(); ++s) {
    if (ladder.steps[s].id == *layer) return s + 1;
    if (ladder.steps[s].bitrate_bps <= bitrate_bps) affordable = s + 1;
  }
  return affordable;
}

}  // namespace

/// `ladder.step` is how far it may rise, `fits` how high it may stand.
Allocator::Step Allocator::choose(TimePoint now, const Ladder& ladder, const Memory* before, std::size_t fits) {
  std::size_t had = before == nullptr ? 0 : step_of(ladder, before->layer, before->bitrate_bps);
  if (had == 0 && ladder.video->flows && !ladder.steps.empty()) had = 1;
  const std::size_t stays = std::min(had, fits);
  const std::size_t rises = std::min(ladder.step, fits);
  if (rises <= stays) return {.chosen = stays};
  const bool is_asked =
      before == nullptr || !before->had_layers || ladder.video->height > before->height || ladder.rank < before->rank;
  const TimePoint since = before != nullptr ? before->better_since.value_or(now) : now;
  if (is_asked || now - since >= kPatience) return {.chosen = rises};
  return {.chosen = stays, .better_since = since};
}

const Allocator::Memory* Allocator::remembered(VideoId id) const {
  const auto found = std::find_if(memory_.begin(), memory_.end(), [id](const Memory& m) { return m.id == id; });
  return found == memory_.end() ? nullptr : &*found;
}

Allocation Allocator::allocate(TimePoint now, const AllocationRequest& request) {
  const auto videos = request.videos.first(std::min(request.videos.size(), kVideosMax));
  std::vector<Ladder> ladders;
  ladders.reserve(videos.size());
  for (const WantedVideo& video : videos) ladders.push_back(make_ladder(video));
  std::vector<Ladder*> order;
  order.reserve(ladders.size());
  for (Ladder& ladder : ladders) order.push_back(&ladder);
  std::sort(order.begin(), order.end(), [](const Ladder* a, const Ladder* b) { return is_before(*a, *b); });

  // What fits at all is the upper limit of everything; what fits with headroom is how far anything may rise.
  const std::int64_t budget = request.estimate_bps - request.audio_bps;
  const auto cautious =
      static_cast<std::int64_t>(static_cast<double>(request.estimate_bps) / kHeadroom) - request.audio_bps;
  fill(order, budget);
  std::vector<std::size_t> fits;
  fits.reserve(ladders.size());
  for (const Ladder& ladder : ladders) fits.push_back(ladder.step);
  fill(order, cautious);

  Allocation result{.wanted_bps = request.audio_bps};
  std::vector<Memory> memory;
  memory.reserve(ladders.size());
  for (std::size_t i = 0; i < ladders.size(); ++i) {
    const Ladder& ladder = ladders[i];
    const Memory* const before = remembered(ladder.video->id);
    const Step step = choose(now, ladder, before, fits[i]);
    Memory after{.id = ladder.video->id,
                 .bitrate_bps = ladder.rate(step.chosen),
                 .height = ladder.video->height,
                 .rank = ladder.rank,
                 .had_layers = !ladder.steps.empty(),
                 .better_since = step.better_since};
    if (step.chosen > 0) after.layer = ladder.steps[step.chosen - 1].id;
    if (step.better_since) {
      const TimePoint due = *step.better_since + kPatience;
      result.next_timeout = result.next_timeout ? std::min(*result.next_timeout, due) : due;
    }
    result.videos.push_back({.id = after.id, .layer = after.layer, .bitrate_bps = after.bitrate_bps});
    result.video_bps += after.bitrate_bps;
    result.wanted_bps += ladder.rate(ladder.steps.size());
    memory.push_back(after);
  }
  for (const WantedVideo& video : request.videos.subspan(videos.size())) result.videos.push_back({.id = video.id});
  memory_ = std::move(memory);
  return result;
}

}  // namespace zvonok::media
