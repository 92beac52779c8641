// Requests for the tests of this folder, and what their answers are expected to be.
#pragma once
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/check.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest::test {

inline HttpRequest post(std::string body, std::string content_type = "application/json") {
  HttpRequest request;
  request.method = Method::Post;
  request.body = std::move(body);
  if (!content_type.empty()) request.headers.push_back({"Content-Type", std::move(content_type)});
  return request;
}
inline HttpRequest get(std::string query) {
  HttpRequest request;
  request.query = std::move(query);
  return request;
}

inline boost::json::value json_of(std::string_view text) {
  boost::json::error_code error;
  auto value = boost::json::parse(text, error);
  ZVONOK_CHECK(!error);
  return value;
}

/// "400 bad_request", or "400 invalid_field email", for tables.
inline std::string summary(const Problem& problem) {
  std::string text = std::to_string(problem.status) + " " + problem.code;
  if (!problem.field.empty()) text += " " + problem.field;
  return text;
}
template <class T>
std::string summary(const Result<T, Problem>& result) {
  return result ? "good" : summary(result.error());
}

}  // namespace zvonok::rest::test
