// A network link in virtual time: bandwidth with a queue, delay, jitter, loss (uniform and in bursts), reordering,
// duplication. Sans-IO: datagrams go in with the time, and come out of poll() when it has come. The same seed and the
// same calls give the same result.
//
//   Link link{{.bandwidth_bps = 1'000'000, .delay = 50ms, .loss = 0.05}, seed};
//   link.schedule(t0 + 10s, {.bandwidth_bps = 300'000, .delay = 50ms});
//   link.send(now, {.bytes = packet, .tag = flow});
//   while (now < end) { now = *link.next_arrival(); for (auto& d : link.poll(now)) receive(d); }
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "base/time.h"

namespace zvonok::test {

/// Loss in bursts: a two-state chain stepped once per packet (Gilbert-Elliott).
struct GilbertElliott {
  double good_to_bad = 0;
  double bad_to_good = 1;
  double loss_in_good = 0;
  double loss_in_bad = 1;

  /// The simple Gilbert chain with this mean loss and this mean length of a burst in packets.
  static GilbertElliott of(double mean_loss, double mean_burst);
};

struct LinkProfile {
  std::int64_t bandwidth_bps = 0;     ///< 0: no limit, no queue
  Duration delay{};                   ///< propagation, one way
  Duration jitter{};                  ///< uniform in [-jitter, +jitter] on top of the delay, never below 0 in all
  Duration queue_limit{};             ///< drop-tail by waiting time; 0: none
  std::size_t queue_limit_bytes = 0;  ///< drop-tail by bytes; 0: none
  double loss = 0;                    ///< 0 to 1, on leaving the queue
  std::optional<GilbertElliott> burst_loss{};
  double reorder = 0;  ///< share of packets delayed by reorder_by on top
  Duration reorder_by = milliseconds{20};
  double duplicate = 0;
  /// Independent jitter would reorder packets all the time, which real queues don't do.
  enum class Order : std::uint8_t { Kept, Free } order = Order::Kept;
  std::size_t overhead_bytes = 0;  ///< charged per datagram on top (28 for UDP over IPv4)
};

struct Datagram {
  std::vector<std::uint8_t> bytes{};
  /// The user's: a flow, an address, a packet number.
  std::uint64_t tag = 0;
  /// The size on the wire when `bytes` is left empty (for simulations that have sizes only).
  std::size_t size = 0;

  [[nodiscard]] std::size_t wire_bytes() const { return bytes.empty() ? size : bytes.size(); }
};

struct Arrival {
  TimePoint at{};
  TimePoint sent{};
  Datagram datagram;
};

struct LinkStats {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;        ///< on the way
  std::uint64_t overflowed = 0;  ///< at the queue
  std::uint64_t duplicated = 0;
};

class Link {
 public:
  Link(LinkProfile profile, std::uint64_t seed);

  void send(TimePoint now, Datagram datagram);
  /// When poll has something next; nothing while the link is empty. It can be early (a change of the profile comes
  /// first), never late.
  [[nodiscard]] std::optional<TimePoint> next_arrival() const;
  /// What arrived until `now`, in the order of arrival.
  std::vector<Arrival> poll(TimePoint now);

  /// At once; packets in the queue are served at the new rate, those on the way arrive as they would have.
  void set_profile(TimePoint now, const LinkProfile& profile);
  /// The same later on. Call in the order of time.
  void schedule(TimePoint at, const LinkProfile& profile);
  [[nodiscard]] const LinkProfile& profile() const { return profile_; }

  /// Called for each datagram as it enters: change the tag (a new address behind a NAT), or return Verdict::Drop (a
  /// firewall that closed).
  enum class Verdict : std::uint8_t { Pass, Drop };
  using Hook = std::function<Verdict(TimePoint, Datagram&)>;
  void set_hook(Hook hook) { hook_ = std::move(hook); }

  /// How long a byte that is sent now would wait.
  [[nodiscard]] Duration queue_delay(TimePoint now);
  [[nodiscard]] const LinkStats& stats() const { return stats_; }

 private:
  struct Queued {
    Datagram datagram;
    TimePoint sent{};
    double bits_left = 0;
  };
  void advance(TimePoint to);
  void serve(TimePoint to);
  void depart(TimePoint at, Queued queued);
  void deliver(TimePoint at, TimePoint sent, Datagram datagram);
  [[nodiscard]] bool is_lost();
  [[nodiscard]] bool chance(double probability);
  [[nodiscard]] double uniform();

  struct Change {
    TimePoint at{};
    LinkProfile profile;
  };
  LinkProfile profile_;
  std::deque<Change> changes_;
  Hook hook_;
  std::deque<Queued> queue_;
  double queued_bits_ = 0;
  TimePoint served_{};
  std::deque<Arrival> on_the_way_;  ///< sorted by time of arrival, equals in the order of sending
  TimePoint last_arrival_{};
  bool is_bad_ = false;
  std::uint64_t state_;
  LinkStats stats_;
};

}  // namespace zvonok::test
