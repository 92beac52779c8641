// JSON of /api/auth/*: bodies in, answers out. See docs/protocol/auth.md.
#pragma once
#include <string>
#include <string_view>

#include "base/private.h"
#include "base/result.h"
#include "base/time.h"
#include "identity/service.h"
#include "port/store.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

/// Every decoder: 415 for another Content-Type than JSON (absent is JSON), 413 for more than 64 KiB, 400 for no JSON
/// object or one that names a member twice, and for a member that is missing or of a wrong type, with its name in
/// `field`. Unknown members are ignored.

/// {email, password, display_name?}
[[nodiscard]] Result<identity::Registration, Problem> decode_register(const HttpRequest& request);
/// {email, password}
[[nodiscard]] Result<identity::Credentials, Problem> decode_login(const HttpRequest& request);
/// {refresh_token}
[[nodiscard]] Result<Private<std::string>, Problem> decode_refresh(const HttpRequest& request);
/// {refresh_token?} or no body at all; empty when absent: the caller then ends the session of the access token.
[[nodiscard]] Result<Private<std::string>, Problem> decode_logout(const HttpRequest& request);
/// {display_name}
[[nodiscard]] Result<std::string, Problem> decode_update_me(const HttpRequest& request);

/// 201 for register.
[[nodiscard]] HttpResponse encode_registered(const identity::Login& login);
/// 200 for login and refresh.
[[nodiscard]] HttpResponse encode_login(const identity::Login& login);
/// 200 {id, email, display_name, created_at}; email is null for users without one.
[[nodiscard]] HttpResponse encode_me(const port::User& user);
/// 204.
[[nodiscard]] HttpResponse encode_logged_out();
/// 200 {ticket, expires_in}.
[[nodiscard]] HttpResponse encode_ticket(std::string_view ticket, Duration lifetime);

}  // namespace zvonok::rest
