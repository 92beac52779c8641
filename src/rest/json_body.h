// JSON bodies, for the units of this folder.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/result.h"
#include "base/time.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

/// The body as a JSON object that names no member twice. 415 for another Content-Type than JSON, 413 for more than
/// 64 KiB, else 400.
[[nodiscard]] Result<boost::json::object, Problem> parse_body(const HttpRequest& request);

/// A member that must be there and be a text.
[[nodiscard]] Result<std::string, Problem> text_member(const boost::json::object& object, std::string_view name);
/// Empty when the member is absent or null; else it must be a text.
[[nodiscard]] Result<std::string, Problem> optional_text_member(const boost::json::object& object,
                                                                std::string_view name);

/// A 2xx answer. Nothing of the API may be kept by caches.
[[nodiscard]] HttpResponse json_response(int status, const boost::json::object& body);

/// The RFC 3339 text, or null.
[[nodiscard]] boost::json::value time_or_null(const std::optional<WallTime>& time);
/// The text, or null when it is empty.
[[nodiscard]] boost::json::value text_or_null(std::string_view text);

}  // namespace zvonok::rest
