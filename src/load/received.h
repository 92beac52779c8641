// What a stream of numbered packets came to: new ones, late ones, duplicates, gaps.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/sequence.h"
#include "proto/rtp/types.h"

namespace zvonok::load {

enum class Seen : std::uint8_t {
  New,
  Late,       // new, but a higher number came before
  Duplicate,  // also what is too old to tell
};

/// Remembers which of the last kPackets numbers came.
class SeenWindow {
 public:
  static constexpr std::uint64_t kPackets = 1024;

  Seen add(std::uint64_t number) {
    if (!highest_) {
      first_ = number;
      highest_ = number;
      set(number);
      return Seen::New;
    }
    if (number > *highest_) {
      const std::uint64_t steps = number - *highest_;
      if (steps >= kPackets) bits_ = {};
      for (std::uint64_t n = *highest_ + 1; steps < kPackets && n < number; ++n) clear(n);
      highest_ = number;
      set(number);
      return Seen::New;
    }
    if (*highest_ - number >= kPackets || has(number)) return Seen::Duplicate;
    set(number);
    if (number < first_) first_ = number;
    return Seen::Late;
  }
  [[nodiscard]] std::optional<std::uint64_t> highest() const { return highest_; }
  [[nodiscard]] std::uint64_t first() const { return first_; }

 private:
  static constexpr std::size_t word(std::uint64_t number) { return number % kPackets / 64; }
  static constexpr std::uint64_t bit(std::uint64_t number) { return std::uint64_t{1} << (number % 64); }
  [[nodiscard]] bool has(std::uint64_t number) const { return (bits_[word(number)] & bit(number)) != 0; }
  void set(std::uint64_t number) { bits_[word(number)] |= bit(number); }
  void clear(std::uint64_t number) { bits_[word(number)] &= ~bit(number); }

  std::optional<std::uint64_t> highest_;
  std::uint64_t first_ = 0;
  std::array<std::uint64_t, kPackets / 64> bits_{};
};

/// Sums over streams; one of any time, or of what came since a mark.
struct Counts {
  std::uint64_t streams = 0;
  std::uint64_t packets = 0;  // without duplicates
  std::uint64_t bytes = 0;    // of datagrams, duplicates included
  std::uint64_t lost = 0;     // numbers between the first and the last that never came
  std::uint64_t duplicates = 0;
  std::uint64_t reordered = 0;

  Counts& operator+=(const Counts& other) {
    streams += other.streams;
    packets += other.packets;
    bytes += other.bytes;
    lost += other.lost;
    duplicates += other.duplicates;
    reordered += other.reordered;
    return *this;
  }
};

/// One stream by its RTP headers alone.
class HeaderCount {
 public:
  /// Gives the number unrolled.
  std::uint64_t on_packet(std::uint16_t sequence, std::size_t bytes) {
    now_.bytes += bytes;
    const std::uint64_t number = extender_.update(sequence);
    switch (seen_.add(number)) {
      case Seen::Duplicate: ++now_.duplicates; return number;
      case Seen::Late: ++now_.reordered; break;
      case Seen::New: break;
    }
    ++now_.packets;
    return number;
  }
  /// What was lost and came once more, in a packet of another stream. Nothing when it was there already.
  std::optional<std::uint64_t> on_repair(std::uint16_t sequence, std::size_t bytes) {
    now_.bytes += bytes;
    const std::uint64_t number = extender_.peek(sequence);
    if (seen_.add(number) == Seen::Duplicate) return std::nullopt;
    static_cast<void>(extender_.update(sequence));
    ++now_.packets;
    return number;
  }
  void mark() {
    marked_ = now_;
    marked_highest_ = seen_.highest();
  }
  [[nodiscard]] Counts since_mark() const {
    Counts out{.streams = now_.packets > marked_.packets ? 1U : 0U,
               .packets = now_.packets - marked_.packets,
               .bytes = now_.bytes - marked_.bytes,
               .lost = 0,
               .duplicates = now_.duplicates - marked_.duplicates,
               .reordered = now_.reordered - marked_.reordered};
    if (!seen_.highest()) return out;
    const std::uint64_t before = marked_highest_ ? *marked_highest_ + 1 : seen_.first();
    const std::uint64_t span = *seen_.highest() + 1 - before;
    if (span > out.packets) out.lost = span - out.packets;
    return out;
  }
  [[nodiscard]] std::uint64_t highest() const { return seen_.highest().value_or(0); }
  [[nodiscard]] std::uint64_t packets() const { return now_.packets; }
  /// How many numbers there were up to the highest.
  [[nodiscard]] std::uint64_t expected() const { return seen_.highest() ? *seen_.highest() + 1 - seen_.first() : 0; }

 private:
  SequenceExtender extender_;
  SeenWindow seen_;
  Counts now_;
  Counts marked_;
  std::optional<std::uint64_t> marked_highest_;
};

}  // namespace zvonok::load
