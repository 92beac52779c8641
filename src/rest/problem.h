// Errors of the REST API: problem details (RFC 9457) with a stable `code`, and `error` as a plain text beside it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "identity/authenticator.h"
#include "identity/service.h"
#include "port/store.h"
#include "proto/http_message.h"

namespace zvonok::rest {

/// One error answer before it is put into JSON.
struct Problem {
  int status = 500;
  std::string code;    // stable, for programs: "email_taken"
  std::string detail;  // for people, English
  std::string field;   // the member or parameter at fault, or empty
  std::optional<seconds> retry_after;
  std::string allow;  // for 405: the methods there are
};

[[nodiscard]] Problem bad_request(std::string detail, std::string field = {});
[[nodiscard]] Problem unauthorized(identity::AuthFailure failure);
[[nodiscard]] Problem forbidden(std::string detail);
[[nodiscard]] Problem not_found(std::string detail);
[[nodiscard]] Problem conflict(std::string code, std::string detail);
/// `retry_after` is rounded up to whole seconds.
[[nodiscard]] Problem too_many_requests(Duration retry_after);
[[nodiscard]] Problem unavailable();
[[nodiscard]] Problem internal_error();
[[nodiscard]] Problem problem_of(const identity::IdentityError& error);
/// For errors of the store that no route explains better.
[[nodiscard]] Problem problem_of(const port::StoreError& error);

/// application/problem+json: {type, title, status, detail, code, error, request_id, field?}. Adds WWW-Authenticate to a
/// 401, Retry-After and Allow where they are set.
[[nodiscard]] HttpResponse to_response(const Problem& problem, std::string_view request_id);

}  // namespace zvonok::rest
