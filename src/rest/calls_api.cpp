#include "rest/calls_api.h"

#include <cstdlib>

#include "call/phone_words.h"
#include "call/room_words.h"
#include "rest/json_body.h"

namespace zvonok::rest {
namespace {

boost::json::object to_json(const call::TunnelTraffic& traffic) {
  boost::json::object out{{"bytes_sent", traffic.bytes_sent}, {"bytes_received", traffic.bytes_received}};
  if (traffic.packets_sent) out["packets_sent"] = *traffic.packets_sent;
  if (traffic.packets_received) out["packets_received"] = *traffic.packets_received;
  return out;
}

boost::json::object to_json(const call::TunnelUse& use) {
  boost::json::object out{{"seconds", use.seconds}};
  if (!use.sides) return out;
  out["caller"] = to_json((*use.sides)[0]);
  out["callee"] = to_json((*use.sides)[1]);
  return out;
}

boost::json::object to_json(const CallRow& row, const UserId& viewer) {
  const call::CallRecord& record = row.record;
  boost::json::object out{{"call_id", record.id.value()},
                          {"kind", call::to_text(record.kind)},
                          {"direction", record.caller == viewer ? "outgoing" : "incoming"},
                          {"peer_user_id", peer_of(record, viewer).value()}};
  if (row.peer_display_name) out["peer_display_name"] = *row.peer_display_name;
  if (record.phone) {
    out["phone_number"] = record.phone->number;
    out["session_id"] = record.phone->session_id;
    if (record.phone->room) out["room_kind"] = to_text(record.phone->room->kind);
  }
  if (record.chat) out["chat_id"] = record.chat->value();
  out["status"] = call_status(record);
  out["reason"] = text_or_null(record.reason ? call::to_text(*record.reason) : "");
  out["start_time"] = format_rfc3339(record.started_at);
  out["ring_time"] = time_or_null(record.ringing_at);
  out["answer_time"] = time_or_null(record.answered_at);
  out["end_time"] = time_or_null(record.ended_at);
  out["duration"] = record.duration_seconds;
  if (record.tunnel) out["tunnel"] = to_json(*record.tunnel);
  return out;
}

std::string_view status_unanswered(call::EndReason reason) {
  using call::EndReason;
  switch (reason) {
    case EndReason::Hangup:
    case EndReason::Canceled: return "canceled";
    case EndReason::Declined: return "declined";
    case EndReason::NoAnswer: return "no_answer";
    case EndReason::Busy: return "busy";
    case EndReason::Offline: return "offline";
    case EndReason::Disconnected:
    case EndReason::ServerShutdown:
    case EndReason::Failed: return "failed";
  }
  std::abort();
}

}  // namespace

std::string_view call_status(const call::CallRecord& record) {
  if (record.kind == call::CallKind::Phone) return to_text(call::phone::status_of(record));
  switch (record.state) {
    case call::CallState::Ringing: return "ringing";
    case call::CallState::Active: return "active";
    case call::CallState::Ended:
      return record.answered_at ? "completed" : status_unanswered(record.reason.value_or(call::EndReason::Failed));
  }
  std::abort();
}

const UserId& peer_of(const call::CallRecord& record, const UserId& viewer) {
  return record.caller == viewer ? record.callee : record.caller;
}

HttpResponse encode_calls(const port::Page<CallRow>& page, const UserId& viewer) {
  boost::json::array calls;
  calls.reserve(page.items.size());
  for (const CallRow& row : page.items) calls.push_back(to_json(row, viewer));
  return json_response(200, {{"calls", std::move(calls)}, {"next", text_or_null(page.next)}});
}

}  // namespace zvonok::rest
