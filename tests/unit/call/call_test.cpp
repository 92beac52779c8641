// The texts of the call domain are part of protocols and of stored history.
#include "call/call.h"

#include <set>

#include <gtest/gtest.h>

#include "call/pair_effect.h"

namespace zvonok::call {
namespace {

TEST(CallWords, EveryEndReasonGoesThroughItsTextAndBack) {
  const std::pair<EndReason, std::string_view> table[] = {
      {EndReason::Hangup, "hangup"},
      {EndReason::Declined, "declined"},
      {EndReason::Canceled, "canceled"},
      {EndReason::NoAnswer, "no-answer"},
      {EndReason::Busy, "busy"},
      {EndReason::Offline, "offline"},
      {EndReason::Disconnected, "disconnected"},
      {EndReason::ServerShutdown, "server-shutdown"},
      {EndReason::Failed, "failed"},
  };
  for (const auto& [reason, text] : table) {
    EXPECT_EQ(to_text(reason), text);
    EXPECT_EQ(end_reason_from(text), reason);
  }
}

TEST(CallWords, EveryKindAndStateGoesThroughItsTextAndBack) {
  for (const CallKind kind : {CallKind::Pair, CallKind::Room, CallKind::Tunnel, CallKind::Phone}) {
    EXPECT_EQ(call_kind_from(to_text(kind)), kind);
  }
  for (const CallState state : {CallState::Ringing, CallState::Active, CallState::Ended}) {
    EXPECT_EQ(call_state_from(to_text(state)), state);
  }
}

TEST(CallWords, ForeignTextsAreNothing) {
  for (const std::string_view text : {"", "Hangup", "hangup ", "no_answer", "pair2"}) {
    EXPECT_FALSE(end_reason_from(text)) << text;
    EXPECT_FALSE(call_kind_from(text)) << text;
    EXPECT_FALSE(call_state_from(text)) << text;
  }
}

TEST(CallWords, HangupReasonsAndErrorCodesAreThoseOfTheProtocol) {
  EXPECT_EQ(to_text(HangupReason::AnsweredElsewhere), "answered-elsewhere");
  EXPECT_EQ(to_text(HangupReason::ServerShutdown), "server-shutdown");
  EXPECT_EQ(to_text(ErrorCode::TargetUnknown), "target-unknown");
  EXPECT_EQ(to_text(ErrorCode::NotInCall), "not-in-call");
  EXPECT_EQ(to_text(ErrorCode::BadMessage), "bad-message");
  EXPECT_EQ(to_text(ErrorCode::Unavailable), "unavailable");
  EXPECT_EQ(to_text(PeerState::Reconnecting), "reconnecting");
  EXPECT_EQ(to_text(Role::Callee), "callee");
}

}  // namespace
}  // namespace zvonok::call
