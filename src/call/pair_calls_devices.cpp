// The part of PairCalls about devices and time: connecting, dropping, coming back, hello, presence, deadlines.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "call/pair_calls.h"
#include "call/presence_news.h"

namespace zvonok::call {

void PairCalls::on(DeviceConnected& command, const Now& now, Effects& effects) {
  const auto same_device = presence_.find_named(command.user, command.device, Dialect::Pair);
  const PresenceChange change = presence_.connect(
      {.connection = command.connection, .user = command.user, .name = command.device, .dialect = Dialect::Pair});
  PairEndpoint& fresh = endpoints_[command.connection];
  fresh.id = command.connection;
  fresh.user = std::move(command.user);
  fresh.name = std::move(command.device);
  if (same_device) {
    PairEndpoint* const old = find(*same_device);
    ZVONOK_CHECK(old != nullptr);
    replace(*old, fresh, effects);
  }
  if (fresh.call == nullptr) join_call_of_user(fresh, now, effects);
  tell_watchers(presence_, fresh.user, change, effects);
}

void PairCalls::replace(PairEndpoint& old, PairEndpoint& fresh, Effects& effects) {
  effects.emplace_back(CloseConnection{.connection = old.id, .reason = CloseReason::Replaced});
  if (old.call != nullptr) old.call->replace(old, fresh, effects);
  static_cast<void>(drop(old));  // the user stays online by `fresh`
}

PresenceChange PairCalls::drop(PairEndpoint& endpoint) {
  withdraw_pending(endpoint);
  static_cast<void>(take_early(endpoint));
  const PresenceChange change = presence_.disconnect(endpoint.id);
  endpoints_.erase(ConnectionId{endpoint.id});
  return change;
}

void PairCalls::join_call_of_user(PairEndpoint& fresh, const Now& now, Effects& effects) {
  PairCall* const call = call_of(fresh.user);
  if (call == nullptr) return;
  if (!call->adopt(fresh, effects)) {
    if (call->record().callee != fresh.user || !call->can_ring()) return;
    call->ring(fresh, {}, effects);
  }
  settle(*call, std::nullopt, now, effects);
}

void PairCalls::on(DeviceDisconnected& command, const Now& now, Effects& effects) {
  PairEndpoint* const gone = find(command.connection);
  if (gone == nullptr) return;
  PairCall* const call = gone->call;
  const UserId user = gone->user;
  if (call != nullptr) call->lose(*gone, now.mono);
  const PresenceChange change = drop(*gone);
  if (call != nullptr) expire(*call, now, effects);
  tell_watchers(presence_, user, change, effects);
}

void PairCalls::ring_devices(PairCall& call, Effects& effects) {
  if (!call.can_ring()) return;
  for (const ConnectionId connection : presence_.devices_of(call.record().callee, Dialect::Pair)) {
    PairEndpoint* const device = find(connection);
    if (device == nullptr || device->call != nullptr) continue;
    if (!call.can_ring()) return;
    call.ring(*device, take_early(*device), effects);
  }
}

/// After a device was lost, or in time: empties seats, and fills them with devices that were too many before.
void PairCalls::expire(PairCall& call, const Now& now, Effects& effects) {
  Verdict verdict = call.expire(now.mono);
  if (!verdict) {
    ring_devices(call, effects);
    verdict = call.nobody_rings();
  }
  settle(call, verdict, now, effects);
}

void PairCalls::on(Hello& command, const Now&, Effects& effects) {
  PairEndpoint* const from = find(command.connection);
  if (from == nullptr) return;
  from->added_events = AddedEvents::On;
  DeliverServerHello hello{.to = from->id,
                           .user = from->user,
                           .device = from->name,
                           .reconnect_grace = options_.reconnect_grace,
                           .ring_timeout = options_.ring_timeout,
                           .call = {}};
  if (from->call != nullptr) hello.call = from->call->summary_for(*from);
  effects.emplace_back(std::move(hello));
}

void PairCalls::on(WatchPresence& command, const Now&, Effects& effects) {
  PairEndpoint* const from = find(command.connection);
  if (from == nullptr) return;
  if (from->added_events == AddedEvents::Off) {
    return refuse(*from, ErrorCode::BadMessage, "presence:watch before client:hello", effects);
  }
  presence_.watch(from->id, std::move(command.users));
  DeliverPresence presence{.to = from->id, .users = {}};
  for (UserId& user : presence_.watched_by(from->id)) {
    const bool online = presence_.is_online(user);
    presence.users.push_back({.user = std::move(user), .online = online});
  }
  effects.emplace_back(std::move(presence));
}

void PairCalls::on(Drain&, const Now&, Effects&) {
  draining_ = true;
}

void PairCalls::on(Shutdown&, const Now& now, Effects& effects) {
  draining_ = true;
  std::vector<std::uint64_t> serials;
  for (const auto& [serial, call] : calls_) serials.push_back(serial);
  std::ranges::sort(serials);
  for (const std::uint64_t serial : serials) end(*calls_.at(serial), EndReason::ServerShutdown, now, effects);
  std::vector<LookupId> lookups;
  for (const auto& [lookup, connection] : lookups_) lookups.push_back(lookup);
  std::ranges::sort(lookups);
  for (const LookupId lookup : lookups) {
    PairEndpoint* from = nullptr;
    static_cast<void>(take_pending(lookup, from));
    refuse(*from, ErrorCode::Unavailable, "the server is shutting down", effects);
  }
}

void PairCalls::handle_timeout(const Now& now, Effects& effects) {
  while (const auto key = deadlines_.due(now.mono)) {
    switch (key->kind) {
      case DeadlineKey::Kind::Call: {
        expire(*calls_.at(key->id), now, effects);
        break;
      }
      case DeadlineKey::Kind::EarlyCandidates: {
        expire_early(endpoints_.at(ConnectionId{key->id}), now.mono, effects);
        break;
      }
    }
  }
}

PairCalls::Counts PairCalls::counts() const {
  Counts counts{.endpoints = endpoints_.size(),
                .calls = calls_.size(),
                .users_in_calls = users_in_calls_.size(),
                .endpoints_in_calls = 0,
                .lookups = lookups_.size(),
                .deadlines = deadlines_.size(),
                .kept_messages = 0,
                .kept_bytes = 0};
  for (const auto& [id, endpoint] : endpoints_) {
    if (endpoint.call != nullptr) ++counts.endpoints_in_calls;
    counts.kept_messages += endpoint.early.size();
    counts.kept_bytes += endpoint.early.bytes();
    if (endpoint.pending == nullptr) continue;
    counts.kept_messages += 1 + endpoint.pending->candidates.size();
    counts.kept_bytes += endpoint.pending->payload.size() + endpoint.pending->candidates.bytes();
  }
  for (const auto& [serial, call] : calls_) {
    const PairCall::KeptCounts kept = call->kept();
    counts.kept_messages += kept.messages;
    counts.kept_bytes += kept.bytes;
  }
  return counts;
}

}  // namespace zvonok::call
