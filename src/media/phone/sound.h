// A piece of a telephone's sound, and the clock it is counted by.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"
#include "proto/g711/g711.h"

namespace zvonok::media::phone {

inline constexpr std::size_t kFrameSamples = 160;  // 20 ms
inline constexpr Duration kFrame = milliseconds{20};

struct Sound {
  static constexpr std::size_t kSamplesMax = 480;
  g711::Law law = g711::Law::Ulaw;
  std::uint32_t timestamp = 0;  // of the first sample, 8 kHz; wraps
  bool is_first = false;        // after silence
  Bytes samples;                // a byte each
};

/// Makes one clock of what is stamped by several: a source that begins anew (another browser, another announcement of
/// the telephone's network) stamps with numbers that have nothing to do with those before.
class Timeline {
 public:
  struct Mapped {
    std::uint32_t timestamp = 0;
    bool jumped = false;  // the source's clock is another one from here on
  };
  /// The time of `length` samples that the source stamped `timestamp`, all at 8 kHz.
  [[nodiscard]] Mapped map(TimePoint now, std::uint32_t timestamp, std::size_t length);
  /// What the clock says now. It begins with the first sound, or with the first that asks.
  [[nodiscard]] std::uint32_t now_at(TimePoint now);

 private:
  bool started_ = false;
  std::uint32_t offset_ = 0;
  std::uint32_t newest_ = 0;  // of the source
  std::size_t newest_length_ = 0;
  TimePoint newest_at_{};
};

}  // namespace zvonok::media::phone
