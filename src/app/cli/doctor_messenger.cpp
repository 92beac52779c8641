// The part of `zvonok doctor` about the messenger that is asked who may enter rooms.
#include "app/cli/doctor_report.h"
#include "app/rooms/messenger.h"

namespace zvonok::app {
namespace {

constexpr const char* kNobody = "zvonok-doctor";

}  // namespace

void check_messenger(DoctorReport& report, const Config& config) {
  if (config.room_authorizer_url.empty()) return;
  const auto asker = messenger_authorizer(config);
  if (!asker) {
    report.bad(asker.error(), "check both settings");
    return;
  }
  const port::RoomQuestion question{
      .room = {.kind = call::RoomKind::Group, .id = ChatId{kNobody}}, .user = UserId{kNobody}, .rooms_claim = {}};
  const port::RoomAnswer answer = (*asker)->authorize(question);
  if (const auto* failed = std::get_if<port::AuthorizerUnavailable>(&answer)) {
    report.bad("the messenger at ROOM_AUTHORIZER_URL can't be asked who may enter a room: " + failed->detail,
               "check that it runs, is reached from here, and takes ROOM_AUTHORIZER_SECRET; nobody enters a room until "
               "it answers");
  } else if (std::holds_alternative<port::RoomAllowed>(answer)) {
    report.warn("the messenger at ROOM_AUTHORIZER_URL lets a user who does not exist into a group that does not exist",
                "it has to answer {\"allowed\": false} or 403 for strangers");
  } else {
    report.good("the messenger at ROOM_AUTHORIZER_URL answers who may enter a room");
  }
}

}  // namespace zvonok::app
