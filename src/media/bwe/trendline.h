// Is the queue on the way growing? The delay gradient of packet groups (draft-ietf-rmcat-gcc-02 sections 5.2 to 5.4),
// with a line fitted through the last groups in the place of the draft's Kalman filter.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace zvonok::media::bwe {

enum class Usage : std::uint8_t { Normal, Overuse, Underuse };

/// Joins packets to groups: those sent within 5 ms of each other, and those that a queue released in one burst
/// (section 5.2, "pre-filtering").
class PacketGroups {
 public:
  /// How much longer one group took between sending and arriving than the one before it.
  struct Delta {
    Duration sent{};
    Duration arrived{};
    TimePoint arrived_at{};
  };
  /// The delta between the two groups before this packet's one when it begins a new group.
  std::optional<Delta> add(TimePoint sent, TimePoint arrived);
  void restart();

 private:
  struct Group {
    TimePoint first_sent{};
    TimePoint last_sent{};
    TimePoint first_arrived{};
    TimePoint last_arrived{};
  };
  [[nodiscard]] static bool belongs(const Group& group, TimePoint sent, TimePoint arrived);

  std::optional<Group> current_;
  std::optional<Group> previous_;
};

class Trendline {
 public:
  static constexpr std::size_t kWindow = 20;

  void add(const PacketGroups::Delta& delta);
  [[nodiscard]] Usage usage() const { return usage_; }
  [[nodiscard]] double threshold_ms() const { return threshold_ms_; }
  /// Forgets the points, keeps the learnt threshold.
  void restart();

 private:
  struct Point {
    double arrived_ms = 0;
    double delay_ms = 0;
  };
  [[nodiscard]] std::optional<double> slope() const;
  void detect(double trend_ms, double sent_delta_ms, double slope);
  void adapt_threshold(double trend_ms, TimePoint at);

  std::array<Point, kWindow> points_{};
  std::size_t count_ = 0;
  std::size_t next_ = 0;
  std::uint32_t deltas_ = 0;
  std::optional<TimePoint> first_arrival_;
  double accumulated_ms_ = 0;
  double smoothed_ms_ = 0;
  double threshold_ms_ = 12.5;
  std::optional<TimePoint> adapted_at_;
  double over_ms_ = 0;
  std::uint32_t over_count_ = 0;
  double last_slope_ = 0;
  Usage usage_ = Usage::Normal;
};

}  // namespace zvonok::media::bwe
