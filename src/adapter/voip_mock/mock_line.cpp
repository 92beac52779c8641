#include "adapter/voip_mock/mock_line.h"

#include <array>
#include <utility>

#include "proto/g711/g711.h"

namespace zvonok::voip_mock {
namespace {

constexpr Duration kTick = milliseconds{20};
// A thread that stood still for longer does not make up for it.
constexpr Duration kBehindMost = milliseconds{200};
constexpr Duration kFirstPress = seconds{1};
constexpr Duration kPressInterval = milliseconds{300};

g711::Law law_of(port::G711 law) {
  return law == port::G711::Ulaw ? g711::Law::Ulaw : g711::Law::Alaw;
}

}  // namespace

void MockSwitches::press(std::string_view keys) {
  const std::lock_guard lock{mutex_};
  if (keys_.size() < MockTelephone::kKeysMax) keys_ += keys;
}

std::string MockSwitches::take_keys() {
  const std::lock_guard lock{mutex_};
  return std::exchange(keys_, {});
}

MockLine::MockLine(Options options) : options_{std::move(options)}, telephone_{options_.script} {}

MockLine::~MockLine() {
  if (timer_) loop_->cancel(*timer_);
}

void MockLine::start(net::Loop& loop, port::PhoneEars& ears) {
  loop_ = &loop;
  ears_ = &ears;
  next_ = loop.now().mono;
  tick();
}

void MockLine::tick() {
  const TimePoint now = loop_->now().mono;
  if (now - next_ > kBehindMost) next_ = now;
  next_ += kTick;
  timer_ = loop_->schedule(next_, [this] { tick(); });
  if (options_.switches->over) return;
  for (const char key : options_.switches->take_keys()) telephone_.press(key);
  const Duration since_dial = now - options_.dialed_at;
  std::array<std::int16_t, MockTelephone::kFrame> samples{};
  const bool speaks = telephone_.speak(since_dial, samples);
  if (speaks && options_.manner.echo == Manner::Echo::Later && !is_silent()) {
    std::array<std::uint8_t, MockTelephone::kFrame> bytes{};
    g711::encode(law_of(law()), samples, bytes);
    ears_->on_sound(now, {.law = law(), .timestamp = timestamp_, .is_first = !spoke_, .samples = bytes});
  }
  spoke_ = speaks && !is_silent();
  timestamp_ += MockTelephone::kFrame;
  if (!options_.script.answers || pressed_ == options_.manner.presses.size()) return;
  const auto next_press = *options_.script.answers + kFirstPress + kPressInterval * static_cast<int>(pressed_);
  if (since_dial < next_press) return;
  const char key = options_.manner.presses[pressed_++];
  if (key != ',') ears_->on_digit(now, key);
}

void MockLine::send(TimePoint now, const port::PhoneSound& sound) {
  if (!options_.script.answers || now - options_.dialed_at < *options_.script.answers) return;
  if (is_silent() || options_.switches->muted) return;
  if (options_.manner.echo == Manner::Echo::AtOnce) return ears_->on_sound(now, sound);
  std::array<std::int16_t, port::PhoneSound::kSamplesMax> samples{};
  if (sound.samples.size() > samples.size()) return;
  const auto decoded = std::span{samples}.first(sound.samples.size());
  g711::decode(law_of(sound.law), sound.samples, decoded);
  telephone_.hear(sound.timestamp, decoded);
}

void MockLine::send_digit(TimePoint /*now*/, char digit) {
  telephone_.press(digit);
}

}  // namespace zvonok::voip_mock
