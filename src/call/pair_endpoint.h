// One connected device as the pair-call engine sees it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/id.h"
#include "call/deadlines.h"
#include "call/kept_messages.h"
#include "call/pair_command.h"

namespace zvonok::call {

class PairCall;

/// An offer on its way to becoming a call or being relayed, with the candidates that came after it.
struct PendingOffer {
  LookupId lookup;
  CallTarget target;
  std::string payload;
  KeptMessages candidates;
};

enum class AddedEvents { Off, On };

struct PairEndpoint {
  ConnectionId id;
  UserId user;
  DeviceName name;
  AddedEvents added_events = AddedEvents::Off;
  PairCall* call = nullptr;               // the call in which this device has a seat; owned by the engine
  std::unique_ptr<PendingOffer> pending;  // while its target is being looked up
  KeptMessages early;                     // candidates of a device that is in no call and has offered nothing
  TimePoint early_armed = kNever;
  std::uint64_t left_call = 0;                // the last call that ended for it, or was answered elsewhere: its serial
  TimePoint left_call_at = TimePoint::min();  // when
};

}  // namespace zvonok::call
