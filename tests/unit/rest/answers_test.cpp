// Answers: the JSON of every route, problems with their codes and headers, pages.
#include <string>

#include <gtest/gtest.h>

#include "rest/auth_api.h"
#include "rest/calls_api.h"
#include "rest/chats_api.h"
#include "rest/ice_servers_api.h"
#include "rest/paging.h"
#include "rest/users_api.h"
#include "unit/rest/request.h"

namespace zvonok::rest {
namespace {

using namespace test;
using namespace std::string_literals;

constexpr WallTime kTime = wall_from_unix_milliseconds(1'770'122'096'789);  // 2026-02-03T12:34:56.789Z

port::User alice() {
  return {.id = UserId{"alice"},
          .email = "alice@example.org",
          .display_name = "Alice \"A\"",
          .password_hash = "$argon2id$secret",
          .disabled = false,
          .created_at = kTime};
}

void expect_json(const HttpResponse& response, int status, std::string_view body) {
  EXPECT_EQ(response.status, status);
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  EXPECT_EQ(response.header("Cache-Control"), "no-store") << "tokens and people belong into no cache";
  EXPECT_EQ(json_of(response.body), json_of(body)) << response.body;
}

TEST(Answers, OfRegisterAndLoginCarryTheTokensAndTheUser) {
  const identity::Login login{.user = alice(),
                              .tokens = {.access_token = Private<std::string>{"a.b.c"},
                                         .refresh_token = Private<std::string>{"r"},
                                         .access_expires_in = seconds{900},
                                         .session_id = "internal"}};
  const auto body = R"({"access_token":"a.b.c","refresh_token":"r","token_type":"Bearer","expires_in":900,
      "user":{"id":"alice","email":"alice@example.org","display_name":"Alice \"A\"",
              "created_at":"2026-02-03T12:34:56.789Z"}})";
  expect_json(encode_registered(login), 201, body);
  expect_json(encode_login(login), 200, body);
}

TEST(Answers, OfMeShowNoSecretAndANullEmail) {
  port::User user = alice();
  expect_json(encode_me(user), 200,
              R"({"id":"alice","email":"alice@example.org","display_name":"Alice \"A\"",
                  "created_at":"2026-02-03T12:34:56.789Z"})");
  user.email.reset();
  user.display_name.clear();
  expect_json(encode_me(user), 200,
              R"({"id":"alice","email":null,"display_name":"","created_at":"2026-02-03T12:34:56.789Z"})");
}

TEST(Answers, OfLogoutAndTicket) {
  const HttpResponse out = encode_logged_out();
  EXPECT_EQ(out.status, 204);
  EXPECT_EQ(out.body, "");
  expect_json(encode_ticket("t1", seconds{30}), 200, R"({"ticket":"t1","expires_in":30})");
  expect_json(encode_ticket("t1", milliseconds{30'999}), 200, R"({"ticket":"t1","expires_in":30})");
}

TEST(Answers, OfUsersShowAnEmailToItsOwnerOnly) {
  port::User bob = alice();
  bob.id = UserId{"bob"};
  bob.email = "bob@example.org";
  bob.display_name = "Bob";
  const port::Page<UserRow> page{.items = {{alice(), Online::Yes}, {bob, Online::No}}, .next = "cursor"};
  expect_json(encode_users(page, UserId{"alice"}), 200,
              R"({"users":[{"id":"alice","display_name":"Alice \"A\"","online":true,"email":"alice@example.org"},
                           {"id":"bob","display_name":"Bob","online":false}],"next":"cursor"})");
  expect_json(encode_users({}, UserId{"alice"}), 200, R"({"users":[],"next":null})");
}

call::CallRecord record() {
  call::CallRecord call;
  call.id = CallId{"c1"};
  call.state = call::CallState::Ended;
  call.caller = UserId{"alice"};
  call.callee = UserId{"bob"};
  call.started_at = kTime;
  call.ringing_at = kTime + milliseconds{1};
  call.answered_at = kTime + seconds{4};
  call.ended_at = kTime + seconds{46};
  call.reason = call::EndReason::Hangup;
  call.duration_seconds = 42;
  return call;
}

TEST(Answers, OfCallsAreSeenFromTheOnesSideWhoAsks) {
  const port::Page<CallRow> page{.items = {{record(), "Bob"}}, .next = ""};
  expect_json(encode_calls(page, UserId{"alice"}), 200,
              R"({"calls":[{"call_id":"c1","kind":"pair","direction":"outgoing","peer_user_id":"bob",
                            "peer_display_name":"Bob","status":"completed","reason":"hangup",
                            "start_time":"2026-02-03T12:34:56.789Z","ring_time":"2026-02-03T12:34:56.790Z",
                            "answer_time":"2026-02-03T12:35:00.789Z","end_time":"2026-02-03T12:35:42.789Z",
                            "duration":42}],"next":null})");
  call::CallRecord ringing = record();
  ringing.state = call::CallState::Ringing;
  ringing.kind = call::CallKind::Phone;
  ringing.chat = ChatId{"chat"};
  ringing.ringing_at.reset();
  ringing.answered_at.reset();
  ringing.ended_at.reset();
  ringing.reason.reset();
  ringing.duration_seconds = 0;
  expect_json(encode_calls({.items = {{ringing, std::nullopt}}, .next = "n"}, UserId{"bob"}), 200,
              R"({"calls":[{"call_id":"c1","kind":"phone","direction":"incoming","peer_user_id":"alice",
                            "chat_id":"chat","status":"connecting","reason":null,
                            "start_time":"2026-02-03T12:34:56.789Z","ring_time":null,"answer_time":null,
                            "end_time":null,"duration":0}],"next":"n"})");
}

TEST(Answers, AnEndedCallsStatusSaysWhetherItWasAnswered) {
  using call::EndReason;
  const std::pair<EndReason, std::string_view> unanswered[] = {
      {EndReason::Hangup, "canceled"},     {EndReason::Canceled, "canceled"}, {EndReason::Declined, "declined"},
      {EndReason::NoAnswer, "no_answer"},  {EndReason::Busy, "busy"},         {EndReason::Offline, "offline"},
      {EndReason::Disconnected, "failed"}, {EndReason::Failed, "failed"},     {EndReason::ServerShutdown, "failed"},
  };
  for (const auto& [reason, status] : unanswered) {
    call::CallRecord call = record();
    call.reason = reason;
    EXPECT_EQ(call_status(call), "completed") << reason;
    call.answered_at.reset();
    EXPECT_EQ(call_status(call), status) << reason;
  }
  call::CallRecord call = record();
  call.state = call::CallState::Active;
  EXPECT_EQ(call_status(call), "active");
}

TEST(Answers, OfChats) {
  const port::PrivateChat chat{
      .id = ChatId{"c"}, .first = UserId{"alice"}, .second = UserId{"bob"}, .created_at = kTime};
  const std::string text = R"({"id":"c","members":["alice","bob"],"created_at":"2026-02-03T12:34:56.789Z"})";
  expect_json(encode_chat(chat, ChatOrigin::Made), 201, text);
  expect_json(encode_chat(chat, ChatOrigin::Found), 200, text);
  expect_json(encode_chats({.items = {chat}, .next = "n"}), 200, R"({"chats":[)" + text + R"(],"next":"n"})");
  EXPECT_EQ(summary(problem_of_create_chat({port::StoreErrorKind::NotFound, ""})), "404 not_found");
  EXPECT_EQ(summary(problem_of_create_chat({port::StoreErrorKind::Conflict, ""})), "400 invalid_field userId");
  EXPECT_EQ(summary(problem_of_create_chat({port::StoreErrorKind::Invalid, ""})), "400 invalid_field userId");
  EXPECT_EQ(summary(problem_of_create_chat({port::StoreErrorKind::Unavailable, ""})), "503 unavailable");
}

TEST(Answers, OfIceServersListWhatIsSetAndKeepTheSecret) {
  IceServers servers;
  servers.credential_lifetime = seconds{60};
  expect_json(encode_ice_servers(servers, UserId{"alice"}, kTime), 200, R"({"ice_servers":[],"expires_in":60})");
  servers.stun_urls = {"stun:stun.example.org:3478"};
  expect_json(encode_ice_servers(servers, UserId{"alice"}, kTime), 200,
              R"({"ice_servers":[{"urls":["stun:stun.example.org:3478"]}],"expires_in":60})");
  servers.turn_urls = {"turn:turn.example.org:3478", "turns:turn.example.org:5349"};
  servers.turn_secret = Private<std::string>{"the secret of the TURN server"};
  const HttpResponse response = encode_ice_servers(servers, UserId{"alice"}, kTime);
  const auto turn = json_of(response.body).at("ice_servers").at(1);
  EXPECT_EQ(turn.at("urls").as_array().size(), 2U);
  EXPECT_EQ(turn.at("username").as_string(), "1770122156:alice") << "ends 60 s from now, rounded down";
  EXPECT_FALSE(turn.at("credential").as_string().empty());
  EXPECT_EQ(response.body.find("the secret"), std::string::npos);
}

// ---- problems ------------------------------------------------------------------------------------------------------

TEST(Problems, AreProblemDetailsWithTheErrorBesideThem) {
  const HttpResponse response = to_response(bad_request("The password must have 8 to 256 bytes", "password"), "req-1");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  EXPECT_FALSE(response.header("WWW-Authenticate"));
  EXPECT_FALSE(response.header("Retry-After"));
  EXPECT_FALSE(response.header("Allow"));
  EXPECT_EQ(json_of(response.body), json_of(R"({"type":"about:blank","title":"Bad Request","status":400,
                        "detail":"The password must have 8 to 256 bytes","code":"invalid_field",
                        "error":"The password must have 8 to 256 bytes","request_id":"req-1","field":"password"})"));
}

TEST(Problems, CarryTheHeadersThatTheirStatusDemands) {
  const HttpResponse unauthorized_response = to_response(unauthorized(identity::AuthFailure::Expired), "r");
  EXPECT_EQ(unauthorized_response.status, 401);
  EXPECT_EQ(unauthorized_response.header("WWW-Authenticate"), "Bearer realm=\"zvonok\"");
  EXPECT_EQ(to_response(unavailable(), "r").header("Retry-After"), "1");
  const std::pair<Duration, std::string_view> waits[] = {
      {Duration{0}, "1"},        {Duration{1}, "1"},  {milliseconds{999}, "1"}, {seconds{1}, "1"},
      {milliseconds{1001}, "2"}, {seconds{60}, "60"}, {Duration{-5}, "1"},
  };
  for (const auto& [wait, header] : waits) {
    EXPECT_EQ(to_response(too_many_requests(wait), "r").header("Retry-After"), header) << wait.count();
  }
}

TEST(Problems, EveryRefusalOfATokenHasACode) {
  using identity::AuthFailure;
  const std::pair<AuthFailure, std::string> table[] = {
      {AuthFailure::NoToken, "401 no_token"},        {AuthFailure::BadToken, "401 bad_token"},
      {AuthFailure::Expired, "401 token_expired"},   {AuthFailure::Revoked, "401 session_ended"},
      {AuthFailure::NoSuchUser, "401 unknown_user"}, {AuthFailure::Disabled, "401 unknown_user"},
  };
  for (const auto& [failure, expected] : table) EXPECT_EQ(summary(unauthorized(failure)), expected) << failure;
  EXPECT_EQ(to_response(unauthorized(AuthFailure::NoSuchUser), "r").body,
            to_response(unauthorized(AuthFailure::Disabled), "r").body)
      << "whether an account exists is nobody's business";
}

TEST(Problems, EveryErrorOfTheServiceHasAStatus) {
  using Kind = identity::IdentityErrorKind;
  const std::pair<Kind, std::string> table[] = {
      {Kind::InvalidEmail, "400 invalid_field email"},
      {Kind::InvalidPassword, "400 invalid_field password"},
      {Kind::InvalidDisplayName, "400 invalid_field display_name"},
      {Kind::EmailTaken, "409 email_taken"},
      {Kind::WrongCredentials, "401 wrong_credentials"},
      {Kind::BadRefreshToken, "401 bad_refresh_token"},
      {Kind::UnknownUser, "404 not_found"},
      {Kind::Unavailable, "503 unavailable"},
  };
  for (const auto& [kind, expected] : table) {
    const identity::IdentityError error{.kind = kind, .revoked_session = "s-secret", .detail = "d-secret"};
    EXPECT_EQ(summary(problem_of(error)), expected) << kind;
    const std::string body = to_response(problem_of(error), "r").body;
    EXPECT_EQ(body.find("secret"), std::string::npos) << "what is for the log is not for the client: " << body;
  }
}

TEST(Problems, EveryErrorOfTheStoreHasAStatus) {
  using Kind = port::StoreErrorKind;
  const std::pair<Kind, std::string> table[] = {
      {Kind::Unavailable, "503 unavailable"},
      {Kind::Conflict, "409 conflict"},
      {Kind::NotFound, "404 not_found"},
      {Kind::Invalid, "400 bad_request"},
  };
  for (const auto& [kind, expected] : table) {
    const port::StoreError error{.kind = kind, .detail = "host=10.0.0.1 secret"};
    EXPECT_EQ(summary(problem_of(error)), expected);
    EXPECT_EQ(to_response(problem_of(error), "r").body.find("secret"), std::string::npos);
  }
}

TEST(Problems, TitlesAreTheStatusInWords) {
  const std::pair<int, std::string_view> table[] = {
      {400, "Bad Request"},         {401, "Unauthorized"},
      {403, "Forbidden"},           {404, "Not Found"},
      {405, "Method Not Allowed"},  {409, "Conflict"},
      {413, "Content Too Large"},   {415, "Unsupported Media Type"},
      {429, "Too Many Requests"},   {500, "Internal Server Error"},
      {503, "Service Unavailable"},
  };
  for (const auto& [status, title] : table) {
    Problem problem = forbidden("no");
    problem.status = status;
    EXPECT_EQ(json_of(to_response(problem, "r").body).at("title").as_string(), title) << status;
  }
}

// ---- pages ---------------------------------------------------------------------------------------------------------

TEST(Pages, AreReadFromTheQuery) {
  struct Row {
    std::string query;
    std::string after;
    std::size_t limit;
  };
  const Row table[] = {
      {"", "", 50},
      {"limit=1", "", 1},
      {"limit=200&after=abc", "abc", 200},
      {"after=a%2Bb%26c%3D", "a+b&c=", 50},
      {"after=", "", 50},
      {"limit=7&limit=8", "", 7},
      {"limits=7&xlimit=8", "", 50},
      {"after=" + std::string(512, 'c'), std::string(512, 'c'), 50},
      {"limit=007", "", 7},
  };
  for (const Row& row : table) {
    const auto page = decode_page(get(row.query));
    ASSERT_TRUE(page.has_value()) << row.query;
    EXPECT_EQ(page->after, row.after) << row.query;
    EXPECT_EQ(page->limit, row.limit) << row.query;
  }
}

TEST(Pages, OfNoSizeAreRefused) {
  for (const char* limit : {"0", "201", "-1", "+5", "1.0", "1e2", "0x10", "", "%20", "abc", "5%00",
                            "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_EQ(summary(decode_page(get("limit="s + limit))), "400 invalid_field limit") << limit;
  }
  EXPECT_EQ(summary(decode_page(get("after=" + std::string(513, 'c')))), "400 invalid_field after");
}

TEST(Pages, OfUsersHaveASearch) {
  const auto request = decode_list_users(get("search=al%20ice+%25&limit=3&after=c"));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->search, "al ice %");
  EXPECT_FALSE(request->include_disabled);
  EXPECT_EQ(request->page.limit, 3U);
  EXPECT_EQ(request->page.after, "c");
  EXPECT_EQ(decode_list_users(get(""))->search, "");
  EXPECT_TRUE(decode_list_users(get("search=" + std::string(200, 's'))));
  EXPECT_EQ(summary(decode_list_users(get("search=" + std::string(201, 's')))), "400 invalid_field search");
  EXPECT_EQ(summary(decode_list_users(get("search=a&limit=0"))), "400 invalid_field limit");
}

}  // namespace
}  // namespace zvonok::rest
