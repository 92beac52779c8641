// See sent_history.h.
#include "media/bwe/sent_history.h"

#include "base/sequence.h"

namespace zvonok::media::bwe {

namespace {

constexpr Duration kTick = milliseconds{64};

/// The shorter way round of two 24-bit counters.
std::int32_t ticks_between(std::uint32_t from, std::uint32_t to) {
  const std::uint32_t forward = (to - from) & 0xFFFFFFU;
  return forward < 0x800000U ? static_cast<std::int32_t>(forward) : static_cast<std::int32_t>(forward) - 0x1000000;
}

}  // namespace

std::uint64_t SentHistory::record(TimePoint now, std::uint32_t bytes, PacketKind kind, ProbeCluster cluster) {
  const std::uint64_t sequence = next_++;
  Slot& to = slots_.place(sequence, now);
  if (to.number != kNoNumber && to.state == State::InFlight) bytes_in_flight_ -= to.bytes;
  to = {.number = sequence, .at = now, .bytes = bytes, .cluster = cluster, .kind = kind, .state = State::InFlight};
  bytes_in_flight_ += bytes;
  return sequence;
}

SentHistory::Slot* SentHistory::find(std::uint16_t sequence) {
  const std::uint64_t newest = next_ - 1;
  const int distance = sequence_distance(static_cast<std::uint16_t>(newest), sequence);
  if (distance > 0) return nullptr;
  const auto back = static_cast<std::uint64_t>(-distance);
  if (back >= newest || back >= kCapacity) return nullptr;
  return slots_.find(newest - back);
}

/// The receiver's reference as a time near ours. The first one is taken as "now"; later ones keep their distance to
/// it. A peer whose clock runs away is anchored anew, which also keeps all sums small whatever it sends.
TimePoint SentHistory::anchor(TimePoint now, std::uint32_t reference_ticks) {
  if (!last_ticks_) {
    last_reference_ = now;
  } else {
    last_reference_ += kTick * ticks_between(*last_ticks_, reference_ticks);
    const Duration off = last_reference_ - now;
    if (off > kClockJump || off < -kClockJump) {
      last_reference_ = now;
      ++stats_.clock_resets;
    }
  }
  last_ticks_ = reference_ticks;
  return last_reference_;
}

std::span<const PacketResult> SentHistory::resolve(TimePoint now, const TransportFeedback& feedback,
                                                   std::span<PacketResult> out) {
  const TimePoint reference = anchor(now, feedback.reference_ticks);
  std::size_t count = 0;
  for (const PacketStatus& status : feedback.packets) {
    Slot* found = find(status.sequence);
    if (found == nullptr) {
      ++stats_.unknown;
      continue;
    }
    const bool arrived = status.since_reference.has_value();
    if (found->state == State::ToldArrived || (found->state == State::ToldLost && !arrived)) {
      ++stats_.repeated;
      continue;
    }
    if (count == out.size()) {
      ++stats_.overflow;
      continue;
    }
    if (arrived && (*status.since_reference > kClockJump || *status.since_reference < -kClockJump)) {
      ++stats_.unknown;
      continue;
    }
    const bool was_lost = found->state == State::ToldLost;
    if (!was_lost) bytes_in_flight_ -= found->bytes;
    found->state = arrived ? State::ToldArrived : State::ToldLost;
    out[count++] = {
        .packet = {.sequence = found->number, .bytes = found->bytes, .kind = found->kind, .cluster = found->cluster},
        .fate = !arrived ? Fate::Lost : (was_lost ? Fate::ArrivedAfterLoss : Fate::Arrived),
        .sent = found->at,
        .arrived = arrived ? reference + *status.since_reference : TimePoint{}};
  }
  return out.first(count);
}

}  // namespace zvonok::media::bwe
