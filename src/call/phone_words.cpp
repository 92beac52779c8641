#include "call/phone_words.h"

#include "base/check.h"

namespace zvonok::call::phone {
namespace {

Status status_unanswered(EndReason reason) {
  switch (reason) {
    case EndReason::Hangup:
    case EndReason::Canceled: return Status::Canceled;
    case EndReason::NoAnswer: return Status::NoAnswer;
    case EndReason::Declined: return Status::Declined;
    case EndReason::Busy: return Status::Busy;
    case EndReason::Offline:
    case EndReason::Disconnected:
    case EndReason::ServerShutdown:
    case EndReason::Failed: return Status::Failed;
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

}  // namespace

std::string_view to_text(Status status) {
  switch (status) {
    case Status::Connecting: return "connecting";
    case Status::Ringing: return "ringing";
    case Status::InProgress: return "in_progress";
    case Status::Completed: return "completed";
    case Status::Busy: return "busy";
    case Status::NoAnswer: return "no_answer";
    case Status::Failed: return "failed";
    case Status::Canceled: return "canceled";
    case Status::Declined: return "declined";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

std::string_view to_text(Cause cause) {
  switch (cause) {
    case Cause::Caller: return "caller";
    case Cause::Callee: return "callee";
    case Cause::Provider: return "provider";
    case Cause::Offline: return "offline";
    case Cause::UserBusy: return "user_busy";
    case Cause::DialTimeout: return "dial_timeout";
    case Cause::RingTimeout: return "ring_timeout";
    case Cause::TooLong: return "too_long";
    case Cause::SpendLimit: return "spend_limit";
    case Cause::BrowserLost: return "browser_lost";
    case Cause::Shutdown: return "shutdown";
    case Cause::RoomEnded: return "room_ended";
    case Cause::Moderator: return "moderator";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

std::string_view to_text(Rejection why) {
  switch (why) {
    case Rejection::NoSuchNumber: return "no_such_number";
    case Rejection::Busy: return "busy";
    case Rejection::Declined: return "declined";
    case Rejection::NoAnswer: return "no_answer";
    case Rejection::Unavailable: return "unavailable";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

std::string_view to_text(ProviderFault fault) {
  switch (fault) {
    case ProviderFault::Unreachable: return "unreachable";
    case ProviderFault::Unauthorized: return "unauthorized";
    case ProviderFault::RateLimited: return "rate_limited";
    case ProviderFault::BadNumber: return "bad_number";
    case ProviderFault::Other: return "other";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

Status status_of(const CallRecord& record) {
  switch (record.state) {
    case CallState::Ringing: return record.ringing_at ? Status::Ringing : Status::Connecting;
    case CallState::Active: return Status::InProgress;
    case CallState::Ended:
      if (record.answered_at) return Status::Completed;
      return status_unanswered(record.reason.value_or(EndReason::Failed));
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

}  // namespace zvonok::call::phone
