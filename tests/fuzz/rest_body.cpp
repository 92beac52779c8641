// Requests of the REST API: whatever arrives, the answer is a well-formed problem or a value that keeps its promises.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/check.h"
#include "identity/account_rules.h"
#include "identity/login_throttle.h"
#include "proto/jwt/jwt.h"
#include "rest/auth_api.h"
#include "rest/chats_api.h"
#include "rest/paging.h"
#include "rest/router.h"
#include "rest/users_api.h"

using namespace zvonok;

namespace {

/// Every problem becomes an answer whose JSON says what its status line says.
void check_problem(const rest::Problem& problem) {
  const HttpResponse response = rest::to_response(problem, "request-1");
  boost::json::error_code error;
  const auto body = boost::json::parse(response.body, error);
  ZVONOK_CHECK(!error && body.is_object());
  const auto& object = body.as_object();
  ZVONOK_CHECK(object.at("status").to_number<int>() == response.status);
  ZVONOK_CHECK(object.at("detail") == object.at("error") && object.at("request_id") == "request-1");
  ZVONOK_CHECK(!object.at("code").as_string().empty() && !object.at("title").as_string().empty());
  ZVONOK_CHECK((response.status == 405) == response.header("Allow").has_value());
}

template <class T>
bool taken(const Result<T, rest::Problem>& result) {
  if (result) return true;
  check_problem(result.error());
  const int status = result.error().status;
  ZVONOK_CHECK(status == 400 || status == 413 || status == 415);
  return false;
}

void check_rules(std::string_view text) {
  if (const auto email = identity::normalize_email(text)) {
    ZVONOK_CHECK(email->size() <= identity::kEmailBytesMax && identity::normalize_email(*email) == email);
    const std::string name = identity::default_display_name(*email);
    ZVONOK_CHECK(!name.empty() && email->starts_with(name));
  }
  if (const auto name = identity::normalize_display_name(text)) {
    ZVONOK_CHECK(identity::normalize_display_name(*name) == name);
  }
  const std::string group = identity::address_group(text);
  ZVONOK_CHECK(group.size() <= 64 && identity::address_group(group) == group);
}

void check_body(std::string_view input, std::string_view content_type) {
  HttpRequest request;
  request.method = Method::Post;
  request.body = input;
  request.headers.push_back({"Content-Type", std::string{content_type}});
  if (const auto registration = rest::decode_register(request); taken(registration)) {
    check_rules(registration->email);
    check_rules(registration->display_name);
    // Written again and read again it is the same.
    request.body = boost::json::serialize(boost::json::object{{"email", registration->email},
                                                              {"password", registration->password.reveal()},
                                                              {"display_name", registration->display_name}});
    request.headers.clear();
    const auto again = rest::decode_register(request);
    ZVONOK_CHECK(again || request.body.size() > input.size());
    if (again) {
      ZVONOK_CHECK(again->email == registration->email && again->password == registration->password &&
                   again->display_name == registration->display_name);
    }
    request.body = input;
    ZVONOK_CHECK(rest::decode_login(request).has_value());
  }
  taken(rest::decode_login(request));
  taken(rest::decode_refresh(request));
  if (input.empty()) ZVONOK_CHECK(taken(rest::decode_logout(request)));
  taken(rest::decode_logout(request));
  taken(rest::decode_update_me(request));
  if (const auto user = rest::decode_create_chat(request); taken(user)) ZVONOK_CHECK(jwt::is_user_id(user->value()));
}

void check_query(std::string_view input) {
  HttpRequest request;
  request.query = input;
  request.headers.push_back({"Authorization", std::string{input}});
  if (const auto page = rest::decode_page(request); taken(page)) {
    ZVONOK_CHECK(page->limit >= 1 && page->limit <= port::kPageLimitMax && page->after.size() <= rest::kCursorBytesMax);
  }
  if (const auto users = rest::decode_list_users(request); taken(users)) {
    ZVONOK_CHECK(users->search.size() <= rest::kSearchBytesMax && !users->include_disabled);
  }
  ZVONOK_CHECK(rest::token_of(request).size() <= input.size());
}

void check_path(std::string_view input) {
  static constexpr rest::Route kTable[] = {
      {Method::Get, "/a/{id}", rest::RouteId::Health, rest::Access::User, rest::RateClass::Ordinary},
      {Method::Post, "/a/{id}/b/{other}", rest::RouteId::Ready, rest::Access::User, rest::RateClass::Ordinary},
  };
  for (const Method method : {Method::Get, Method::Head, Method::Post, Method::Patch, Method::Other}) {
    for (const auto& found : {rest::match(method, input), rest::match_in(kTable, method, input)}) {
      if (found) {
        for (const auto& [name, value] : found->params) ZVONOK_CHECK(!name.empty() && !value.empty());
      } else {
        ZVONOK_CHECK(found.error().status == 404 || found.error().status == 405);
        check_problem(found.error());
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 8) {
    case 0: check_query(input); break;
    case 1: check_path(input); break;
    case 2: check_rules(input); break;
    case 3: check_body("{}", input); break;
    default: check_body(input, "application/json"); break;
  }
  return 0;
}
