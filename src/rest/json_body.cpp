#include "rest/json_body.h"

#include "proto/json_members.h"

namespace zvonok::rest {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyDepthMax = 16;
constexpr std::size_t kBodyBytesMax = 64 * 1024;

bool is_json(std::string_view content_type) {
  std::string_view media_type = content_type.substr(0, content_type.find(';'));
  while (!media_type.empty() && media_type.back() == ' ') media_type.remove_suffix(1);
  return media_type.empty() || equal_ignoring_case(media_type, "application/json");
}

Problem wrong_member(std::string_view name, std::string_view demand) {
  const std::string field{name};
  return bad_request("`" + field + "` " + std::string{demand}, field);
}

}  // namespace

Result<json::object, Problem> parse_body(const HttpRequest& request) {
  if (!is_json(request.header("Content-Type").value_or(""))) {
    return fail(Problem{.status = 415,
                        .code = "unsupported_media_type",
                        .detail = "Send the body as Content-Type: application/json",
                        .field = {},
                        .retry_after = std::nullopt,
                        .allow = {}});
  }
  if (request.body.size() > kBodyBytesMax) {
    return fail(Problem{.status = 413,
                        .code = "body_too_large",
                        .detail = "The body is longer than 65536 bytes",
                        .field = {},
                        .retry_after = std::nullopt,
                        .allow = {}});
  }
  json::parse_options options;
  options.max_depth = kBodyDepthMax;
  json::error_code error;
  json::value value = json::parse(request.body, error, {}, options);
  if (error || !value.is_object()) return fail(bad_request("The body must be a JSON object"));
  if (count_json_members(request.body) != value.get_object().size()) {
    return fail(bad_request("The body names a member twice"));
  }
  return std::move(value.get_object());
}

Result<std::string, Problem> text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return fail(wrong_member(name, "is missing"));
  if (!value->is_string()) return fail(wrong_member(name, "must be a text"));
  return std::string{value->get_string()};
}

Result<std::string, Problem> optional_text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string{};
  return text_member(object, name);
}

HttpResponse json_response(int status, const json::object& body) {
  HttpResponse response{.status = status, .headers = {}, .body = json::serialize(body)};
  response.add_header("Content-Type", "application/json");
  response.add_header("Cache-Control", "no-store");
  return response;
}

json::value time_or_null(const std::optional<WallTime>& time) {
  if (!time) return nullptr;
  return json::value(format_rfc3339(*time));
}

json::value text_or_null(std::string_view text) {
  if (text.empty()) return nullptr;
  return json::value(text);
}

}  // namespace zvonok::rest
