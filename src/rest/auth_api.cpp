#include "rest/auth_api.h"

#include "rest/json_body.h"

namespace zvonok::rest {
namespace {

namespace json = boost::json;

json::object to_json(const port::User& user) {
  return {{"id", user.id.value()},
          {"email", text_or_null(user.email.value_or(""))},
          {"display_name", user.display_name},
          {"created_at", format_rfc3339(user.created_at)}};
}

HttpResponse encode_session(int status, const identity::Login& login) {
  return json_response(status, {{"access_token", login.tokens.access_token.reveal()},
                                {"refresh_token", login.tokens.refresh_token.reveal()},
                                {"token_type", "Bearer"},
                                {"expires_in", login.tokens.access_expires_in.count()},
                                {"user", to_json(login.user)}});
}

}  // namespace

Result<identity::Registration, Problem> decode_register(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  auto email = text_member(*body, "email");
  if (!email) return fail(email.error());
  auto password = text_member(*body, "password");
  if (!password) return fail(password.error());
  auto display_name = optional_text_member(*body, "display_name");
  if (!display_name) return fail(display_name.error());
  return identity::Registration{
      .email = std::move(*email), .password = Private{std::move(*password)}, .display_name = std::move(*display_name)};
}

Result<identity::Credentials, Problem> decode_login(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  auto email = text_member(*body, "email");
  if (!email) return fail(email.error());
  auto password = text_member(*body, "password");
  if (!password) return fail(password.error());
  return identity::Credentials{.email = std::move(*email), .password = Private{std::move(*password)}};
}

Result<Private<std::string>, Problem> decode_refresh(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  auto token = text_member(*body, "refresh_token");
  if (!token) return fail(token.error());
  return Private{std::move(*token)};
}

Result<Private<std::string>, Problem> decode_logout(const HttpRequest& request) {
  if (request.body.empty()) return Private<std::string>{};
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  auto token = optional_text_member(*body, "refresh_token");
  if (!token) return fail(token.error());
  return Private{std::move(*token)};
}

Result<std::string, Problem> decode_update_me(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  return text_member(*body, "display_name");
}

HttpResponse encode_registered(const identity::Login& login) {
  return encode_session(201, login);
}
HttpResponse encode_login(const identity::Login& login) {
  return encode_session(200, login);
}
HttpResponse encode_me(const port::User& user) {
  return json_response(200, to_json(user));
}
HttpResponse encode_logged_out() {
  return {.status = 204, .headers = {}, .body = {}};
}

HttpResponse encode_ticket(std::string_view ticket, Duration lifetime) {
  return json_response(200, {{"ticket", ticket}, {"expires_in", std::chrono::floor<seconds>(lifetime).count()}});
}

}  // namespace zvonok::rest
