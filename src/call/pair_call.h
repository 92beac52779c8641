// One call of two users: who sits in it, what waits for whom, when it must end. PairCalls owns the calls, finds them
// and ends them; a call tells its devices what they must hear.
//
// Each side has a seat. While the call rings, the callee's side is a seat for every rung device; the one that answers
// (or whose crossing offer is answered) becomes the side's only seat. A seat whose device dropped stays missing for
// the grace, and what is sent to it is kept.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "call/call.h"
#include "call/kept_messages.h"
#include "call/pair_effect.h"
#include "call/pair_endpoint.h"
#include "call/pair_options.h"

namespace zvonok::call {

/// Set when the call can't go on: the caller of the method must end it with that reason, now.
using Verdict = std::optional<EndReason>;

void refuse(const PairEndpoint& from, ErrorCode code, std::string_view literal, Effects& effects);

class PairCall {
 public:
  struct Start {
    std::uint64_t serial = 0;
    CallRecord record;  // complete but for ringing_at and what follows
    std::string offer;
    TimePoint ring_until = kNever;
  };
  /// Seats the caller's device. `options` must outlive the call.
  PairCall(Start start, PairEndpoint& caller, const PairOptions& options);
  PairCall(const PairCall&) = delete;
  PairCall& operator=(const PairCall&) = delete;

  [[nodiscard]] std::uint64_t serial() const { return serial_; }
  [[nodiscard]] const CallRecord& record() const { return record_; }
  [[nodiscard]] const UserId& peer_of(const UserId& user) const {
    return user == record_.caller ? record_.callee : record_.caller;
  }
  /// Whether an offer of `user`, who is a side of this call, to `target` would be one within this call.
  [[nodiscard]] bool is_with(const UserId& user, const CallTarget& target) const;
  /// For a device that has a seat.
  [[nodiscard]] CallSummary summary_for(const PairEndpoint& device) const;

  // ---- what devices with a seat say ------------------------------------------------------------------------------
  /// False for a device of the callee while a crossing offer of another one waits for its answer: answers name nobody.
  [[nodiscard]] bool can_offer(const PairEndpoint& from) const;
  /// Only when `can_offer`.
  [[nodiscard]] Verdict offer(PairEndpoint& from, std::string payload, Effects& effects);
  /// False for the caller of a ringing call, unless a crossing offer waits for its answer.
  [[nodiscard]] bool can_answer(const PairEndpoint& from) const;
  /// Only when `can_answer`.
  [[nodiscard]] Verdict answer(PairEndpoint& from, std::string payload, const Now& now, Effects& effects);
  [[nodiscard]] Verdict ice(PairEndpoint& from, std::string payload, Effects& effects);
  [[nodiscard]] EndReason hangup_reason(const PairEndpoint& from) const;

  // ---- devices coming and going ----------------------------------------------------------------------------------
  [[nodiscard]] bool can_ring() const;
  /// Rings one more device of the callee, which has no seat. `candidates` came from it too early. Only when `can_ring`.
  void ring(PairEndpoint& device, KeptMessages candidates, Effects& effects);
  /// The device is gone; its seat waits. Call `expire` next: without a grace it waits no longer than now.
  void lose(PairEndpoint& device, TimePoint now);
  /// Gives a missing seat to `fresh` when it is the same device. Whether it did.
  [[nodiscard]] bool adopt(PairEndpoint& fresh, Effects& effects);
  /// `fresh` is the same device on a newer socket.
  void replace(PairEndpoint& old, PairEndpoint& fresh, Effects& effects);
  /// Tells those who said hello what changed since the last time: devices ringing, sides connected.
  void announce(Effects& effects);

  // ---- time and the end ------------------------------------------------------------------------------------------
  [[nodiscard]] TimePoint deadline() const;
  /// Rung devices that have been gone for too long lose their seats. Ask `nobody_rings` when others had their chance.
  [[nodiscard]] Verdict expire(TimePoint now);
  [[nodiscard]] Verdict nobody_rings() const {
    return ringing() && rung_.empty() ? Verdict{EndReason::Disconnected} : std::nullopt;
  }
  struct Ending {
    EndReason reason = EndReason::Failed;
    const PairEndpoint* by = nullptr;  // the device that hung up; it is told nothing
    std::string payload = {};          // its hangup's, for the other side
    ReasonFrom reason_from = ReasonFrom::Server;
  };
  /// Tells everybody, empties the seats and gives the final record. The call is of no use afterwards.
  void end(const Ending& ending, const Now& now, Effects& effects);

  /// What is armed with Deadlines for this call; the engine's.
  TimePoint armed = kNever;

  struct KeptCounts {
    std::size_t messages = 0;
    std::size_t bytes = 0;
  };
  /// For tests.
  [[nodiscard]] KeptCounts kept() const;

 private:
  struct Seat {
    PairEndpoint* device = nullptr;  // null while missing
    DeviceName name;
    TimePoint missing_until = kNever;
    KeptMessages for_device;          // sent to the seat while missing
    KeptMessages candidates;          // of a rung device, until they can be delivered
    std::size_t candidates_seen = 0;  // when a rung device dropped: how many of caller_candidates_ it had got
    bool crossed = false;             // this rung device's own offer was relayed to the caller (glare)
  };

  [[nodiscard]] bool ringing() const { return record_.state == CallState::Ringing; }
  [[nodiscard]] bool is_caller(const PairEndpoint& device) const { return caller_.device == &device; }
  [[nodiscard]] Seat& seat_of(const PairEndpoint& device);
  [[nodiscard]] Seat* missing_seat_of(const PairEndpoint& fresh);
  [[nodiscard]] const Seat* crossed_seat() const;
  [[nodiscard]] std::size_t connected_rung() const;
  [[nodiscard]] std::vector<Seat>::const_iterator spare_seat() const;
  /// Calls `visit` with each seat of that side: one, or the rung ones.
  template <class Visit>
  void each_seat(Role side, Visit&& visit);

  [[nodiscard]] Verdict send(Seat& to, KeptMessage&& message, Effects& effects);
  void deliver(PairEndpoint& to, KeptMessage&& message, Effects& effects) const;
  void leave(PairEndpoint& device, const Now& now) const;
  void present_offer(Seat& seat, Effects& effects);
  [[nodiscard]] Verdict crossing_offer(PairEndpoint& from, std::string payload, Effects& effects);
  [[nodiscard]] Verdict release_candidates(Seat& from, Effects& effects);
  [[nodiscard]] Verdict answer_crossing(std::string payload, const Now& now, Effects& effects);
  void become_active(Seat& winner, const Now& now, Effects& effects);

  std::uint64_t serial_;
  const PairOptions& options_;
  CallRecord record_;
  TimePoint answered_{};
  TimePoint ring_until_;
  Seat caller_;
  Seat callee_;                     // once answered
  std::vector<Seat> rung_;          // until answered
  std::string offer_;               // the caller's newest, for devices that come late; until answered
  KeptMessages caller_candidates_;  // the same
  std::size_t told_ringing_ = 0;
  bool told_caller_connected_ = true;
  bool told_callee_connected_ = true;
};

}  // namespace zvonok::call
