// The congestion controller: how fast may this server send to one receiver.
//
// Five methods, because a controller has exactly three inputs and two outputs:
//   on_packet_sent  what left        (for the application-limited state and the probe clusters)
//   on_feedback     what arrived     (for delay, loss and the delivered rate; SentHistory makes it of RTCP feedback)
//   on_rtt          how far away     (from RTCP receiver reports or ICE checks: feedback alone can't tell it well)
//   estimate        how fast         (a pure read: whatever time alone changes shows in it, no timer is needed)
//   poll_probe      what to try next (the only time-driven output, so it also is the place where time does its work)
// There is no handle_timeout: the owner calls poll_probe before each poll of the pacer, at the latest every
// kPollInterval while it sends.
//
// Threads: an object belongs to one shard. No method allocates, reads a clock or blocks.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.h"
#include "media/bwe/types.h"

namespace zvonok::media::bwe {

inline constexpr Duration kPollInterval = milliseconds{25};

class Controller {
 public:
  Controller() = default;
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  virtual ~Controller() = default;

  /// Call at the moment of sending, in the order of sequences.
  virtual void on_packet_sent(TimePoint now, const SentPacket& packet) = 0;
  /// `results` in the order of the report; it is valid for the call only. An empty report still counts as a sign of
  /// life.
  virtual void on_feedback(TimePoint now, std::span<const PacketResult> results) = 0;
  virtual void on_rtt(TimePoint now, Duration rtt) = 0;
  [[nodiscard]] virtual Estimate estimate(TimePoint now) const = 0;
  /// `wanted_bps` is what the owner could use if the path were endless (all wanted layers and audio): a controller
  /// doesn't probe for what nobody wants. A plan that is returned is expected to be sent at once.
  [[nodiscard]] virtual std::optional<ProbePlan> poll_probe(TimePoint now, std::int64_t wanted_bps) = 0;
};

struct ControllerOptions {
  std::int64_t start_bps = 300'000;
  std::int64_t min_bps = 30'000;
  std::int64_t max_bps = 20'000'000;
};

/// The table of controllers: a new one adds a line in controllers.cpp and must pass tests/sim/bwe.
struct ControllerEntry {
  std::string_view name;
  std::unique_ptr<Controller> (*make)(const ControllerOptions&);
};
[[nodiscard]] std::span<const ControllerEntry> controllers();
/// The first of the table.
[[nodiscard]] std::unique_ptr<Controller> make_default_controller(const ControllerOptions& options);

}  // namespace zvonok::media::bwe
