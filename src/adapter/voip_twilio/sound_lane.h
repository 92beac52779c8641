// Sound and digits of one call on their way from one thread to another, many at a time: one thread pushes, another
// takes all that there is. What does not fit is dropped and counted. In a steady state nothing is allocated.
//
// Threads: `push_*` belong to one thread, `take` to another; `dropped` to any.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "port/phone_audio.h"

namespace zvonok::voip_twilio {

class SoundLane {
 public:
  static constexpr std::size_t kItemsMax = 50;  // that wait: a second of sound
  static constexpr std::size_t kBytesMax = kItemsMax * port::PhoneSound::kSamplesMax;
  /// Whether the other side has to be told that something waits.
  enum class Wake : std::uint8_t { No, Yes };

  [[nodiscard]] Wake push_sound(const port::PhoneSound& sound);
  [[nodiscard]] Wake push_digit(char digit);

  template <class OnSound, class OnDigit>
  void take(OnSound on_sound, OnDigit on_digit) {
    fetch();
    std::size_t at = 0;
    for (const Item& item : taken_.items) {
      if (item.digit != '\0') {
        on_digit(item.digit);
        continue;
      }
      on_sound(port::PhoneSound{.law = item.law,
                                .timestamp = item.timestamp,
                                .is_first = item.is_first,
                                .samples = Bytes{taken_.bytes}.subspan(at, item.bytes)});
      at += item.bytes;
    }
    taken_.items.clear();
    taken_.bytes.clear();
  }

  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Item {
    std::uint32_t timestamp = 0;
    std::size_t bytes = 0;
    port::G711 law = port::G711::Ulaw;
    bool is_first = false;
    char digit = '\0';  // or sound
  };
  struct Batch {
    std::vector<Item> items;
    std::vector<std::uint8_t> bytes;  // of the sound, one after the other
  };
  [[nodiscard]] Wake add(const Item& item);
  void fetch();

  Batch taken_;       // of the thread that takes
  std::mutex mutex_;  // guards what waits
  Batch waiting_;
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace zvonok::voip_twilio
