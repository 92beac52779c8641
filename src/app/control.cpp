#include "app/control.h"

#include <type_traits>

#include "app/blocking.h"
#include "base/overloaded.h"
#include "signal/pair/encode.h"

namespace zvonok::app {
namespace {

using websocket::CloseCode;

// Messages that may follow a token in the first message before it is checked.
constexpr std::size_t kWaitingMessagesMax = 32;

call::PairOptions pair_options(const Config& config) {
  call::PairOptions options;
  options.ring_timeout = config.call_ring_timeout;
  options.reconnect_grace = config.call_reconnect_grace;
  options.calls_max = config.calls_max;
  return options;
}

/// What the store says about an offer's target, as the command that goes back to the domain.
call::Command find_target(port::Store& store, const call::LookUpTarget& question) {
  const auto lookup = question.lookup;
  if (const auto* user = std::get_if<UserId>(&question.target)) {
    const auto found = store.find_user(*user);
    if (!found) return call::LookupFailed{lookup};
    if (!*found || (*found)->disabled) return call::TargetMissing{lookup};
    return call::TargetFound{lookup, *user};
  }
  const auto chat = store.find_private_chat(std::get<ChatId>(question.target));
  if (!chat) return call::LookupFailed{lookup};
  if (!*chat) return call::TargetMissing{lookup};
  if ((*chat)->first == question.asker) return call::TargetFound{lookup, (*chat)->second};
  if ((*chat)->second == question.asker) return call::TargetFound{lookup, (*chat)->first};
  return call::TargetMissing{lookup};
}

}  // namespace

Control::Control(Parts parts, const Config& config)
    : parts_{parts},
      auth_timeout_{config.ws_auth_timeout},
      sockets_per_user_max_{config.ws_sockets_per_user_max},
      calls_{pair_options(config), presence_, parts.entropy} {}

// ---- who comes in --------------------------------------------------------------------------------------------------

void Control::open(ConnectionId id, const identity::Principal& principal, DeviceName device) {
  Client& client = clients_[id];
  client.device = std::move(device);
  admit(id, client, principal);
}

void Control::open_unauthenticated(ConnectionId id, DeviceName device) {
  Client& client = clients_[id];
  client.device = std::move(device);
  client.auth_timer = parts_.loop.schedule(parts_.loop.now().mono + auth_timeout_, [this, id] {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    found->second.auth_timer.reset();
    ++counters_.auth_timeouts;
    refuse(id);
  });
}

void Control::refuse(ConnectionId id) {
  ++counters_.auth_refused;
  server_->ws_close(id, CloseCode::Unauthorized, "Unauthorized");
}

void Control::admit(ConnectionId id, Client& client, const identity::Principal& principal) {
  if (client.auth_timer) parts_.loop.cancel(*client.auth_timer);
  client.auth_timer.reset();
  if (presence_.devices_of(principal.user, call::Dialect::Pair).size() >= sockets_per_user_max_) {
    ++counters_.too_many_sockets;
    server_->ws_close(id, CloseCode::TooManyConnections, "Too many connections");
    return;
  }
  client.authenticated = true;
  client.session_id = principal.session_id;
  parts_.log.debug("socket opened", {{"connection", id}, {"user", principal.user}, {"device", client.device}});
  run(call::DeviceConnected{id, principal.user, client.device});
}

void Control::authenticate(ConnectionId id, signal::pair::PairMessage message) {
  Client& client = clients_.at(id);
  auto* auth = std::get_if<signal::pair::AuthMessage>(&message);
  if (auth == nullptr) {
    refuse(id);
    return;
  }
  client.auth_under_way = true;
  parts_.access.check_token(auth->token.reveal(), [this, id](Result<identity::Principal, AccessDenied> principal) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    if (!principal) {
      const bool unavailable = std::holds_alternative<AccessUnavailable>(principal.error());
      if (unavailable) {
        server_->ws_close(id, CloseCode::TryAgainLater, "Unavailable");
      } else {
        refuse(id);
      }
      return;
    }
    text_.clear();
    signal::pair::encode_auth_ok(text_, principal->user);
    server_->ws_send(id, text_);
    const std::vector<std::string> waiting = std::move(found->second.waiting);
    admit(id, found->second, *principal);
    for (const std::string& text : waiting) on_ws_message(id, text);
  });
}

void Control::close_session(const std::string& session_id) {
  if (session_id.empty()) return;
  for (const auto& [id, client] : clients_) {
    if (client.session_id == session_id) refuse(id);
  }
}

// ---- messages ------------------------------------------------------------------------------------------------------

void Control::on_ws_message(ConnectionId id, std::string_view text) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  if (client->second.auth_under_way && !client->second.authenticated) {
    if (client->second.waiting.size() >= kWaitingMessagesMax) {
      refuse(id);
    } else {
      client->second.waiting.emplace_back(text);
    }
    return;
  }
  auto message = signal::pair::decode(text);
  if (!client->second.authenticated) {
    if (message) {
      authenticate(id, std::move(*message));
    } else {
      refuse(id);
    }
    return;
  }
  std::optional<call::Command> command;
  if (message) command = signal::pair::to_command(id, std::move(*message));
  if (!command) {
    ++counters_.bad_messages;
    text_.clear();
    signal::pair::encode_error(text_, call::ErrorCode::BadMessage,
                               message ? "already authenticated" : signal::pair::to_text(message.error()));
    server_->ws_send(id, text_);
    return;
  }
  run(std::move(*command));
}

void Control::on_ws_close(ConnectionId id) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  if (client->second.auth_timer) parts_.loop.cancel(*client->second.auth_timer);
  clients_.erase(client);
  parts_.log.debug("socket closed", {{"connection", id}});
  run(call::DeviceDisconnected{id});
}

void Control::drain() {
  run(call::Drain{});
}

void Control::shut_down() {
  run(call::Shutdown{});
}

// ---- the domain ----------------------------------------------------------------------------------------------------

void Control::run(call::Command command) {
  calls_.handle(std::move(command), parts_.loop.now(), effects_);
  perform_all();
  timer_.arm();
}

void Control::perform_all() {
  // Nothing that is performed runs the domain again within this loop: sends are buffered, look-ups answer later.
  for (call::Effect& effect : effects_) perform(effect);
  effects_.clear();
}

void Control::handle_timeout() {
  calls_.handle_timeout(parts_.loop.now(), effects_);
  perform_all();
}

template <class Deliver>
void Control::deliver(const Deliver& effect) {
  if constexpr (std::is_same_v<Deliver, call::DeliverError>) ++counters_.errors;
  text_.clear();
  signal::pair::encode(text_, effect);
  server_->ws_send(effect.to, text_);
}

void Control::perform(call::Effect& effect) {
  std::visit(
      Overloaded{[this](const call::SaveRecord& e) { perform(e); }, [this](const call::LookUpTarget& e) { perform(e); },
                 [this](const call::CloseConnection& e) { perform(e); },
                 [this](const call::DeliverPresence& e) { perform(e); }, [this](const auto& e) { deliver(e); }},
      effect);
}

void Control::perform(const call::SaveRecord& effect) {
  const call::CallRecord& record = effect.record;
  switch (record.state) {
    case call::CallState::Ringing:
      ++counters_.started;
      parts_.log.info("call started", {{"call", record.id}, {"caller", record.caller}, {"callee", record.callee}});
      break;
    case call::CallState::Active:
      ++counters_.answered;
      parts_.log.info("call answered", {{"call", record.id}});
      break;
    case call::CallState::Ended: {
      const auto reason = record.reason.value_or(call::EndReason::Failed);
      ++counters_.ended[static_cast<std::size_t>(reason)];
      counters_.answered_seconds += static_cast<std::uint64_t>(record.duration_seconds);
      parts_.log.info(
          "call ended",
          {{"call", record.id}, {"reason", call::to_text(reason)}, {"duration_seconds", record.duration_seconds}});
      break;
    }
  }
  parts_.journal.save(record);
}

void Control::perform(const call::LookUpTarget& effect) {
  const bool accepted = run_blocking(
      parts_.storage, parts_.loop, [&store = parts_.store, effect] { return find_target(store, effect); },
      [this](call::Command answer) { run(std::move(answer)); });
  if (!accepted) parts_.loop.post([this, lookup = effect.lookup] { run(call::LookupFailed{lookup}); });
}

bool Control::tell_presence(const call::DeliverPresence& presence) {
  if (!clients_.contains(presence.to)) return false;
  deliver(presence);
  return true;
}

void Control::perform(const call::DeliverPresence& effect) {
  if (!tell_presence(effect) && tell_elsewhere_) tell_elsewhere_(effect);
}

void Control::perform(const call::CloseConnection& effect) {
  switch (effect.reason) {
    case call::CloseReason::Replaced: server_->ws_close(effect.connection, CloseCode::Replaced, "Replaced"); return;
  }
}

}  // namespace zvonok::app
