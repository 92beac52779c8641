#include "app/phone/room_calls.h"

#include <algorithm>
#include <utility>

#include "rest/phone_api.h"
#include "rest/rooms_api.h"

namespace zvonok::app {
namespace {

using call::RoomErrorCode;
using call::phone::Outcome;

struct Told {
  RoomErrorCode code;
  std::string_view message;
};

/// Why nothing was dialed.
Told told(Outcome outcome) {
  switch (outcome) {
    case Outcome::NumberNotAllowed:
      return {RoomErrorCode::NumberNotAllowed, "calls to this number are not allowed on this server"};
    case Outcome::InAnotherCall:
      return {RoomErrorCode::InAnotherCall, "you have as many phone calls as one user may have at once"};
    case Outcome::DailyLimit:
      return {RoomErrorCode::DailyLimit, "you have made as many phone calls today as one user may"};
    case Outcome::SpendLimit:
      return {RoomErrorCode::SpendLimit, "the minutes of phone calls that this server has a day are used up"};
    default: return {RoomErrorCode::Unavailable, "this server can't call telephones now"};
  }
}

}  // namespace

RoomCalls::RoomCalls(Parts parts) : parts_{std::move(parts)} {
  parts_.phone.on_rooms(*this);
  parts_.rooms.on_telephones(*this);
}

void RoomCalls::place(Invitation invitation, PhoneControl::Done done) {
  call::PhoneInvited invited{.call = {},
                             .room = *invitation.wanted.room,
                             .by = invitation.wanted.user,
                             .asker = invitation.asker,
                             .number = masked(invitation.wanted.number),
                             .name = std::move(invitation.name),
                             .request = std::move(invitation.request)};
  auto id = parts_.phone.initiate(std::move(invitation.wanted), std::move(done));
  if (!id) return;
  invited.call = std::move(*id);
  parts_.rooms.tell(std::move(invited));
}

// ---- for the rooms --------------------------------------------------------------------------------------------------

void RoomCalls::call(const call::CallPhone& asked) {
  const auto refuse = [this, asker = asked.asker, request = asked.request](const Told& why) {
    parts_.rooms.tell(
        call::PhoneNotInvited{.asker = asker, .code = why.code, .message = why.message, .request = request});
  };
  if (!parts_.may_try(asked.by)) {
    return refuse({RoomErrorCode::TooManyRequests, "too many attempts to call: wait for a minute"});
  }
  place({.wanted = {.user = asked.by, .number = asked.number, .key = {}, .room = asked.room},
         .name = asked.name,
         .asker = asked.asker,
         .request = asked.request},
        [refuse](PhoneControl::Initiated result) {
          // A call that has begun is told of by its progress.
          if (!result && !result.error().view) refuse(told(result.error().outcome));
        });
}

void RoomCalls::drop(const call::DropPhone& call) {
  (void)parts_.phone.tell(call.call, call::phone::Dismiss{.call = call.call, .cause = call.cause});
}

// ---- for REST -------------------------------------------------------------------------------------------------------

call::RoomRole RoomCalls::role_in(const call::RoomKey& room, const port::RoomAllowed& allowed,
                                  const UserId& user) const {
  call::RoomRole role = port::role_in(room.kind, allowed.role).value_or(call::RoomRole::Member);
  const auto view = parts_.rooms.describe(room);
  if (!view) return role;
  for (const call::RoomView::Member& member : view->members) {
    if (!member.info.phone && member.info.user == user) role = std::max(role, member.info.role);
  }
  return role;
}

void RoomCalls::ask(const call::RoomKey& room, const identity::Principal& user, Verdict verdict) {
  parts_.access.ask(room, user,
                    [this, room, id = user.user, verdict = std::move(verdict)](port::RoomAnswer answer) mutable {
                      if (std::holds_alternative<port::AuthorizerUnavailable>(answer)) {
                        return verdict(rest::unavailable());
                      }
                      const auto* const allowed = std::get_if<port::RoomAllowed>(&answer);
                      if (allowed == nullptr) return verdict(rest::no_member_of_room());
                      const auto refusal = parts_.rooms.phone_refusal(room, role_in(room, *allowed, id));
                      if (refusal) return verdict(rest::problem_of_room(refusal->code, refusal->message));
                      verdict(std::nullopt);
                    });
}

void RoomCalls::invite(PhoneControl::Wanted wanted, std::string name, PhoneControl::Done done) {
  place({.wanted = std::move(wanted), .name = std::move(name), .asker = std::nullopt, .request = {}}, std::move(done));
}

void RoomCalls::drop(const call::RoomKey& room, const call::SessionId& telephone, const identity::Principal& user,
                     Verdict verdict) {
  parts_.access.ask(
      room, user,
      [this, room, telephone, id = user.user, verdict = std::move(verdict)](port::RoomAnswer answer) mutable {
        if (std::holds_alternative<port::AuthorizerUnavailable>(answer)) return verdict(rest::unavailable());
        const auto* const allowed = std::get_if<port::RoomAllowed>(&answer);
        if (allowed == nullptr) return verdict(rest::no_member_of_room());
        const auto inviter = parts_.rooms.inviter_of(room, telephone);
        if (!inviter) return verdict(rest::no_such_telephone());
        const bool own = *inviter == id;
        if (!own && role_in(room, *allowed, id) < call::RoomRole::Moderator) {
          return verdict(rest::no_moderator_of_room());
        }
        parts_.rooms.tell(
            call::PhoneDismissed{.room = room,
                                 .session = telephone,
                                 .cause = own ? call::phone::Cause::Caller : call::phone::Cause::Moderator});
        verdict(std::nullopt);
      });
}

// ---- for the phone calls --------------------------------------------------------------------------------------------

void RoomCalls::attach_line(const CallId& call, std::unique_ptr<port::PhoneLine> line) {
  parts_.rooms.attach_line(call, std::move(line));
}

void RoomCalls::on_change(const call::phone::Changed& change) {
  parts_.rooms.tell(
      call::PhoneProgressed{.call = change.view.record.id, .status = change.view.status, .cause = change.cause});
}

}  // namespace zvonok::app
