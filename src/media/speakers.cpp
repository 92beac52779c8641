#include "media/speakers.h"

#include <algorithm>

namespace zvonok::media {

void Speakers::add(TrackId track) {
  if (find(track) == nullptr) tracks_.push_back({.id = track});
}

void Speakers::remove(TrackId track) {
  std::erase_if(tracks_, [track](const Track& t) { return t.id == track; });
}

Speakers::Track* Speakers::find(TrackId track) {
  const auto found = std::ranges::find(tracks_, track, &Track::id);
  return found == tracks_.end() ? nullptr : &*found;
}

void Speakers::on_level(TrackId track, std::uint8_t level) {
  Track* const t = find(track);
  if (t == nullptr) return;
  ++t->packets;
  const auto loudness = static_cast<std::uint8_t>(127 - std::min<std::uint8_t>(level, 127));
  if (loudness < options_.speech_level) return;
  ++t->speech_packets;
  t->speech_sum += loudness;
}

bool Speakers::update(TimePoint now) {
  std::vector<Speaker> next;
  for (Track& t : tracks_) {
    const double share = t.packets == 0 ? 0 : static_cast<double>(t.speech_packets) / t.packets;
    const double loudness = t.speech_packets == 0 ? 0 : static_cast<double>(t.speech_sum) / t.speech_packets;
    t.packets = t.speech_packets = t.speech_sum = 0;
    t.level = 0.6 * t.level + 0.4 * loudness * std::min(1.0, share * 2);
    if (share >= options_.begin_share) t.speaks = true;
    if (share >= options_.end_share) t.quiet_since = now;
    if (t.speaks && now - t.quiet_since >= options_.hold) t.speaks = false;
    if (t.speaks) next.push_back({.track = t.id, .level = static_cast<std::uint8_t>(t.level)});
  }
  std::ranges::stable_sort(next, std::ranges::greater{}, &Speaker::level);
  // The first stays first unless somebody is clearly louder: two who speak at once must not flicker.
  if (!current_.empty() && next.size() > 1 && next.front().track != current_.front().track) {
    const auto before = std::ranges::find(next, current_.front().track, &Speaker::track);
    constexpr int kMargin = 4;
    if (before != next.end() && next.front().level < before->level + kMargin) {
      std::rotate(next.begin(), before, before + 1);
    }
  }
  if (next.size() > options_.speakers_max) next.resize(options_.speakers_max);
  // The order behind the first is no change, or it would change with every breath.
  const bool same_first =
      next.empty() || current_.empty() ? next.empty() == current_.empty() : next[0].track == current_[0].track;
  const bool changed =
      !same_first || !std::ranges::is_permutation(next, current_, {}, &Speaker::track, &Speaker::track);
  current_ = std::move(next);
  return changed;
}

}  // namespace zvonok::media
