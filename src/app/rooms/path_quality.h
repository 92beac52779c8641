// What a participant's statistics say of a conversation over its connection.
#pragma once
#include <algorithm>

#include "media/e_model.h"
#include "media/engine.h"

namespace zvonok::app {

/// Both directions at their worst: a conversation needs both.
[[nodiscard]] inline media::PathQuality path_of(const media::PeerStatistics& taken) {
  return {.round_trip = taken.round_trip,
          .jitter = std::max(taken.up.jitter, taken.down.jitter),
          .loss = std::max(taken.up.loss, taken.down.loss)};
}

}  // namespace zvonok::app
