#include "call/call.h"

#include <array>

#include "base/check.h"
#include "call/pair_effect.h"

namespace zvonok::call {
namespace {

/// The value whose text this is, by asking each one.
template <class Enum, std::size_t N>
std::optional<Enum> find_by_text(const std::array<Enum, N>& all, std::string_view text) {
  for (const Enum value : all) {
    if (to_text(value) == text) return value;
  }
  return std::nullopt;
}

constexpr std::array kCallKinds{CallKind::Pair, CallKind::Room, CallKind::Tunnel, CallKind::Phone};
constexpr std::array kCallStates{CallState::Ringing, CallState::Active, CallState::Ended};
constexpr std::array kEndReasons{EndReason::Hangup,       EndReason::Declined,       EndReason::Canceled,
                                 EndReason::NoAnswer,     EndReason::Busy,           EndReason::Offline,
                                 EndReason::Disconnected, EndReason::ServerShutdown, EndReason::Failed};

[[noreturn]] void not_a_value() {
  check_failed("a value of the enum", __FILE__, __LINE__);
}

}  // namespace

std::string_view to_text(CallKind kind) {
  switch (kind) {
    case CallKind::Pair: return "pair";
    case CallKind::Room: return "room";
    case CallKind::Tunnel: return "tunnel";
    case CallKind::Phone: return "phone";
  }
  not_a_value();
}

std::string_view to_text(CallState state) {
  switch (state) {
    case CallState::Ringing: return "ringing";
    case CallState::Active: return "active";
    case CallState::Ended: return "ended";
  }
  not_a_value();
}

std::string_view to_text(EndReason reason) {
  switch (reason) {
    case EndReason::Hangup: return "hangup";
    case EndReason::Declined: return "declined";
    case EndReason::Canceled: return "canceled";
    case EndReason::NoAnswer: return "no-answer";
    case EndReason::Busy: return "busy";
    case EndReason::Offline: return "offline";
    case EndReason::Disconnected: return "disconnected";
    case EndReason::ServerShutdown: return "server-shutdown";
    case EndReason::Failed: return "failed";
  }
  not_a_value();
}

std::string_view to_text(Role role) {
  switch (role) {
    case Role::Caller: return "caller";
    case Role::Callee: return "callee";
  }
  not_a_value();
}

std::string_view to_text(HangupReason reason) {
  switch (reason) {
    case HangupReason::Hangup: return "hangup";
    case HangupReason::Declined: return "declined";
    case HangupReason::Canceled: return "canceled";
    case HangupReason::NoAnswer: return "no-answer";
    case HangupReason::AnsweredElsewhere: return "answered-elsewhere";
    case HangupReason::Disconnected: return "disconnected";
    case HangupReason::ServerShutdown: return "server-shutdown";
    case HangupReason::Failed: return "failed";
  }
  not_a_value();
}

std::string_view to_text(ErrorCode code) {
  switch (code) {
    case ErrorCode::TargetUnknown: return "target-unknown";
    case ErrorCode::Offline: return "offline";
    case ErrorCode::Busy: return "busy";
    case ErrorCode::NotInCall: return "not-in-call";
    case ErrorCode::BadMessage: return "bad-message";
    case ErrorCode::Unavailable: return "unavailable";
  }
  not_a_value();
}

std::string_view to_text(PeerState state) {
  switch (state) {
    case PeerState::Reconnecting: return "reconnecting";
    case PeerState::Connected: return "connected";
  }
  not_a_value();
}

std::optional<CallKind> call_kind_from(std::string_view text) {
  return find_by_text(kCallKinds, text);
}
std::optional<CallState> call_state_from(std::string_view text) {
  return find_by_text(kCallStates, text);
}
std::optional<EndReason> end_reason_from(std::string_view text) {
  return find_by_text(kEndReasons, text);
}

}  // namespace zvonok::call
