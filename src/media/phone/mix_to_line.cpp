#include "media/phone/mix_to_line.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zvonok::media::phone {
namespace {

// A thread that stood still for longer does not make up for it.
constexpr Duration kBehindMost = milliseconds{100};

constexpr std::size_t kToneSamples = 960;  // 120 ms
constexpr std::size_t kRestSamples = 320;  // between the two of a cue
constexpr std::size_t kCueSamples = 2 * kToneSamples + kRestSamples;
constexpr std::size_t kFadeSamples = 40;  // a tone that begins at once clicks
constexpr double kLowHz = 440;
constexpr double kHighHz = 660;
constexpr double kAmplitude = 5000;

double cue_sample(Cue cue, std::size_t at) {
  const bool second = at >= kToneSamples + kRestSamples;
  const std::size_t in_tone = second ? at - kToneSamples - kRestSamples : at;
  if (in_tone >= kToneSamples) return 0;
  const bool high = second == (cue == Cue::Unmuted);
  const std::size_t to_edge = std::min(in_tone, kToneSamples - 1 - in_tone);
  const double fade = std::min(1.0, static_cast<double>(to_edge) / kFadeSamples);
  const double turns = (high ? kHighHz : kLowHz) * static_cast<double>(in_tone) / g711::kSampleRate;
  return fade * kAmplitude * std::sin(2 * std::numbers::pi * turns);
}

}  // namespace

void MixToLine::on_packet(TimePoint now, TrackId voice, std::uint8_t epoch, const MediaPacket& packet) {
  if (next_tick_ == TimePoint::max()) return;  // nobody takes it out again
  const auto known = epochs_.find(voice);
  if (known != epochs_.end() && known->second != epoch) mixer_.restart(voice);
  if (packet.codec == Codec::Red && packet.red) {
    MediaPacket newest = packet;  // RED is made of Opus alone here
    newest.codec = Codec::Opus;
    newest.payload = packet.red->payload;
    mixer_.on_packet(now, voice, newest);
  } else {
    mixer_.on_packet(now, voice, packet);
  }
  if (known != epochs_.end()) {
    known->second = epoch;
  } else if (epochs_.size() < mixer_.voices()) {
    epochs_.emplace(voice, epoch);
  }
}

void MixToLine::remove(TrackId voice) {
  mixer_.remove(voice);
  epochs_.erase(voice);
}

void MixToLine::play(Cue cue) {
  playing_ = Playing{.cue = cue, .played = 0};
  ++counters_.cues;
}

bool MixToLine::add_cue(std::span<std::int16_t, kFrameSamples> samples) {
  if (!playing_) return false;
  for (std::int16_t& sample : samples) {
    if (playing_->played == kCueSamples) break;
    const double sum = sample + cue_sample(playing_->cue, playing_->played++);
    sample = static_cast<std::int16_t>(std::clamp(sum, -32'000.0, 32'000.0));
  }
  if (playing_->played == kCueSamples) playing_.reset();
  return true;
}

void MixToLine::handle_timeout(TimePoint now) {
  if (now < next_tick_) return;
  if (now - next_tick_ > kBehindMost) next_tick_ = now;
  while (next_tick_ <= now) {
    next_tick_ += kFrame;
    std::array<std::int16_t, kFrameSamples> samples;
    const bool said = mixer_.pull(now, samples);
    const bool played = add_cue(samples);
    std::array<std::uint8_t, kFrameSamples> bytes;
    if (said || played) {
      ++counters_.spoken;
      g711::encode(law_, samples, bytes);
    } else {
      bytes.fill(g711::silence(law_));
    }
    out_.on_sound(now,
                  {.law = law_, .timestamp = timestamp_, .is_first = counters_.sounds == 0, .samples = Bytes{bytes}});
    ++counters_.sounds;
    timestamp_ += static_cast<std::uint32_t>(kFrameSamples);
  }
}

MixCounters MixToLine::counters() const {
  MixCounters all = counters_;
  all.refused = mixer_.refused();
  return all;
}

}  // namespace zvonok::media::phone
