#include "adapter/voip_twilio/sound_lane.h"

#include <utility>

namespace zvonok::voip_twilio {

SoundLane::Wake SoundLane::push_sound(const port::PhoneSound& sound) {
  const std::lock_guard lock{mutex_};
  if (sound.samples.empty() || waiting_.items.size() >= kItemsMax ||
      waiting_.bytes.size() + sound.samples.size() > kBytesMax) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return Wake::No;
  }
  waiting_.bytes.insert(waiting_.bytes.end(), sound.samples.begin(), sound.samples.end());
  return add({.timestamp = sound.timestamp,
              .bytes = sound.samples.size(),
              .law = sound.law,
              .is_first = sound.is_first,
              .digit = '\0'});
}

SoundLane::Wake SoundLane::push_digit(char digit) {
  const std::lock_guard lock{mutex_};
  if (waiting_.items.size() >= kItemsMax) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return Wake::No;
  }
  return add({.timestamp = 0, .bytes = 0, .law = port::G711::Ulaw, .is_first = false, .digit = digit});
}

SoundLane::Wake SoundLane::add(const Item& item) {
  waiting_.items.push_back(item);
  return waiting_.items.size() == 1 ? Wake::Yes : Wake::No;
}

void SoundLane::fetch() {
  const std::lock_guard lock{mutex_};
  std::swap(waiting_, taken_);
}

}  // namespace zvonok::voip_twilio
