// The REST routes of phone calls: what each does. Decoding and encoding are rest/'s. Belongs to the loop's thread.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "app/call_journal.h"
#include "app/config/config.h"
#include "app/phone/phone_control.h"
#include "app/phone/phone_events.h"
#include "app/phone/room_door.h"
#include "app/web/exchange.h"
#include "base/log.h"
#include "net/loop.h"
#include "rest/idempotency.h"
#include "rest/phone_api.h"
#include "rest/rate_limit.h"
#include "rest/router.h"

namespace zvonok::app {

class PhoneApi {
 public:
  struct Parts {
    net::Loop& loop;
    CallJournal& journal;
    PhoneControl& phone;
    PhoneEvents& events;
    Logger& log;
  };
  PhoneApi(Parts parts, const Config& config);

  /// For the routes of rest/phone_api.h; `exchange` has its principal.
  void handle(const rest::Match& match, Exchange exchange);

  /// Before any request about a room.
  void on_rooms(RoomDoor& rooms) { rooms_ = &rooms; }
  /// An attempt to call that comes another way; false: too many.
  [[nodiscard]] bool count_initiation(const UserId& user) {
    return initiations_.take(user, parts_.loop.now().mono).allowed;
  }
  /// Of requests about calls that are answered elsewhere, such as the history: each counts.
  [[nodiscard]] rest::RateLimit::Verdict count_request(const UserId& user);
  /// Who reads the books has a place in the journal's lane; false when the user has kReadsPerUserMax of them. To be
  /// ended by `end_read`.
  static constexpr std::size_t kReadsPerUserMax = 8;
  [[nodiscard]] bool begin_read(const UserId& user);
  void end_read(const UserId& user);

 private:
  /// A request with what its answer will carry besides.
  struct Asked {
    Exchange exchange;
    rest::RateLimit::Verdict rate;
    std::optional<rest::Idempotency::Key> key;  // of the first request with it
  };
  void dispatch(const rest::Match& match, Asked asked);
  /// What is to be called, and into which room if into any.
  struct Target {
    call::phone::PhoneNumber number;
    std::optional<call::RoomKey> room;
    std::string name;  // in the room
  };
  void initiate(Asked asked);
  void invite(call::RoomKind kind, const rest::Match& match, Asked asked);
  void drop(call::RoomKind kind, const rest::Match& match, Asked asked);
  /// Unless the request's key is known.
  void place_once(Asked asked, Target target);
  void place(Asked asked, Target target);
  /// The books know a call of this key: of an earlier run of this server, or of another node.
  void replay(Asked asked, Target target, const call::CallRecord& record);
  void terminate(Asked asked);
  void show(const rest::Match& match, Asked asked);
  /// Accept or Decline, as the route says.
  template <class Command>
  void decide(const rest::Match& match, Asked asked);
  void answer(const rest::Match& match, Asked asked);
  void restart_ice(const rest::Match& match, Asked asked);
  void send_dtmf(const rest::Match& match, Asked asked);
  void set_hold(const rest::Match& match, Asked asked);
  void set_mute(const rest::Match& match, Asked asked);
  void watch_one(const rest::Match& match, Asked asked);
  void watch_all(Asked asked);

  void reply(Asked& asked, HttpResponse response);
  void reply(Asked& asked, const rest::Problem& problem);
  /// What became of a command about that call.
  void reply_told(Asked asked, const CallId& id, PhoneControl::Told told);
  /// The call is not under way: `found` gets its record when the user has had it, else the request is answered.
  void find_over(Asked asked, const CallId& id, std::move_only_function<void(Asked, rest::PhoneCallRow)> found);
  [[nodiscard]] rest::PhoneCallRow row_of(call::phone::CallView view) const;
  void log_stranger(const Asked& asked, const CallId& id);

  Parts parts_;
  RoomDoor* rooms_ = nullptr;
  rest::RateLimit initiations_;
  rest::RateLimit requests_;
  std::unordered_map<UserId, std::size_t> reads_;  // under way; no zeros
  rest::Idempotency idempotency_{{}};
};

}  // namespace zvonok::app
