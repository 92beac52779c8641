#include "rest/problem.h"

#include <algorithm>
#include <cstdlib>

#include <boost/json.hpp>

namespace zvonok::rest {
namespace {

std::string_view title_of(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return status < 500 ? "Bad Request" : "Internal Server Error";
  }
}

Problem make(int status, std::string code, std::string detail) {
  return {.status = status,
          .code = std::move(code),
          .detail = std::move(detail),
          .field = {},
          .retry_after = std::nullopt,
          .allow = {}};
}

}  // namespace

Problem bad_request(std::string detail, std::string field) {
  Problem problem = make(400, field.empty() ? "bad_request" : "invalid_field", std::move(detail));
  problem.field = std::move(field);
  return problem;
}

Problem unauthorized(identity::AuthFailure failure) {
  using identity::AuthFailure;
  switch (failure) {
    case AuthFailure::NoToken: return make(401, "no_token", "A bearer token is needed");
    case AuthFailure::BadToken: return make(401, "bad_token", "The token is not valid");
    case AuthFailure::Expired: return make(401, "token_expired", "The token has expired");
    case AuthFailure::Revoked: return make(401, "session_ended", "The login session has ended");
    // One answer for both: whether an account exists is nobody's business.
    case AuthFailure::NoSuchUser:
    case AuthFailure::Disabled: return make(401, "unknown_user", "The token's user may not come in");
  }
  std::abort();
}

Problem forbidden(std::string detail) {
  return make(403, "forbidden", std::move(detail));
}
Problem not_found(std::string detail) {
  return make(404, "not_found", std::move(detail));
}
Problem conflict(std::string code, std::string detail) {
  return make(409, std::move(code), std::move(detail));
}

Problem too_many_requests(Duration retry_after) {
  Problem problem = make(429, "too_many_requests", "Too many requests, try again later");
  problem.retry_after = std::max(seconds{1}, std::chrono::ceil<seconds>(retry_after));
  return problem;
}

Problem unavailable() {
  Problem problem = make(503, "unavailable", "The server is too busy or its database does not answer, try again");
  problem.retry_after = seconds{1};
  return problem;
}

Problem internal_error() {
  return make(500, "internal_error", "Something went wrong on the server");
}

Problem problem_of(const identity::IdentityError& error) {
  using Kind = identity::IdentityErrorKind;
  switch (error.kind) {
    case Kind::InvalidEmail: return bad_request("The email must look like name@host, up to 254 bytes", "email");
    case Kind::InvalidPassword: return bad_request("The password must have 8 to 256 bytes", "password");
    case Kind::InvalidDisplayName:
      return bad_request("The display name must have 1 to 100 characters, none of them a control character",
                         "display_name");
    case Kind::EmailTaken: return conflict("email_taken", "There is an account with this email already");
    case Kind::WrongCredentials: return make(401, "wrong_credentials", "Wrong email or password");
    case Kind::BadRefreshToken: return make(401, "bad_refresh_token", "The refresh token is not valid");
    case Kind::UnknownUser: return not_found("There is no such user");
    case Kind::Unavailable: return unavailable();
  }
  std::abort();
}

Problem problem_of(const port::StoreError& error) {
  switch (error.kind) {
    case port::StoreErrorKind::Unavailable: return unavailable();
    case port::StoreErrorKind::Conflict: return conflict("conflict", "This is there already");
    case port::StoreErrorKind::NotFound: return not_found("There is no such thing");
    case port::StoreErrorKind::Invalid: return bad_request("A text is too long, empty or no UTF-8");
  }
  std::abort();
}

HttpResponse to_response(const Problem& problem, std::string_view request_id) {
  boost::json::object body{{"type", "about:blank"},    {"title", title_of(problem.status)},
                           {"status", problem.status}, {"detail", problem.detail},
                           {"code", problem.code},     {"error", problem.detail},
                           {"request_id", request_id}};
  if (!problem.field.empty()) body["field"] = problem.field;
  HttpResponse response{.status = problem.status, .headers = {}, .body = boost::json::serialize(body)};
  response.add_header("Content-Type", "application/problem+json");
  response.add_header("Cache-Control", "no-store");
  if (problem.status == 401) response.add_header("WWW-Authenticate", "Bearer realm=\"zvonok\"");
  if (problem.retry_after) response.add_header("Retry-After", std::to_string(problem.retry_after->count()));
  if (!problem.allow.empty()) response.add_header("Allow", problem.allow);
  return response;
}

}  // namespace zvonok::rest
