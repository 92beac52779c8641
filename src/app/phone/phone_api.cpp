#include "app/phone/phone_api.h"

#include <memory>
#include <utility>
#include <vector>

#include "rest/groups_api.h"
#include "rest/rooms_api.h"

namespace zvonok::app {
namespace {

using call::phone::Outcome;
using rest::PhoneCallRow;

/// To call a telephone.
bool is_attempt(rest::RouteId route) {
  return route == rest::RouteId::InitiateCall || route == rest::RouteId::InvitePhoneToChatRoom ||
         route == rest::RouteId::InvitePhoneToGroupRoom;
}

}  // namespace

PhoneApi::PhoneApi(Parts parts, const Config& config)
    : parts_{parts}, initiations_{config.voip_initiations_per_minute}, requests_{config.voip_requests_per_minute} {
  parts_.phone.on_digit(
      [this](const call::phone::CallView& view, char digit) { parts_.events.publish_digit(view, digit); });
  parts_.phone.on_change([this](const call::phone::Changed& change) {
    parts_.events.publish(change, parts_.phone.offer_of(change.view.record.id));
  });
  parts_.phone.on_ask_listening([this](const UserId& user) { return parts_.events.listens(user); });
}

// ---- on the way in and out -----------------------------------------------------------------------------------------

void PhoneApi::handle(const rest::Match& match, Exchange exchange) {
  const UserId& user = exchange.principal->user;
  const Now& now = parts_.loop.now();
  rest::RateLimit& limit = is_attempt(match.route->id) ? initiations_ : requests_;
  Asked asked{.exchange = std::move(exchange), .rate = {}, .key = std::nullopt};
  asked.rate = limit.take(user, now.mono);
  if (!asked.rate.allowed) return reply(asked, rest::too_many_requests(asked.rate.reset));
  if (match.route->method == Method::Post) {
    auto begun = idempotency_.begin(asked.exchange.request(), user, now.mono);
    if (!begun) return reply(asked, begun.error());
    if (auto* const repeated = std::get_if<rest::Idempotency::Repeated>(&*begun)) {
      repeated->answer.add_header("Idempotent-Replayed", "true");
      return reply(asked, std::move(repeated->answer));
    }
    if (auto* const first = std::get_if<rest::Idempotency::First>(&*begun)) asked.key = std::move(first->key);
  }
  dispatch(match, std::move(asked));
}

rest::RateLimit::Verdict PhoneApi::count_request(const UserId& user) {
  return requests_.take(user, parts_.loop.now().mono);
}

bool PhoneApi::begin_read(const UserId& user) {
  std::size_t& under_way = reads_[user];
  if (under_way >= kReadsPerUserMax) return false;
  ++under_way;
  return true;
}

void PhoneApi::end_read(const UserId& user) {
  const auto under_way = reads_.find(user);
  if (--under_way->second == 0) reads_.erase(under_way);
}

void PhoneApi::dispatch(const rest::Match& match, Asked asked) {
  using rest::RouteId;
  // The router gives nothing else to this API.
  if (match.route->id == RouteId::InitiateCall) return initiate(std::move(asked));
  if (match.route->id == RouteId::TerminateCall) return terminate(std::move(asked));
  if (match.route->id == RouteId::ShowCall) return show(match, std::move(asked));
  if (match.route->id == RouteId::AcceptCall) return decide<call::phone::Accept>(match, std::move(asked));
  if (match.route->id == RouteId::RejectCall) return decide<call::phone::Decline>(match, std::move(asked));
  if (match.route->id == RouteId::AnswerCall) return answer(match, std::move(asked));
  if (match.route->id == RouteId::RestartCallIce) return restart_ice(match, std::move(asked));
  if (match.route->id == RouteId::SendDtmf) return send_dtmf(match, std::move(asked));
  if (match.route->id == RouteId::HoldCall) return set_hold(match, std::move(asked));
  if (match.route->id == RouteId::MuteCall) return set_mute(match, std::move(asked));
  if (match.route->id == RouteId::WatchCall) return watch_one(match, std::move(asked));
  if (match.route->id == RouteId::WatchCalls) return watch_all(std::move(asked));
  if (match.route->id == RouteId::InvitePhoneToChatRoom) return invite(call::RoomKind::Chat, match, std::move(asked));
  if (match.route->id == RouteId::InvitePhoneToGroupRoom) return invite(call::RoomKind::Group, match, std::move(asked));
  if (match.route->id == RouteId::DropPhoneFromChatRoom) return drop(call::RoomKind::Chat, match, std::move(asked));
  if (match.route->id == RouteId::DropPhoneFromGroupRoom) return drop(call::RoomKind::Group, match, std::move(asked));
  reply(asked, rest::internal_error());
}

void PhoneApi::reply(Asked& asked, HttpResponse response) {
  if (asked.key) idempotency_.finish(*std::exchange(asked.key, std::nullopt), response, parts_.loop.now().mono);
  rest::add_rate_limit(response, asked.rate);
  asked.exchange.reply(std::move(response));
}

void PhoneApi::reply(Asked& asked, const rest::Problem& problem) {
  reply(asked, rest::to_response(problem, asked.exchange.request().request_id));
}

PhoneCallRow PhoneApi::row_of(call::phone::CallView view) const {
  std::string offer = parts_.phone.offer_of(view.record.id);
  return rest::row_of(std::move(view), std::move(offer));
}

void PhoneApi::log_stranger(const Asked& asked, const CallId& id) {
  parts_.log.warn(
      "unauthorized call termination attempt",
      {{"call", id}, {"user", asked.exchange.principal->user}, {"request", asked.exchange.request().request_id}});
}

void PhoneApi::find_over(Asked asked, const CallId& id, std::move_only_function<void(Asked, PhoneCallRow)> found) {
  using Record = port::StoreResult<std::optional<call::CallRecord>>;
  struct Waiting {
    Asked asked;
    std::move_only_function<void(Asked, PhoneCallRow)> found;
  };
  const UserId reader = asked.exchange.principal->user;
  if (!begin_read(reader)) return reply(asked, rest::too_many_requests(seconds{1}));
  // Two owners: the journal's task, and this call, which has to answer when the journal takes nothing.
  const auto shared = std::make_shared<Waiting>(std::move(asked), std::move(found));
  const bool accepted = parts_.journal.query([this, shared, id](port::CallStore* store) {
    Record record = store == nullptr ? Record{fail(CallJournal::database_is_down())} : store->find_call(id);
    parts_.loop.post([this, shared, record = std::move(record), id] {
      end_read(shared->asked.exchange.principal->user);
      if (!record) return reply(shared->asked, rest::problem_of(record.error()));
      if (!*record || (*record)->kind != call::CallKind::Phone) {
        return reply(shared->asked, rest::no_such_phone_call());
      }
      const UserId& user = shared->asked.exchange.principal->user;
      if ((*record)->caller != user && (*record)->callee != user) {
        if (shared->asked.exchange.request().path == "/api/calls/terminate") log_stranger(shared->asked, id);
        return reply(shared->asked, rest::problem_of(Outcome::NotYours, parts_.loop.now().wall));
      }
      shared->found(std::move(shared->asked), PhoneCallRow{.record = **record, .live = std::nullopt, .sdp_offer = {}});
    });
  });
  if (accepted) return;
  end_read(reader);
  reply(shared->asked, rest::unavailable());
}

void PhoneApi::reply_told(Asked asked, const CallId& id, PhoneControl::Told told) {
  if (told.outcome == Outcome::Done && told.view) {
    return reply(asked, rest::encode_phone_call(row_of(std::move(*told.view))));
  }
  if (told.outcome != Outcome::NoSuchCall) {
    const rest::Problem problem = rest::problem_of(told.outcome, parts_.loop.now().wall);
    const bool is_of_call = told.outcome == Outcome::WrongStatus || told.outcome == Outcome::AcceptedAlready;
    if (!is_of_call || !told.view) return reply(asked, problem);
    const std::string& request = asked.exchange.request().request_id;
    return reply(asked, rest::to_response(problem, request, row_of(std::move(*told.view))));
  }
  find_over(std::move(asked), id, [this](Asked waiting, PhoneCallRow row) {
    reply(waiting, rest::to_response(rest::phone_call_over(), waiting.exchange.request().request_id, row));
  });
}

// ---- routes --------------------------------------------------------------------------------------------------------

void PhoneApi::initiate(Asked asked) {
  auto number = rest::decode_initiate(asked.exchange.request());
  if (!number) return reply(asked, number.error());
  place_once(std::move(asked), {.number = std::move(*number), .room = std::nullopt, .name = {}});
}

/// A key is looked up in the books before anything is dialed: memory forgets, and other nodes have a memory of their
/// own. While the database is down calls are made all the same.
void PhoneApi::place_once(Asked asked, Target target) {
  if (!asked.key) return place(std::move(asked), std::move(target));
  using Record = port::StoreResult<std::optional<call::CallRecord>>;
  const WallTime since =
      parts_.loop.now().wall - std::chrono::duration_cast<milliseconds>(rest::Idempotency::Options{}.kept);
  const UserId user = asked.exchange.principal->user;
  const std::string key = asked.key->second;
  // Two owners: the journal's task, and this call, which goes on when the journal takes nothing.
  const auto shared = std::make_shared<Asked>(std::move(asked));
  const bool accepted = parts_.journal.query([this, shared, user, key, since, target](port::CallStore* store) {
    Record record = store == nullptr ? Record{std::nullopt} : store->find_keyed_call(user, key, since);
    parts_.loop.post([this, shared, target, record = std::move(record)] {
      if (record && *record) return replay(std::move(*shared), target, **record);
      place(std::move(*shared), target);
    });
  });
  if (!accepted) place(std::move(*shared), std::move(target));
}

void PhoneApi::replay(Asked asked, Target target, const call::CallRecord& record) {
  const bool same = record.phone->number == target.number.value() && record.phone->room == target.room;
  if (!same) return reply(asked, rest::idempotency_key_reused());
  // What the provider refused may be tried again, as with any answer of 5xx: no telephone has rung.
  const bool rang = record.ringing_at || record.answered_at;
  if (record.reason == call::EndReason::Failed && !rang) return place(std::move(asked), std::move(target));
  auto view = parts_.phone.find(record.id);
  HttpResponse response = rest::encode_initiated(
      view ? row_of(std::move(*view)) : PhoneCallRow{.record = record, .live = std::nullopt, .sdp_offer = {}});
  response.add_header("Idempotent-Replayed", "true");
  reply(asked, std::move(response));
}

void PhoneApi::place(Asked asked, Target target) {
  PhoneControl::Wanted wanted{.user = asked.exchange.principal->user,
                              .number = std::move(target.number),
                              .key = asked.key ? asked.key->second : std::string{},
                              .room = std::move(target.room)};
  PhoneControl::Done done = [this, waiting = std::move(asked)](PhoneControl::Initiated result) mutable {
    if (result) return reply(waiting, rest::encode_initiated(row_of(std::move(*result))));
    const PhoneControl::NotInitiated& why = result.error();
    if (!why.view) return reply(waiting, rest::problem_of(why.outcome, parts_.loop.now().wall));
    const std::string& request = waiting.exchange.request().request_id;
    reply(waiting, rest::to_response(rest::provider_failed(why.fault), request, row_of(*why.view)));
  };
  if (wanted.room) return rooms_->invite(std::move(wanted), std::move(target.name), std::move(done));
  parts_.phone.initiate(std::move(wanted), std::move(done));
}

void PhoneApi::invite(call::RoomKind kind, const rest::Match& match, Asked asked) {
  const auto room = rest::room_key_of(kind, match.param("id"));
  if (!room) return reply(asked, room.error());
  auto invitation = rest::decode_invitation(asked.exchange.request());
  if (!invitation) return reply(asked, invitation.error());
  Target target{.number = std::move(invitation->number), .room = *room, .name = std::move(invitation->name)};
  const identity::Principal user = *asked.exchange.principal;
  rooms_->ask(*room, user, [this, waiting = std::move(asked), target = std::move(target)](auto refusal) mutable {
    if (refusal) return reply(waiting, *refusal);
    place_once(std::move(waiting), std::move(target));
  });
}

void PhoneApi::drop(call::RoomKind kind, const rest::Match& match, Asked asked) {
  const auto room = rest::room_key_of(kind, match.param("id"));
  if (!room) return reply(asked, room.error());
  const call::SessionId telephone{std::string{match.param("sessionId")}};
  const identity::Principal user = *asked.exchange.principal;
  rooms_->drop(*room, telephone, user, [this, waiting = std::move(asked)](auto refusal) mutable {
    if (refusal) return reply(waiting, *refusal);
    reply(waiting, rest::encode_gone());
  });
}

void PhoneApi::terminate(Asked asked) {
  const auto id = rest::decode_terminate(asked.exchange.request());
  if (!id) return reply(asked, id.error());
  const UserId user = asked.exchange.principal->user;
  PhoneControl::Told told = parts_.phone.tell(*id, call::phone::Terminate{.call = *id, .user = user});
  if (told.outcome == Outcome::NotYours) log_stranger(asked, *id);
  if (told.outcome == Outcome::Done && told.view) {
    parts_.log.info("call terminated successfully", {{"call", *id},
                                                     {"user", user},
                                                     {"status", call::phone::to_text(told.view->status)},
                                                     {"duration_seconds", told.view->record.duration_seconds}});
  }
  reply_told(std::move(asked), *id, std::move(told));
}

void PhoneApi::show(const rest::Match& match, Asked asked) {
  const auto id = rest::call_id_of(match.param("id"));
  if (!id) return reply(asked, id.error());
  if (auto view = parts_.phone.find(*id)) {
    if (view->user() != asked.exchange.principal->user) {
      return reply(asked, rest::problem_of(Outcome::NotYours, parts_.loop.now().wall));
    }
    return reply(asked, rest::encode_phone_call(row_of(std::move(*view))));
  }
  find_over(std::move(asked), *id,
            [this](Asked waiting, PhoneCallRow row) { reply(waiting, rest::encode_phone_call(row)); });
}

template <class Command>
void PhoneApi::decide(const rest::Match& match, Asked asked) {
  const auto id = rest::call_id_of(match.param("id"));
  if (!id) return reply(asked, id.error());
  const UserId user = asked.exchange.principal->user;
  PhoneControl::Told told = parts_.phone.tell(*id, Command{.call = *id, .user = user});
  reply_told(std::move(asked), *id, std::move(told));
}

void PhoneApi::answer(const rest::Match& match, Asked asked) {
  const auto id = rest::call_id_of(match.param("id"));
  if (!id) return reply(asked, id.error());
  auto sdp = rest::decode_browser_answer(asked.exchange.request());
  if (!sdp) return reply(asked, sdp.error());
  const UserId user = asked.exchange.principal->user;
  PhoneControl::Told told = parts_.phone.answer(*id, user, std::move(*sdp));
  reply_told(std::move(asked), *id, std::move(told));
}

void PhoneApi::restart_ice(const rest::Match& match, Asked asked) {
  const auto id = rest::call_id_of(match.param("id"));
  if (!id) return reply(asked, id.error());
  PhoneControl::Told told = parts_.phone.restart_ice(*id, asked.exchange.principal->user);
  reply_told(std::move(asked), *id, std::move(told));
}

void PhoneApi::send_dtmf(const rest::Match& match, Asked asked) {
  const auto id = rest::call_id_of(match.param("id"));
  if (!id) return reply(asked, id.error());
  auto digits = rest::decode_dtmf(asked.exchange.request());
  if (!digits) return reply(asked, digits.error());
  const UserId user = asked.exchange.principal->user;
  PhoneControl::Told told =
      parts_.phone.tell(*id, call::phone::SendDtmf{.call = *id, .user = user, .digits = std::move(*digits)});
  reply_told(std::move(asked), *id, std::move(told));
}

void PhoneApi::set_hold(const rest::Match& match, Asked asked) {
  const auto id = rest::call_id_of(match.param("id"));
  if (!id) return reply(asked, id.error());
  const auto to = rest::decode_switch(asked.exchange.request(), "hold");
  if (!to) return reply(asked, to.error());
  const UserId user = asked.exchange.principal->user;
  PhoneControl::Told told = parts_.phone.tell(*id, call::phone::SetHold{.call = *id, .user = user, .to = *to});
  reply_told(std::move(asked), *id, std::move(told));
}

void PhoneApi::set_mute(const rest::Match& match, Asked asked) {
  const auto id = rest::call_id_of(match.param("id"));
  if (!id) return reply(asked, id.error());
  const auto to = rest::decode_switch(asked.exchange.request(), "mute");
  if (!to) return reply(asked, to.error());
  const UserId user = asked.exchange.principal->user;
  PhoneControl::Told told = parts_.phone.tell(*id, call::phone::SetMute{.call = *id, .user = user, .to = *to});
  reply_told(std::move(asked), *id, std::move(told));
}

void PhoneApi::watch_one(const rest::Match& match, Asked asked) {
  const auto id = rest::call_id_of(match.param("id"));
  if (!id) return reply(asked, id.error());
  if (auto view = parts_.phone.find(*id)) {
    if (view->user() != asked.exchange.principal->user) {
      return reply(asked, rest::problem_of(Outcome::NotYours, parts_.loop.now().wall));
    }
    return parts_.events.open(std::move(asked.exchange), *id, {row_of(std::move(*view))});
  }
  find_over(std::move(asked), *id, [this, call = *id](Asked waiting, PhoneCallRow row) {
    parts_.events.open(std::move(waiting.exchange), call, {std::move(row)});
  });
}

void PhoneApi::watch_all(Asked asked) {
  std::vector<PhoneCallRow> rows;
  for (auto& view : parts_.phone.calls_of(asked.exchange.principal->user)) rows.push_back(row_of(std::move(view)));
  parts_.events.open(std::move(asked.exchange), std::nullopt, rows);
}

}  // namespace zvonok::app
