// The table of routes: what matches, what is a 404 and what a 405, where a token is looked for, and that the OpenAPI
// document tells the same.
#include "rest/router.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "rest/groups_api.h"
#include "rest/phone_api.h"
#include "unit/rest/request.h"

namespace zvonok::rest {
namespace {

using namespace test;
using namespace std::string_literals;

TEST(Router, EveryRouteIsFoundByItsOwnPathAndIsThereOnce) {
  std::set<std::pair<Method, std::string_view>> seen;
  for (const Route& route : routes()) {
    const auto found = match(route.method, route.pattern);
    ASSERT_TRUE(found.has_value()) << route.pattern;
    EXPECT_EQ(found->route, &route) << route.pattern;
    EXPECT_TRUE(seen.insert({route.method, route.pattern}).second) << route.pattern << " comes twice";
    if (route.method != Method::Get) continue;
    EXPECT_EQ(match(Method::Head, route.pattern)->route, &route) << route.pattern;
  }
}

TEST(Router, OnlyWhatHasToBeIsPublic) {
  const std::set<std::string_view> open{"/api/auth/register", "/api/auth/login", "/api/auth/refresh",
                                        "/api/auth/logout",   "/healthz",        "/readyz",
                                        "/metrics",           "/openapi.yaml"};
  for (const Route& route : routes()) {
    EXPECT_EQ(route.access == Access::Public, open.contains(route.pattern)) << route.pattern;
  }
}

TEST(Router, OtherPathsAreNotFound) {
  for (const char* path : {"",
                           "/",
                           "/api",
                           "/api/",
                           "/api/auth",
                           "/api/auth/",
                           "/api/auth/login/",
                           "/api/auth/login/x",
                           "//api/auth/login",
                           "/api//auth/login",
                           "/API/auth/login",
                           "/api/auth/Login",
                           "/api/auth/login%00",
                           "/api/auth/login%2F",
                           "/api/auth/%2e%2e/auth/login",
                           "/api/auth/me;x=1",
                           "api/auth/login",
                           "/api/auth/log%zz",
                           "/api/auth/login%",
                           "/../api/auth/login",
                           "/api/auth/../auth/login",
                           "/healthz/",
                           "/metrics%20",
                           "/api/auth/login+"}) {
    const auto found = match(Method::Post, path);
    ASSERT_FALSE(found.has_value()) << path;
    EXPECT_EQ(summary(found.error()), "404 not_found") << path;
  }
}

TEST(Router, APercentEncodedPathIsTheSamePath) {
  EXPECT_EQ(match(Method::Post, "/api/auth/%6Cogin")->route->id, RouteId::Login);
  EXPECT_EQ(match(Method::Get, "/%68ealthz")->route->id, RouteId::Health);
}

TEST(Router, AnotherMethodIsToldWhichThereAre) {
  struct Row {
    Method method;
    const char* path;
    std::string allow;
  };
  const Row table[] = {
      {Method::Get, "/api/auth/login", "POST"},
      {Method::Head, "/api/auth/login", "POST"},
      {Method::Other, "/api/auth/login", "POST"},
      {Method::Options, "/api/auth/login", "POST"},
      {Method::Delete, "/api/auth/me", "GET, HEAD, PATCH"},
      {Method::Put, "/api/v1/chats", "POST, GET, HEAD"},
      {Method::Post, "/healthz", "GET, HEAD"},
      {Method::Post, "/api/v1/groups/1", "GET, HEAD, PATCH, DELETE"},
      {Method::Get, "/api/v1/groups/1/members/bob", "PUT, DELETE"},
  };
  for (const Row& row : table) {
    const auto found = match(row.method, row.path);
    ASSERT_FALSE(found.has_value()) << row.path;
    EXPECT_EQ(summary(found.error()), "405 method_not_allowed") << row.path;
    EXPECT_EQ(to_response(found.error(), "r").header("Allow"), row.allow) << row.path;
  }
}

TEST(Router, ParametersAreOneNonEmptyDecodedSegment) {
  constexpr Route kTable[] = {
      {Method::Get, "/rooms/{id}", RouteId::Health, Access::User, RateClass::Ordinary},
      {Method::Delete, "/rooms/{room}/members/{user}", RouteId::Ready, Access::User, RateClass::Ordinary},
  };
  const auto one = match_in(kTable, Method::Get, "/rooms/a%20b%2Fc+d");
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->param("id"), "a b/c+d") << "in a path a plus is a plus";
  const auto two = match_in(kTable, Method::Delete, "/rooms/r1/members/%D0%B0");
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->param("room"), "r1");
  EXPECT_EQ(two->param("user"), "а");
  for (const char* path : {"/rooms/", "/rooms", "/rooms/a/", "/rooms/a/b", "/rooms//members/u", "/rooms/%zz"}) {
    EXPECT_FALSE(match_in(kTable, Method::Get, path)) << path;
  }
  EXPECT_EQ(match_in(kTable, Method::Post, "/rooms/a").error().allow, "GET, HEAD");
}

TEST(Router, TheTokenIsInTheHeaderOrTheQuery) {
  struct Row {
    std::string authorization;
    std::string query;
    std::string token;
  };
  const Row table[] = {
      {"", "", ""},
      {"Bearer a.b.c", "", "a.b.c"},
      {"bearer a.b.c", "", "a.b.c"},
      {"BEARER   a.b.c  ", "", "a.b.c"},
      {"Bearer ", "", ""},
      {"Bearer", "token=q", "q"},
      {"", "token=a.b.c", "a.b.c"},
      {"", "x=1&token=a%2Eb.c&token=second", "a.b.c"},
      {"", "token=", ""},
      {"", "tokens=x&atoken=y", ""},
      {"", "token=%zz", ""},
      {"Bearer header", "token=query", "header"},
      {"Bearer ", "token=query", ""},
      {"Basic dXNlcjpwYXNz", "token=query", "query"},
      {"Basic dXNlcjpwYXNz", "", ""},
      {"a.b.c", "", ""},
      {"Bearer a b", "", "a b"},
  };
  for (const Row& row : table) {
    HttpRequest request = get(row.query);
    if (!row.authorization.empty()) request.headers.push_back({"authorization", row.authorization});
    EXPECT_EQ(token_of(request), row.token) << row.authorization << " ? " << row.query;
  }
}

// ---- the OpenAPI document ------------------------------------------------------------------------------------------

std::string read_document() {
  std::ifstream file{ZVONOK_SOURCE_DIR "/src/rest/openapi.yaml"};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// "POST /api/auth/login" for each operation. Paths stand two columns in, methods four.
std::set<std::string> documented_operations(const std::string& document) {
  std::set<std::string> operations;
  std::istringstream lines{document};
  std::string path;
  bool in_paths = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != ' ' && line[0] != '#') in_paths = line == "paths:";
    if (!in_paths || !line.starts_with("  ") || !line.ends_with(":")) continue;
    if (line[2] == '/') path = line.substr(2, line.size() - 3);
    if (!line.starts_with("    ") || line[4] == ' ') continue;
    const std::string method = line.substr(4, line.size() - 5);
    for (const auto& [name, text] : {std::pair{"get"s, "GET "s},
                                     {"post"s, "POST "s},
                                     {"put"s, "PUT "s},
                                     {"patch"s, "PATCH "s},
                                     {"delete"s, "DELETE "s}}) {
      if (method == name) operations.insert(text + path);
    }
  }
  return operations;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  std::set<std::string> served{"GET /ws"};  // the front's own
  for (const Route& route : routes()) {
    const std::map<Method, std::string> names{{Method::Get, "GET "},
                                              {Method::Post, "POST "},
                                              {Method::Put, "PUT "},
                                              {Method::Patch, "PATCH "},
                                              {Method::Delete, "DELETE "}};
    ASSERT_TRUE(names.contains(route.method));
    served.insert(names.at(route.method) + std::string{route.pattern});
  }
  EXPECT_EQ(documented_operations(read_document()), served);
}

TEST(OpenApi, NamesEveryCodeOfAProblem) {
  const std::string document = read_document();
  std::set<std::string> codes{"method_not_allowed", "unsupported_media_type", "body_too_large"};
  using identity::AuthFailure;
  for (const AuthFailure failure : {AuthFailure::NoToken, AuthFailure::BadToken, AuthFailure::Expired,
                                    AuthFailure::Revoked, AuthFailure::NoSuchUser, AuthFailure::Disabled}) {
    codes.insert(unauthorized(failure).code);
  }
  using Kind = identity::IdentityErrorKind;
  for (const Kind kind : {Kind::InvalidEmail, Kind::InvalidPassword, Kind::InvalidDisplayName, Kind::EmailTaken,
                          Kind::WrongCredentials, Kind::BadRefreshToken, Kind::UnknownUser, Kind::Unavailable}) {
    codes.insert(problem_of(identity::IdentityError{.kind = kind, .revoked_session = {}, .detail = {}}).code);
  }
  using Store = port::StoreErrorKind;
  for (const Store kind : {Store::Unavailable, Store::Conflict, Store::NotFound, Store::Invalid}) {
    codes.insert(problem_of(port::StoreError{.kind = kind, .detail = {}}).code);
  }
  using Group = port::GroupOutcome;
  for (const Group outcome : {Group::NoSuchGroup, Group::NoSuchMember, Group::Forbidden, Group::LastOwner,
                              Group::NoSuchUser, Group::GroupFull, Group::TooManyGroups, Group::IdTaken}) {
    codes.insert(problem_of(outcome)->code);
  }
  for (const Problem& problem : {forbidden(""), too_many_requests(seconds{1}), internal_error(), bad_request("")}) {
    codes.insert(problem.code);
  }
  using call::phone::Outcome;
  for (const Outcome outcome :
       {Outcome::NoSuchCall, Outcome::NotYours, Outcome::WrongStatus, Outcome::InAnotherCall, Outcome::DailyLimit,
        Outcome::SpendLimit, Outcome::NumberNotAllowed, Outcome::ServerFull, Outcome::Draining}) {
    codes.insert(problem_of(outcome, WallTime{}).code);
  }
  using Room = call::RoomErrorCode;
  for (const Room code : {Room::NotFound, Room::Locked, Room::Encrypted, Room::RoomFull, Room::Forbidden}) {
    codes.insert(problem_of_room(code, "").code);
  }
  codes.insert({phone_call_over().code, provider_failed(call::phone::ProviderFault::Other).code, "request_under_way",
                "idempotency_key_reused"});
  const std::string list = document.substr(document.find("    ProblemCode:"));
  for (const std::string& code : codes) {
    EXPECT_NE(list.find("- " + code + "\n"), std::string::npos) << code << " is not in ProblemCode";
  }
}

}  // namespace
}  // namespace zvonok::rest
