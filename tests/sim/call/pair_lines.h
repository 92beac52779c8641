// What the engine does, as short texts: for traces, and to be compared with what the model expects.
#pragma once
#include <optional>
#include <stdexcept>
#include <string>

#include "base/overloaded.h"
#include "call/pair_command.h"
#include "call/pair_effect.h"

namespace zvonok::sim {

/// A rule was broken. The test adds the seed.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline std::string hangup_line(call::HangupReason reason, const std::string& payload, call::ReasonFrom from) {
  std::string line = "hangup " + std::string{to_text(reason)};
  if (!payload.empty()) line += " with " + payload;
  if (from == call::ReasonFrom::Client) line += " (own reason)";
  return line;
}

inline std::string error_line(call::ErrorCode code) {
  return "error " + std::string{to_text(code)};
}

/// Without times and ids.
inline std::string record_line(const call::CallRecord& record) {
  std::string line = record.caller.value() + ">" + record.callee.value() + " " + std::string{to_text(record.state)};
  if (record.chat) line += " chat " + record.chat->value();
  if (record.reason) line += " " + std::string{to_text(*record.reason)};
  return line + " " + std::to_string(record.duration_seconds) + "s";
}

/// The contract's deliveries and closings; nullopt for the added events and what is no message.
inline std::optional<std::string> contract_line(const call::Effect& effect) {
  using Line = std::optional<std::string>;
  return std::visit(
      Overloaded{
          [](const call::DeliverOffer& e) -> Line { return "offer " + e.payload + " from " + e.from.value(); },
          [](const call::DeliverAnswer& e) -> Line { return "answer " + e.payload; },
          [](const call::DeliverIce& e) -> Line { return "ice " + e.payload; },
          [](const call::DeliverHangup& e) -> Line { return hangup_line(e.reason, e.payload, e.reason_from); },
          [](const call::DeliverError& e) -> Line { return error_line(e.code); },
          [](const call::CloseConnection&) -> Line { return "close"; },
          [](const auto&) -> Line { return std::nullopt; },
      },
      effect);
}

/// Whom the effect is for; nullopt when it is for no connection.
inline std::optional<ConnectionId> receiver_of(const call::Effect& effect) {
  return std::visit(Overloaded{
                        [](const call::SaveRecord&) -> std::optional<ConnectionId> { return std::nullopt; },
                        [](const call::LookUpTarget&) -> std::optional<ConnectionId> { return std::nullopt; },
                        [](const call::CloseConnection& e) -> std::optional<ConnectionId> { return e.connection; },
                        [](const auto& e) -> std::optional<ConnectionId> { return e.to; },
                    },
                    effect);
}

inline std::string target_text(const call::CallTarget& target) {
  return std::visit(Overloaded{[](const UserId& id) { return "user " + id.value(); },
                               [](const ChatId& id) { return "chat " + id.value(); }},
                    target);
}

inline std::string command_line(const call::Command& command) {
  const auto on = [](ConnectionId id) { return "#" + std::to_string(id.value()) + " "; };
  return std::visit(
      Overloaded{
          [&](const call::DeviceConnected& c) {
            return on(c.connection) + "connects as " + c.user.value() + "/" + c.device.value();
          },
          [&](const call::DeviceDisconnected& c) { return on(c.connection) + "drops"; },
          [&](const call::Offer& c) {
            return on(c.connection) + "offer " + c.payload + " to " + target_text(c.target);
          },
          [&](const call::Answer& c) { return on(c.connection) + "answer " + c.payload; },
          [&](const call::Ice& c) { return on(c.connection) + "ice " + c.payload; },
          [&](const call::Hangup& c) { return on(c.connection) + "hangup " + c.payload; },
          [&](const call::Hello& c) { return on(c.connection) + "hello"; },
          [&](const call::WatchPresence& c) { return on(c.connection) + "watch"; },
          [](const call::TargetFound& c) {
            return "look-up " + std::to_string(c.lookup.value()) + " found " + c.user.value();
          },
          [](const call::TargetMissing& c) { return "look-up " + std::to_string(c.lookup.value()) + " missing"; },
          [](const call::LookupFailed& c) { return "look-up " + std::to_string(c.lookup.value()) + " failed"; },
          [](const call::Drain&) { return std::string{"drain"}; },
          [](const call::Shutdown&) { return std::string{"shutdown"}; },
      },
      command);
}

}  // namespace zvonok::sim
