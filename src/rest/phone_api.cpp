#include "rest/phone_api.h"

#include <algorithm>
#include <cstdlib>

#include "call/phone_daybook.h"
#include "call/room_words.h"
#include "proto/sdp/sdp.h"
#include "rest/json_body.h"

namespace zvonok::rest {
namespace {

namespace json = boost::json;
using namespace call::phone;

constexpr std::string_view kDtmfDigits = "0123456789*#ABCDabcd,";

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// What keeps us from talking to who wrote the answer; "" when nothing does.
std::string_view fault_of(const sdp::SessionDescription& answer) {
  if (answer.sections.size() != 1) return "must have one media section";
  const sdp::MediaSection& audio = answer.sections.front();
  if (audio.kind != sdp::MediaKind::Audio || !audio.is_rtp()) return "must have an audio section";
  if (audio.rejected()) return "has the audio section refused";
  const sdp::Transport transport = answer.transport_of(audio);
  if (transport.ice_ufrag.empty() || transport.ice_pwd.empty()) return "has no a=ice-ufrag and a=ice-pwd";
  if (transport.fingerprints.empty()) return "has no a=fingerprint";
  if (transport.setup != sdp::Setup::Active && transport.setup != sdp::Setup::Passive) {
    return "must say a=setup:active or a=setup:passive";
  }
  const bool talks = std::ranges::any_of(
      audio.codecs, [](const sdp::Codec& codec) { return codec.is("PCMU") || codec.is("PCMA") || codec.is("opus"); });
  return talks ? "" : "takes none of opus, PCMU and PCMA";
}

Problem try_later(Problem problem, Duration wait) {
  problem.retry_after = std::chrono::ceil<seconds>(wait);
  return problem;
}

}  // namespace

// ---- requests ------------------------------------------------------------------------------------------------------

Result<PhoneNumber, Problem> decode_initiate(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  const auto text = text_member(*body, "phone_number");
  if (!text) return fail(text.error());
  auto number = parse_number(*text);
  if (!number) return fail(bad_request("`phone_number` " + std::string{to_text(number.error())}, "phone_number"));
  return std::move(*number);
}

Result<PhoneInvitation, Problem> decode_invitation(const HttpRequest& request) {
  auto number = decode_initiate(request);
  if (!number) return fail(number.error());
  PhoneInvitation invitation{.number = std::move(*number), .name = {}};
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  if (const json::value* const name = body->if_contains("name"); name != nullptr && !name->is_null()) {
    if (!name->is_string() || name->get_string().size() > kPhoneNameBytesMax) {
      return fail(bad_request("`name` must be a text of up to 400 bytes", "name"));
    }
    invitation.name = name->get_string();
  }
  return invitation;
}

Problem problem_of_room(call::RoomErrorCode code, std::string_view message) {
  switch (code) {
    case call::RoomErrorCode::NotFound: return conflict("room_empty", "Nobody is in the room");
    case call::RoomErrorCode::Encrypted: return conflict("room_encrypted", "The room is encrypted end to end");
    case call::RoomErrorCode::Locked: return conflict("room_locked", "The room is locked");
    case call::RoomErrorCode::RoomFull: return conflict("room_full", "The room has no place for another telephone");
    default: return forbidden(std::string{message});
  }
}

Problem no_such_telephone() {
  return not_found("There is no such telephone in the room");
}

Result<CallId, Problem> decode_terminate(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  const auto text = text_member(*body, "call_id");
  if (!text) return fail(text.error());
  if (text->empty()) return fail(bad_request("`call_id` is empty", "call_id"));
  return call_id_of(*text);
}

Result<CallId, Problem> call_id_of(std::string_view path_parameter) {
  const bool good = !path_parameter.empty() && path_parameter.size() <= port::kIdBytesMax &&
                    std::ranges::all_of(path_parameter, is_id_character);
  if (!good) return fail(no_such_phone_call());
  return CallId{std::string{path_parameter}};
}

Result<std::string, Problem> decode_browser_answer(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  const std::string_view name = body->contains("sdp_answer") || !body->contains("sdp") ? "sdp_answer" : "sdp";
  auto text = text_member(*body, name);
  if (!text) return fail(text.error());
  const auto wrong = [name](std::string_view what) {
    return fail(bad_request("`" + std::string{name} + "` " + std::string{what}, std::string{name}));
  };
  const auto answer = sdp::parse(*text);
  if (!answer) {
    return wrong("is no session description: line " + std::to_string(answer.error().line) + ": " +
                 std::string{answer.error().what});
  }
  if (const std::string_view fault = fault_of(*answer); !fault.empty()) return wrong(fault);
  return std::move(*text);
}

Result<std::string, Problem> decode_dtmf(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  auto digits = text_member(*body, "digits");
  if (!digits) return fail(digits.error());
  const bool good = !digits->empty() && digits->size() <= kDtmfDigitsMax &&
                    std::ranges::all_of(*digits, [](char c) { return kDtmfDigits.contains(c); });
  if (!good) {
    return fail(
        bad_request("`digits` must be 1 to 32 of 0-9, *, #, A-D and the comma (half a second of silence)", "digits"));
  }
  for (char& c : *digits) {
    if (c >= 'a' && c <= 'd') c = static_cast<char>(c - 'a' + 'A');
  }
  return std::move(*digits);
}

Result<Switch, Problem> decode_switch(const HttpRequest& request, std::string_view name) {
  if (request.body.empty()) return Switch::On;
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  const json::value* value = body->if_contains(name);
  if (value == nullptr) return Switch::On;
  if (!value->is_bool()) {
    return fail(bad_request("`" + std::string{name} + "` must be true or false", std::string{name}));
  }
  return value->get_bool() ? Switch::On : Switch::Off;
}

// ---- answers -------------------------------------------------------------------------------------------------------

PhoneCallRow row_of(CallView view, std::string sdp_offer) {
  PhoneCallRow row{.record = view.record, .live = std::nullopt, .sdp_offer = {}};
  if (is_over(view.status)) return row;
  row.live = std::move(view);
  row.sdp_offer = std::move(sdp_offer);
  return row;
}

json::object phone_call_json(const PhoneCallRow& row) {
  const call::CallRecord& record = row.record;
  const call::PhoneSide phone = record.phone.value_or(call::PhoneSide{});
  json::object out{{"call_id", record.id.value()},
                   {"session_id", phone.session_id},
                   {"phone_number", phone.number},
                   {"direction", record.caller.empty() ? "incoming" : "outgoing"},
                   {"status", to_text(row.live ? row.live->status : status_of(record))},
                   {"reason", text_or_null(record.reason ? call::to_text(*record.reason) : "")},
                   {"start_time", format_rfc3339(record.started_at)},
                   {"ring_time", time_or_null(record.ringing_at)},
                   {"answer_time", time_or_null(record.answered_at)},
                   {"end_time", time_or_null(record.ended_at)},
                   {"duration", record.duration_seconds}};
  if (phone.room) out["room"] = json::object{{"kind", to_text(phone.room->kind)}, {"id", phone.room->id.value()}};
  if (!row.live) return out;
  out["on_hold"] = row.live->on_hold;
  out["muted"] = row.live->muted;
  out["browser_ready"] = row.live->browser_ready;
  if (row.live->is_incoming()) out["accepted"] = row.live->accepted;
  if (!row.sdp_offer.empty()) out["sdp_offer"] = row.sdp_offer;
  return out;
}

HttpResponse encode_initiated(const PhoneCallRow& row) {
  HttpResponse response = json_response(201, phone_call_json(row));
  response.add_header("Location", "/api/calls/" + row.record.id.value());
  return response;
}

HttpResponse encode_phone_call(const PhoneCallRow& row) {
  return json_response(200, phone_call_json(row));
}

Problem no_such_phone_call() {
  return not_found("There is no such phone call");
}

Problem phone_call_over() {
  return conflict("call_over", "The call has ended already");
}

Problem problem_of(Outcome outcome, WallTime now) {
  switch (outcome) {
    case Outcome::Done:
    case Outcome::Unreachable:  // not told to a client
    case Outcome::Stale: break;
    case Outcome::NoSuchCall: return no_such_phone_call();
    case Outcome::NotYours: return forbidden("This is another user's call");
    case Outcome::WrongStatus: return conflict("wrong_status", "That can't be done to the call as it is now");
    case Outcome::AcceptedAlready: return conflict("accepted_already", "The call was accepted already");
    case Outcome::InAnotherCall: return conflict("in_another_call", "You are in another call");
    case Outcome::DailyLimit: {
      Problem problem = too_many_requests(DayBook::until_tomorrow(now));
      problem.code = "daily_limit";
      problem.detail = "You have made as many phone calls today as one user may";
      return problem;
    }
    case Outcome::SpendLimit: {
      Problem problem = try_later(unavailable(), DayBook::until_tomorrow(now));
      problem.code = "spend_limit";
      problem.detail = "The minutes of phone calls that this server has a day are used up";
      return problem;
    }
    case Outcome::NumberNotAllowed: {
      Problem problem = forbidden("Calls to this number are not allowed on this server");
      problem.code = "number_not_allowed";
      problem.field = "phone_number";
      return problem;
    }
    case Outcome::ServerFull:
    case Outcome::Draining: return unavailable();
  }
  return internal_error();
}

Problem provider_failed(ProviderFault fault) {
  Problem problem = unavailable();
  problem.code = "provider_failed";
  problem.detail = "The telephone provider did not take the call: " + std::string{to_text(fault)};
  return problem;
}

HttpResponse to_response(const Problem& problem, std::string_view request_id, const PhoneCallRow& row) {
  HttpResponse response = to_response(problem, request_id);
  json::object body = json::parse(response.body).as_object();
  body["call_id"] = row.record.id.value();
  body["duration"] = row.record.duration_seconds;
  body["call"] = phone_call_json(row);
  response.body = json::serialize(body);
  return response;
}

}  // namespace zvonok::rest
