// What the API of phone calls asks of rooms. `RoomCalls` (room_calls.h) answers. Belongs to the control thread.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/phone/phone_control.h"
#include "base/id.h"
#include "call/room_ids.h"
#include "identity/principal.h"
#include "rest/problem.h"

namespace zvonok::app {

class RoomDoor {
 public:
  virtual ~RoomDoor() = default;
  /// Nothing: it may be done.
  using Verdict = std::move_only_function<void(std::optional<rest::Problem>)>;
  /// Whether that user may invite a telephone into that room as it is now. `verdict` runs once, perhaps at once.
  virtual void ask(const call::RoomKey& room, const identity::Principal& user, Verdict verdict) = 0;
  /// Calls it, as PhoneControl::initiate; `wanted.room` is there. `name`: for the others, or "".
  virtual void invite(PhoneControl::Wanted wanted, std::string name, PhoneControl::Done done) = 0;
  /// Hangs it up, when that user may.
  virtual void drop(const call::RoomKey& room, const call::SessionId& telephone, const identity::Principal& user,
                    Verdict verdict) = 0;
};

}  // namespace zvonok::app
