// Between phone calls and rooms: a telephone that is invited into a room is a phone call of its inviter's, by the same
// rules and in the same books, and a participant of the room. Belongs to the control thread.
#pragma once
#include <functional>

#include "app/phone/phone_control.h"
#include "app/phone/room_door.h"
#include "app/phone/room_lines.h"
#include "app/rooms/room_access.h"
#include "app/rooms/room_control.h"
#include "app/rooms/telephones.h"

namespace zvonok::app {

class RoomCalls final : public Telephones, public RoomDoor, private RoomLines {
 public:
  struct Parts {
    PhoneControl& phone;
    RoomControl& rooms;
    RoomAccess& access;
    /// Counts an attempt of that user to call, over whatever way; false when there are too many.
    std::function<bool(const UserId&)> may_try;
  };
  explicit RoomCalls(Parts parts);

  // For the rooms.
  void call(const call::CallPhone& asked) override;
  void drop(const call::DropPhone& call) override;

  // For REST.
  void ask(const call::RoomKey& room, const identity::Principal& user, Verdict verdict) override;
  void invite(PhoneControl::Wanted wanted, std::string name, PhoneControl::Done done) override;
  void drop(const call::RoomKey& room, const call::SessionId& telephone, const identity::Principal& user,
            Verdict verdict) override;

 private:
  struct Invitation {
    PhoneControl::Wanted wanted;
    std::string name;
    std::optional<ConnectionId> asker;
    std::string request;
  };
  void place(Invitation invitation, PhoneControl::Done done);
  /// As membership says, or as the room that lives has it.
  [[nodiscard]] call::RoomRole role_in(const call::RoomKey& room, const port::RoomAllowed& allowed,
                                       const UserId& user) const;

  // For the phone calls.
  void attach_line(const CallId& call, std::unique_ptr<port::PhoneLine> line) override;
  void on_change(const call::phone::Changed& change) override;

  Parts parts_;
};

}  // namespace zvonok::app
