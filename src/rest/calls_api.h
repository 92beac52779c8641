// JSON of GET /api/calls/history.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "call/call.h"
#include "port/store.h"
#include "proto/http_message.h"

namespace zvonok::rest {

struct CallRow {
  call::CallRecord record;
  std::optional<std::string> peer_display_name;  // when the caller of the API looked it up
};

/// ringing, active (of phone calls: connecting, ringing, in_progress); and of ended calls: completed (it was answered),
/// busy, no_answer, declined, canceled, offline, failed.
[[nodiscard]] std::string_view call_status(const call::CallRecord& record);
/// The other side as `viewer` sees it.
[[nodiscard]] const UserId& peer_of(const call::CallRecord& record, const UserId& viewer);

/// {calls: [...], next}; times are RFC 3339 in UTC with milliseconds, null when the thing did not happen.
/// Phone calls have `phone_number` and `session_id`, and no other user. The query is read by decode_page() and
/// decode_call_filter().
[[nodiscard]] HttpResponse encode_calls(const port::Page<CallRow>& page, const UserId& viewer);

}  // namespace zvonok::rest
