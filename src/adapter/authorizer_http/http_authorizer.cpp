#include "adapter/authorizer_http/http_authorizer.h"

#include <algorithm>

#include <boost/json.hpp>

#include "port/store.h"
#include "proto/websocket/frame.h"

namespace zvonok::authorizer_http {
namespace {

namespace json = boost::json;

constexpr std::size_t kAnswerDepthMax = 16;

std::string question_text(const port::RoomQuestion& question) {
  return json::serialize(json::object{{"kind", call::to_text(question.room.kind)},
                                      {"roomId", question.room.id.value()},
                                      {"userId", question.user.value()}});
}

/// A name that can't be shown is no reason to keep somebody out.
std::string name_in(const json::object& answer) {
  const json::value* name = answer.if_contains("name");
  if (name == nullptr || !name->is_string()) return {};
  std::string text{name->get_string()};
  const bool clean =
      std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return clean && text.size() <= port::kDisplayNameBytesMax ? text : std::string{};
}

port::RoomAnswer not_understood(std::string_view what) {
  return port::AuthorizerUnavailable{.detail = "the answer is not understood: " + std::string{what}};
}

port::RoomAnswer read_answer(const std::string& body, call::RoomKind kind) {
  json::parse_options options;
  options.max_depth = kAnswerDepthMax;
  json::error_code error;
  const json::value value = json::parse(body, error, {}, options);
  if (error || !value.is_object()) return not_understood("no JSON object");
  const json::object& answer = value.get_object();
  const json::value* allowed = answer.if_contains("allowed");
  if (allowed == nullptr || !allowed->is_bool()) return not_understood("`allowed` is neither true nor false");
  if (!allowed->get_bool()) return port::RoomDenied{};
  const json::value* said = answer.if_contains("role");
  std::optional<call::RoomRole> role;
  if (said != nullptr && !said->is_null()) {
    if (said->is_string()) role = call::room_role_from(std::string_view{said->get_string()});
    if (!role) return not_understood("`role` is not host, moderator or member");
  }
  return port::RoomAllowed{.role = port::role_in(kind, role), .display_name = name_in(answer)};
}

}  // namespace

Result<std::unique_ptr<HttpAuthorizer>, std::string> HttpAuthorizer::create(HttpPosterOptions options) {
  auto poster = HttpPoster::create(std::move(options));
  if (!poster) return fail(std::move(poster.error()));
  return std::unique_ptr<HttpAuthorizer>{new HttpAuthorizer{std::move(*poster)}};
}

port::RoomAnswer HttpAuthorizer::authorize(const port::RoomQuestion& question) {
  // JSON can't carry other ids, so no messenger can have let them in.
  if (question.room.id.empty() || question.user.empty() || !websocket::is_valid_utf8(question.room.id.value()) ||
      !websocket::is_valid_utf8(question.user.value())) {
    return port::RoomDenied{};
  }
  const auto answer = poster_->post(question_text(question));
  if (!answer) return port::AuthorizerUnavailable{.detail = answer.error()};
  if (answer->status == 403) return port::RoomDenied{};
  if (answer->status != 200) {
    return port::AuthorizerUnavailable{.detail = "the status is " + std::to_string(answer->status)};
  }
  return read_answer(answer->body, question.room.kind);
}

}  // namespace zvonok::authorizer_http
