// JSON of phone calls: /api/calls/initiate, /terminate and /api/calls/{id}. The names are the contract
// (docs/protocol/phone.md).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "base/id.h"
#include "base/result.h"
#include "call/phone_words.h"
#include "call/room_words.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

// ---- requests ------------------------------------------------------------------------------------------------------

/// {phone_number}
[[nodiscard]] Result<call::phone::PhoneNumber, Problem> decode_initiate(const HttpRequest& request);
inline constexpr std::size_t kPhoneNameBytesMax = 400;
struct PhoneInvitation {
  call::phone::PhoneNumber number;
  std::string name;  // "": the number, masked
};
/// {phone_number, name?}
[[nodiscard]] Result<PhoneInvitation, Problem> decode_invitation(const HttpRequest& request);
/// {call_id}: 400 when it is missing or no text, 404 when no call can be called so.
[[nodiscard]] Result<CallId, Problem> decode_terminate(const HttpRequest& request);
/// `{id}` of a path. 404 for what no call can be called.
[[nodiscard]] Result<CallId, Problem> call_id_of(std::string_view path_parameter);
/// {sdp_answer}, or {sdp}: an answer with one audio section that we could talk to.
[[nodiscard]] Result<std::string, Problem> decode_browser_answer(const HttpRequest& request);
/// {digits}: 1 to 32 of 0-9 * # A-D and the comma.
[[nodiscard]] Result<std::string, Problem> decode_dtmf(const HttpRequest& request);
/// {<name>: true|false}; true when it, or the whole body, is missing.
[[nodiscard]] Result<call::phone::Switch, Problem> decode_switch(const HttpRequest& request, std::string_view name);

inline constexpr std::size_t kDtmfDigitsMax = 32;

// ---- answers -------------------------------------------------------------------------------------------------------

/// A call that may be over. `live` has what only a call under way has.
struct PhoneCallRow {
  call::CallRecord record;
  std::optional<call::phone::CallView> live;
  std::string sdp_offer;  // of a call under way
};
[[nodiscard]] PhoneCallRow row_of(call::phone::CallView view, std::string sdp_offer);

/// {call_id, session_id, phone_number, direction, status, reason, start_time, ring_time, answer_time, end_time,
/// duration}, in a room `room` {kind, id}, and under way: {on_hold, muted, browser_ready, sdp_offer}
[[nodiscard]] boost::json::object phone_call_json(const PhoneCallRow& row);
/// 201 with a Location: the call, with `sdp_offer` first of all.
[[nodiscard]] HttpResponse encode_initiated(const PhoneCallRow& row);
[[nodiscard]] HttpResponse encode_phone_call(const PhoneCallRow& row);

/// What became of a command that was not done. NoSuchCall is a 404: whether the call is over the history knows.
[[nodiscard]] Problem problem_of(call::phone::Outcome outcome, WallTime now);
[[nodiscard]] Problem no_such_phone_call();
/// Why a telephone can't be invited into a room, as call::Rooms::phone_refusal has it.
[[nodiscard]] Problem problem_of_room(call::RoomErrorCode code, std::string_view message);
[[nodiscard]] Problem no_such_telephone();
/// 409: it has ended already.
[[nodiscard]] Problem phone_call_over();
[[nodiscard]] Problem provider_failed(call::phone::ProviderFault fault);
/// The problem with the record of the call it is about, as `call`, and its `call_id` and `duration`.
[[nodiscard]] HttpResponse to_response(const Problem& problem, std::string_view request_id, const PhoneCallRow& row);

}  // namespace zvonok::rest
