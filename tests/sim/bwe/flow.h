// One sender and one receiver of media around a congestion controller, in virtual time: audio, an elastic or layered
// video, the pacer, and feedback every 50 ms.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "media/bwe/controller.h"
#include "media/bwe/sent_history.h"
#include "media/pacer.h"
#include "support/net_sim.h"

namespace zvonok::sim {

struct FlowOptions {
  std::int64_t audio_bps = 40'000;
  /// The most the video ever uses.
  std::int64_t video_most_bps = 20'000'000;
  /// Empty: the video follows the estimate like an encoder. Else it takes the highest of these that fits.
  std::vector<std::int64_t> layers{};
  Duration feedback_every = milliseconds{50};
  /// What receiver reports would tell.
  Duration rtt = milliseconds{50};
  /// When a flow begins after the others.
  Duration starts_after{};
};

class Flow {
 public:
  Flow(std::uint64_t id, std::unique_ptr<media::bwe::Controller> controller, FlowOptions options, std::uint64_t seed);

  /// Everything that is due at `now`: media into the pacer, packets into `link`, feedback into `back`.
  void step(TimePoint now, test::Link& link, test::Link& back);
  void handle_media(const test::Arrival& arrival);
  void handle_feedback(TimePoint now, const test::Arrival& arrival);

  void set_video_most(std::int64_t bps) { options_.video_most_bps = bps; }
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] media::bwe::Estimate estimate(TimePoint now) const { return controller_->estimate(now); }
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }
  [[nodiscard]] std::uint64_t bytes_received() const { return bytes_received_; }
  /// The longest way of an audio packet since the last call.
  Duration take_worst_audio_delay();
  [[nodiscard]] std::uint64_t dropped_late() const { return pacer_.stats().dropped_late; }
  [[nodiscard]] std::int64_t wanted_bps() const;

 private:
  struct Report {
    TimePoint sent_at{};
    std::vector<media::bwe::PacketStatus> packets;
    std::uint32_t reference_ticks = 0;
  };
  void make_media(TimePoint now);
  void make_frame(TimePoint now);
  void drain(TimePoint now, test::Link& link);
  void transmit(TimePoint now, test::Link& link, const media::PacerOrder& order);
  void make_feedback(TimePoint now, test::Link& back);
  [[nodiscard]] double noise();

  std::uint64_t id_;
  FlowOptions options_;
  std::unique_ptr<media::bwe::Controller> controller_;
  media::bwe::SentHistory history_;
  media::Pacer pacer_;
  std::uint64_t state_;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
  Duration worst_audio_{};
  bool needs_keyframe_ = true;
  std::optional<TimePoint> next_audio_;
  std::optional<TimePoint> next_frame_;
  // The receiver.
  struct Got {
    std::uint64_t sequence = 0;
    TimePoint at{};
  };
  std::vector<Got> got_;
  std::uint64_t next_report_ = 0;
  std::optional<TimePoint> next_feedback_;
  std::vector<Report> reports_;
  std::vector<media::bwe::PacketResult> scratch_;
};

}  // namespace zvonok::sim
