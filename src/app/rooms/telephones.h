// Who calls telephones for rooms (app/phone/room_calls.h), as the rooms see it. Belongs to the control thread.
#pragma once
#include "call/room_effect.h"

namespace zvonok::app {

class Telephones {
 public:
  virtual ~Telephones() = default;
  /// Answered by RoomControl::tell: PhoneInvited or PhoneNotInvited.
  virtual void call(const call::CallPhone& asked) = 0;
  virtual void drop(const call::DropPhone& call) = 0;
};

}  // namespace zvonok::app
