// Many deadlines behind one timer: the earliest is what the edge waits for.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"

namespace zvonok::call {

/// TimePoint::max() stands for "not waited for".
constexpr TimePoint kNever = TimePoint::max();

struct DeadlineKey {
  enum class Kind { Call, EarlyCandidates };
  Kind kind = Kind::Call;
  std::uint64_t id = 0;  // the call's serial, or the connection
  friend auto operator<=>(const DeadlineKey&, const DeadlineKey&) = default;
};

class Deadlines {
 public:
  /// Moves the key's deadline. The owner remembers in `armed` what is set.
  void arm(DeadlineKey key, TimePoint& armed, TimePoint at) {
    if (armed == at) return;
    if (armed != kNever) set_.erase({armed, key});
    if (at != kNever) set_.insert({at, key});
    armed = at;
  }
  [[nodiscard]] TimePoint next() const { return set_.empty() ? kNever : set_.begin()->first; }
  /// The key of the earliest deadline at or before `now`, still armed: its owner must move it.
  [[nodiscard]] std::optional<DeadlineKey> due(TimePoint now) const {
    if (next() > now || set_.empty()) return std::nullopt;
    return set_.begin()->second;
  }
  [[nodiscard]] std::size_t size() const { return set_.size(); }

 private:
  std::set<std::pair<TimePoint, DeadlineKey>> set_;
};

}  // namespace zvonok::call
