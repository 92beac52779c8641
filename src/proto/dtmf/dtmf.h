// Keys of telephones as sound: one of four low tones together with one of four high ones (ITU-T Q.23), made, and found
// again (Q.24), where a line carries digits in no better way. Linear samples of 16 bits at 8 kHz.
//
// Pure. Threads: none of its own.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

namespace zvonok::dtmf {

struct Pair {
  double low_hz = 0;
  double high_hz = 0;
};
/// Of 0-9 * # A-D; nothing for what is no key.
[[nodiscard]] std::optional<Pair> pair_of(char key);

/// Keys as they are pressed one after the other.
class ToneWriter {
 public:
  static constexpr std::size_t kWaitingMax = 128;
  // In samples. Q.24 asks for 40 ms of tone and of pause at least; some gateways miss what is that short.
  static constexpr std::size_t kTone = 800;
  static constexpr std::size_t kPause = 800;
  static constexpr std::size_t kComma = 4000;  // of silence

  /// False when it was dropped: too many wait. `digit`: of 0-9 * # A-D and `,`, others are none.
  bool add(char digit);
  /// The pause behind a key belongs to it.
  [[nodiscard]] bool is_sending() const { return !waiting_.empty(); }
  /// The next samples, and how many they are: fewer than there is room for only at the end.
  std::size_t write(std::span<std::int16_t> out);

 private:
  std::deque<char> waiting_;  // the one that is played is the first
  std::size_t played_ = 0;    // of it
};

/// Finds keys in sound: each once, when it has lasted for 40 ms at most.
class ToneReader {
 public:
  /// The next samples; keys that were pressed, in their order: usually none.
  [[nodiscard]] std::string read(std::span<const std::int16_t> samples);
  /// What comes next does not go on where this was: a key that sounds on is another one.
  void reset();

 private:
  /// 13 ms: as wide in frequency as Q.23's tones are apart, and two of them fit in 40 ms wherever they begin.
  static constexpr std::size_t kBlock = 104;
  struct Resonance {  // of one tone; Goertzel's algorithm
    float last = 0;
    float before = 0;
  };
  struct Found {
    char key = 0;  // or none
    float energy = 0;
    float low = 0;  // power at its tones
    float high = 0;
  };
  [[nodiscard]] Found block_is() const;
  [[nodiscard]] bool begins(const Found& found) const;

  std::array<Resonance, 8> tones_{};  // low ones first
  float energy_ = 0;
  std::size_t filled_ = 0;  // samples of the block
  Found before_;            // the block before
  Found sounds_;            // was told and has not ended
  int silent_ = 0;          // blocks in a row since it was heard last,
  int other_ = 0;           // and those that hold something else
};

}  // namespace zvonok::dtmf
