#include "app/rooms/room_access.h"

#include <memory>
#include <utility>

#include "app/blocking.h"
#include "net/clock.h"

namespace zvonok::app {
namespace {

/// Who waited this long for a thread gets 503: behind it stand others whom an answer may still help.
constexpr Duration kPatience = seconds{10};
/// A question is asked again when somebody was removed meanwhile; where that goes on, it can't be answered.
constexpr unsigned kTimesMax = 5;

}  // namespace

void RoomAccess::ask(const call::RoomKey& room, const identity::Principal& principal, Done done) {
  port::RoomQuestion question{.room = room, .user = principal.user, .rooms_claim = principal.rooms_json};
  port::RoomAnswer by_token = parts_.token.authorize(question);
  if (std::holds_alternative<port::RoomAllowed>(by_token)) return answer(question, std::move(by_token), done);
  ask_members(std::move(question), 1, std::move(done));
}

void RoomAccess::ask_members(port::RoomQuestion question, unsigned times, Done done) {
  // Two owners: the task on the pool, and this call, which has to answer when the pool takes nothing.
  const auto waiting = std::make_shared<Done>(std::move(done));
  const bool accepted = run_blocking(
      parts_.pool, parts_.loop,
      [&members = parts_.members, question, asked = parts_.loop.now().mono]() -> port::RoomAnswer {
        if (net::read_clocks().mono - asked > kPatience) {
          return port::AuthorizerUnavailable{.detail = "too many questions wait"};
        }
        return members.authorize(question);
      },
      [this, question, times, waiting, removals = parts_.rooms.removals()](port::RoomAnswer found) {
        // Somebody was removed between the question and now: that may have been this one.
        if (std::holds_alternative<port::RoomAllowed>(found) && removals != parts_.rooms.removals()) {
          if (times < kTimesMax) return ask_members(question, times + 1, std::move(*waiting));
          found = port::AuthorizerUnavailable{.detail = "memberships change all the time"};
        }
        answer(question, std::move(found), *waiting);
      });
  if (!accepted) answer(question, port::AuthorizerUnavailable{.detail = "the queue is full"}, *waiting);
}

void RoomAccess::answer(const port::RoomQuestion& question, port::RoomAnswer answer, Done& done) {
  if (parts_.rooms.is_banned(question.room, question.user)) answer = port::RoomDenied{};
  if (const auto* unavailable = std::get_if<port::AuthorizerUnavailable>(&answer)) {
    ++counters_.unavailable;
    parts_.log.warn("who may enter a room could not be found out", {{"error", unavailable->detail}});
  } else if (std::holds_alternative<port::RoomAllowed>(answer)) {
    ++counters_.allowed;
  } else {
    ++counters_.denied;
  }
  done(std::move(answer));
}

}  // namespace zvonok::app
