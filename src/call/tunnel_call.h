// One tunnelled call: its sides, their devices, and what each has been told. Knows nothing of other calls.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "base/token_bucket.h"
#include "call/call.h"
#include "call/deadlines.h"
#include "call/tunnel_words.h"

namespace zvonok::call::tunnel {

enum class Phase {
  Ringing,     // nobody has accepted
  Opening,     // accepted; the tunnel's users are being made
  Connecting,  // both have their configuration and bring their tunnels up
  Active,      // both are ready
};

/// A side of the call once it is known which device takes part: the caller's from the start, the callee's by its
/// accept.
struct Side {
  std::optional<ConnectionId> device;
  DeviceName name;
  TimePoint missing_until = kNever;  // the device is gone, and may come back until then
  bool ready = false;
  std::optional<TokenBucket> words;  // of what it says of its key; from the first on
};

struct TunnelCall {
  std::uint64_t serial = 0;
  CallRecord record;
  Phase phase = Phase::Ringing;
  Side caller;
  Side callee;
  std::vector<ConnectionId> rung;           // devices of the callee that were told, while it rings
  TimePoint callee_missing_until = kNever;  // while it rings: no device of the callee is left
  TimePoint phase_until = kNever;
  TimePoint answered{};
  TimePoint armed = kNever;

  [[nodiscard]] std::optional<Role> role_of(const UserId& user) const {
    if (user == record.caller) return Role::Caller;
    if (user == record.callee) return Role::Callee;
    return std::nullopt;
  }
  [[nodiscard]] Side& side(Role role) { return role == Role::Caller ? caller : callee; }
  [[nodiscard]] TimePoint deadline() const {
    return std::min({phase_until, callee_missing_until, caller.missing_until, callee.missing_until});
  }
};

[[nodiscard]] constexpr Role other(Role role) {
  return role == Role::Caller ? Role::Callee : Role::Caller;
}

}  // namespace zvonok::call::tunnel
