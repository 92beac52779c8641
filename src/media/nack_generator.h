// Which packets of one received stream are missing, and when to ask for each of them again (RFC 4585 section 6.2.1).
// Sans-IO: `collect` says what to put into a NACK now.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace zvonok::media {

class NackGenerator {
 public:
  struct Options {
    std::size_t missing_max = 512;           // beyond this the oldest are given up
    unsigned requests_max = 8;               // for each packet
    Duration first_delay = milliseconds{5};  // a packet that was only overtaken needs no request
    Duration repeat_min = milliseconds{20};  // and never sooner than a round trip
    Duration age_max = seconds{1};
  };
  NackGenerator() = default;
  explicit NackGenerator(const Options& options) : options_{options} {}

  /// What a packet is, by its unrolled sequence number.
  enum class Arrival {
    New,        // ahead of all others
    Recovered,  // was missing
    Stale,      // was there before, or is given up, or is older than everything known
  };
  Arrival on_packet(std::uint64_t sequence, TimePoint now);

  /// Appends what to ask for now, ascending. Packets that were asked for often enough, or are too old, are given up.
  void collect(TimePoint now, Duration round_trip, std::vector<std::uint16_t>& out);
  /// When to call `collect` next; TimePoint::max() when nothing is missing.
  [[nodiscard]] TimePoint next_timeout() const;

  /// Packets given up since the last call: what was lost for good.
  [[nodiscard]] std::size_t take_given_up();
  [[nodiscard]] std::size_t missing() const { return missing_.size(); }

 private:
  struct Missing {
    std::uint64_t sequence = 0;
    TimePoint since{};
    TimePoint ask_at{};
    unsigned requests = 0;
  };

  Options options_;
  std::uint64_t newest_ = 0;
  bool started_ = false;
  std::vector<Missing> missing_;  // ascending
  std::size_t given_up_ = 0;
};

}  // namespace zvonok::media
