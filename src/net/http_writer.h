// Writing HTTP/1.1 responses (RFC 9112).
#pragma once
#include <string>

#include "base/time.h"
#include "proto/http_message.h"

namespace zvonok::net {

struct ResponseFraming {
  bool keep_alive = true;
  bool without_body = false;  // the answer to HEAD: the header as for GET
  bool until_close = false;   // the body follows, and ends with the connection
  WallTime date{};
};

/// Appends the response with Content-Length, Date and Connection. Header values with line breaks are left out.
void append_response(std::string& out, const HttpResponse& response, const ResponseFraming& framing);

/// The reason phrase of a status, such as "Not Found"; "" when unknown.
[[nodiscard]] std::string_view reason_phrase(int status);

/// IMF-fixdate, RFC 9110 section 5.6.7, such as "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(WallTime time);

}  // namespace zvonok::net
