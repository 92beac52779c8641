#include "media/phone/concealer.h"

#include <algorithm>
#include <cmath>

namespace zvonok::media::phone {
namespace {

/// How alike both are, -1 to 1; 1 for silence.
double likeness(std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
  double both = 0;
  double of_a = 1;
  double of_b = 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += double{static_cast<double>(a[i])} * b[i];
    of_a += double{static_cast<double>(a[i])} * a[i];
    of_b += double{static_cast<double>(b[i])} * b[i];
  }
  if (of_a + of_b < 2 * static_cast<double>(a.size()) * 40 * 40) return 1;
  return both / std::sqrt(of_a * of_b);
}

/// From `a` to `b`, at `at` of `all`.
std::int16_t blend(std::int16_t a, std::int16_t b, std::size_t at, std::size_t all) {
  const int to_b = static_cast<int>(at);
  const int whole = static_cast<int>(all);
  return static_cast<std::int16_t>((int{a} * (whole - to_b) + int{b} * to_b) / whole);
}

}  // namespace

void Concealer::remember(std::span<const std::int16_t> samples) {
  if (samples.size() >= kHistory) samples = samples.last(kHistory);
  std::shift_left(history_.begin(), history_.end(), static_cast<std::ptrdiff_t>(samples.size()));
  std::copy(samples.begin(), samples.end(), history_.end() - static_cast<std::ptrdiff_t>(samples.size()));
}

void Concealer::on_heard(std::span<std::int16_t> samples) {
  if (made_up_ > 0) {
    const std::size_t overlap = std::min(kOverlap, samples.size());
    for (std::size_t i = 0; i < overlap; ++i) samples[i] = blend(next_made_up(), samples[i], i + 1, overlap + 1);
    made_up_ = 0;
  }
  remember(samples);
}

/// The shift at which the end of what was heard is most like what was before it.
std::size_t Concealer::find_period() const {
  const std::span all{history_};
  const auto end = all.last(kCompared);
  std::size_t best = kPeriodLeast;
  double most = -2;
  for (std::size_t shift = kPeriodLeast; shift <= kPeriodMost; ++shift) {
    const double alike = likeness(end, all.subspan(kHistory - kCompared - shift, kCompared));
    if (alike <= most) continue;
    most = alike;
    best = shift;
  }
  return best;
}

std::int16_t Concealer::next_made_up() {
  const std::int16_t sample = period_[made_up_ % period_length_];
  const std::size_t at = made_up_++;
  if (at < kFadeFrom) return sample;
  if (at >= kFadeTo) return 0;
  return blend(sample, 0, at - kFadeFrom, kFadeTo - kFadeFrom);
}

void Concealer::conceal(std::span<std::int16_t> out) {
  if (made_up_ == 0) {
    period_length_ = find_period();
    const auto last = std::span{history_}.last(period_length_);
    std::ranges::copy(last, period_.begin());
    // The end of a period is to go over into its beginning: into what was before that.
    const std::size_t overlap = period_length_ / 4;
    const auto before = std::span{history_}.subspan(kHistory - period_length_ - overlap, overlap);
    for (std::size_t i = 0; i < overlap; ++i) {
      std::int16_t& sample = period_[period_length_ - overlap + i];
      sample = blend(sample, before[i], i, overlap);
    }
  }
  for (std::int16_t& sample : out) sample = next_made_up();
  remember(out);
}

void Concealer::shorten(std::vector<std::int16_t>& samples) {
  constexpr double kAlike = 0.8;
  if (samples.size() < 2 * kPeriodMost) return;
  const std::span all{samples};
  std::size_t best = 0;
  double most = kAlike;
  for (std::size_t shift = kPeriodMost; shift >= kPeriodLeast; --shift) {
    const double alike = likeness(all.first(kCompared), all.subspan(shift, kCompared));
    if (alike <= most) continue;
    most = alike;
    best = shift;
  }
  if (best == 0) return;
  for (std::size_t i = 0; i < kCompared; ++i) samples[i + best] = blend(samples[i], samples[i + best], i, kCompared);
  samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(best));
}

}  // namespace zvonok::media::phone
