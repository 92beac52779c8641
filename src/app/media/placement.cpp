#include "app/media/placement.h"

#include <algorithm>

#include "base/check.h"

namespace zvonok::app {
namespace {

// Not measured: enough to spread what begins at once, and little against what a busy thread measures.
constexpr double kBusyOfParticipant = 0.002;
constexpr double kBusyOfRoom = 0.004;

double cost(const ShardLoad& load) {
  return load.busy + kBusyOfParticipant * static_cast<double>(load.participants) +
         kBusyOfRoom * static_cast<double>(load.rooms);
}

}  // namespace

std::size_t least_loaded(std::span<const ShardLoad> loads) {
  ZVONOK_CHECK(!loads.empty());
  return static_cast<std::size_t>(std::ranges::min_element(loads, {}, cost) - loads.begin());
}

}  // namespace zvonok::app
