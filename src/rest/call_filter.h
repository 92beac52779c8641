// `?kind=&status=&direction=&from=&until=&phone_number=` of the history of calls.
#pragma once
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "port/store.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

/// kind: as records have it. status: as the history tells it, of any kind; `missed`: that one
/// did not take and did not decline. direction: incoming or outgoing. from, until: RFC 3339; the call began then
/// or later, and before then. phone_number: the whole of it.
[[nodiscard]] Result<port::CallFilter, Problem> decode_call_filter(const HttpRequest& request);

/// RFC 3339 section 5.6 with any offset; fractions beyond milliseconds are cut off.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace zvonok::rest
