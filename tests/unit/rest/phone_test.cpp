// What the API of phone calls reads and writes: bodies, filters, rate limits and repeated requests.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rest/call_filter.h"
#include "rest/idempotency.h"
#include "rest/phone_api.h"
#include "rest/rate_limit.h"
#include "rest/router.h"
#include "unit/rest/request.h"

namespace zvonok::rest {
namespace {

using namespace test;
using call::phone::Outcome;

struct Row {
  std::string body;
  std::string summary;
};

TEST(PhoneApi, InitiateWantsANumberInE164) {
  const Row table[] = {
      {R"({"phone_number":"+491512345678"})", "good"},
      {R"({"phone_number":"+491512345678","extra":1})", "good"},
      {R"({"phone_number":"491512345678"})", "400 invalid_field phone_number"},
      {R"({"phone_number":"+49 151 2345678"})", "400 invalid_field phone_number"},
      {R"({"phone_number":""})", "400 invalid_field phone_number"},
      {R"({"phone_number":null})", "400 invalid_field phone_number"},
      {R"({"phone_number":491512345678})", "400 invalid_field phone_number"},
      {R"({})", "400 invalid_field phone_number"},
      {R"([])", "400 bad_request"},
      {R"()", "400 bad_request"},
  };
  for (const Row& row : table) EXPECT_EQ(summary(decode_initiate(post(row.body))), row.summary) << row.body;
  EXPECT_EQ(summary(decode_initiate(post("{}", "text/plain"))), "415 unsupported_media_type");
}

TEST(PhoneApi, TerminateWantsACall) {
  const Row table[] = {
      {R"({"call_id":"01970c4e-7c1e-7d00-8a54-1d1c0f4b7a10"})", "good"},
      {R"({"call_id":"no such call"})", "404 not_found"},
      {R"({"call_id":""})", "400 invalid_field call_id"},
      {R"({"call_id":7})", "400 invalid_field call_id"},
      {R"({})", "400 invalid_field call_id"},
  };
  for (const Row& row : table) EXPECT_EQ(summary(decode_terminate(post(row.body))), row.summary) << row.body;
  EXPECT_EQ(summary(call_id_of(std::string(129, 'a'))), "404 not_found");
}

TEST(PhoneApi, TonesAndSwitches) {
  EXPECT_EQ(decode_dtmf(post(R"({"digits":"12#*ab,D"})")), "12#*AB,D");
  for (const char* bad : {R"({"digits":""})", R"({"digits":"12e"})",
                          R"({"digits":"123456789012345678901234567890123"})", R"({"digits":5})", R"({})"}) {
    EXPECT_EQ(summary(decode_dtmf(post(bad))), "400 invalid_field digits") << bad;
  }
  using call::phone::Switch;
  EXPECT_EQ(decode_switch(post(R"({"hold":false})"), "hold"), Switch::Off);
  EXPECT_EQ(decode_switch(post(R"({"hold":true})"), "hold"), Switch::On);
  EXPECT_EQ(decode_switch(post(R"({})"), "hold"), Switch::On);
  EXPECT_EQ(decode_switch(post("", ""), "hold"), Switch::On);
  EXPECT_EQ(summary(decode_switch(post(R"({"hold":"yes"})"), "hold")), "400 invalid_field hold");
}

std::string answer_sdp(const std::string& without = "", const std::string& instead = "") {
  std::string sdp =
      "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "a=fingerprint:sha-256 "
      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0 101\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:active\r\n"
      "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=rtcp-mux\r\na=sendrecv\r\n"
      "a=rtpmap:101 telephone-event/8000\r\n";
  if (const auto at = sdp.find(without); !without.empty() && at != std::string::npos) {
    sdp.replace(at, without.size(), instead);
  }
  return boost::json::serialize(boost::json::object{{"sdp_answer", sdp}});
}

TEST(PhoneApi, TheBrowsersAnswerIsOneThatWeCouldTalkTo) {
  EXPECT_EQ(summary(decode_browser_answer(post(answer_sdp()))), "good");
  const std::string bad = "400 invalid_field sdp_answer";
  const Row table[] = {
      {answer_sdp("v=0", "hello"), bad},
      {answer_sdp("a=ice-ufrag:abcd\r\n"), bad},
      {answer_sdp("a=setup:active\r\n"), bad},
      {answer_sdp("a=setup:active", "a=setup:actpass"), bad},
      {answer_sdp("SAVPF 0 101", "SAVPF 101"), bad},
      {answer_sdp("m=audio 9", "m=audio 0"), bad},
      {answer_sdp("m=audio", "m=video"), bad},
      {R"({"sdp_answer":""})", bad},
      {R"({})", bad},
  };
  for (const Row& row : table) EXPECT_EQ(summary(decode_browser_answer(post(row.body))), row.summary) << row.body;
}

call::CallRecord phone_record() {
  call::CallRecord record;
  record.id = CallId{"call-1"};
  record.kind = call::CallKind::Phone;
  record.caller = UserId{"alice"};
  record.started_at = wall_from_unix_milliseconds(1'770'122'096'789);
  record.phone = call::PhoneSide{.number = "+491512345678", .session_id = "sess_1"};
  return record;
}

TEST(PhoneApi, ACallIsToldWithTheContractsNames) {
  call::phone::CallView view{.record = phone_record()};
  const HttpResponse made = encode_initiated(row_of(view, "v=0\r\n"));
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.header("Location"), "/api/calls/call-1");
  const auto body = json_of(made.body);
  EXPECT_EQ(body.at("call_id"), "call-1");
  EXPECT_EQ(body.at("session_id"), "sess_1");
  EXPECT_EQ(body.at("sdp_offer"), "v=0\r\n");
  EXPECT_EQ(body.at("status"), "connecting");
  EXPECT_EQ(body.at("start_time"), "2026-02-03T12:34:56.789Z");
  view.record.state = call::CallState::Ended;
  view.record.answered_at = view.record.started_at;
  view.record.ended_at = view.record.started_at + seconds{42};
  view.record.reason = call::EndReason::Hangup;
  view.record.duration_seconds = 42;
  view.status = call::phone::Status::Completed;
  const auto over = json_of(encode_phone_call(row_of(view, "")).body);
  EXPECT_EQ(over.at("duration"), 42);
  EXPECT_EQ(over.at("status"), "completed");
  EXPECT_FALSE(over.as_object().contains("sdp_offer"));
  const auto twice = json_of(to_response(phone_call_over(), "r", row_of(view, "")).body);
  EXPECT_EQ(twice.at("status"), 409);
  EXPECT_EQ(twice.at("code"), "call_over");
  EXPECT_EQ(twice.at("call").at("status"), "completed");
  EXPECT_EQ(twice.at("duration"), 42);
}

TEST(PhoneApi, EveryOutcomeHasItsProblem) {
  const WallTime noon = wall_from_unix_milliseconds(1'770'120'000'000);
  const std::pair<Outcome, std::string> table[] = {
      {Outcome::NoSuchCall, "404 not_found"},
      {Outcome::NotYours, "403 forbidden"},
      {Outcome::WrongStatus, "409 wrong_status"},
      {Outcome::InAnotherCall, "409 in_another_call"},
      {Outcome::DailyLimit, "429 daily_limit"},
      {Outcome::SpendLimit, "503 spend_limit"},
      {Outcome::ServerFull, "503 unavailable"},
      {Outcome::Draining, "503 unavailable"},
      {Outcome::NumberNotAllowed, "403 number_not_allowed phone_number"},
  };
  for (const auto& [outcome, expected] : table) EXPECT_EQ(summary(problem_of(outcome, noon)), expected);
  EXPECT_EQ(problem_of(Outcome::DailyLimit, noon).retry_after, hours{12});
}

TEST(CallFilter, IsReadFromTheQuery) {
  EXPECT_EQ(decode_call_filter(get("")), port::CallFilter{});
  const auto filter =
      decode_call_filter(get("kind=phone&status=busy&from=2026-02-03T12:34:56Z&until=2026-02-03T13:34:56.5%2B01:00&"
                             "phone_number=%2B491512345678"));
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->kind, call::CallKind::Phone);
  EXPECT_EQ(filter->state, call::CallState::Ended);
  EXPECT_EQ(filter->answered, false);
  EXPECT_EQ(filter->reasons, std::vector{call::EndReason::Busy});
  EXPECT_EQ(filter->started_from, wall_from_unix_milliseconds(1'770'122'096'000));
  EXPECT_EQ(filter->started_until, wall_from_unix_milliseconds(1'770'122'096'500));
  EXPECT_EQ(filter->phone_number, "+491512345678");
  EXPECT_EQ(decode_call_filter(get("direction=outgoing"))->outgoing, true);
  const auto missed = decode_call_filter(get("status=missed"));
  EXPECT_EQ(missed->outgoing, false);
  EXPECT_EQ(missed->answered, false);
  EXPECT_EQ(std::ranges::count(missed->reasons, call::EndReason::Declined), 0);
  for (const auto& [query, expected] :
       std::vector<std::pair<std::string, std::string>>{{"direction=up", "400 invalid_field direction"},
                                                        {"kind=fax", "400 invalid_field kind"},
                                                        {"status=gone", "400 invalid_field status"},
                                                        {"from=yesterday", "400 invalid_field from"},
                                                        {"until=2026-02-30T00:00:00Z", "400 invalid_field until"},
                                                        {"phone_number=12", "400 invalid_field phone_number"}}) {
    EXPECT_EQ(summary(decode_call_filter(get(query))), expected) << query;
  }
}

TEST(CallFilter, TimesAreRfc3339) {
  for (const char* bad : {"", "2026-02-03", "2026-02-03T12:34:56", "2026-02-03T24:00:00Z", "2026-2-3T12:34:56Z",
                          "2026-02-03T12:34:56.Z", "2026-02-03T12:34:56Zx", "2026-02-03T12:34:56+1:00"}) {
    EXPECT_EQ(parse_rfc3339(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.1239Z"), wall_from_unix_milliseconds(123));
  EXPECT_EQ(parse_rfc3339("1970-01-01t01:30:00+01:30"), wall_from_unix_milliseconds(0));
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:00:00-01:00"), wall_from_unix_milliseconds(0));
}

TEST(RateLimit, CountsEachUserInAMinuteAndSaysWhatIsLeft) {
  RateLimit limit{2};
  const TimePoint start = TimePoint{} + hours{1};
  EXPECT_EQ(limit.take(UserId{"alice"}, start).remaining, 1U);
  EXPECT_EQ(limit.take(UserId{"alice"}, start + seconds{10}).remaining, 0U);
  const auto refused = limit.take(UserId{"alice"}, start + seconds{20});
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reset, seconds{40});
  EXPECT_TRUE(limit.take(UserId{"bob"}, start + seconds{20}).allowed);
  EXPECT_TRUE(limit.take(UserId{"alice"}, start + seconds{60}).allowed);
  EXPECT_EQ(limit.users(), 1U) << "nothing is kept of the minute before";
  HttpResponse response;
  add_rate_limit(response, refused);
  EXPECT_EQ(response.header("RateLimit-Limit"), "2");
  EXPECT_EQ(response.header("RateLimit-Remaining"), "0");
  EXPECT_EQ(response.header("RateLimit-Reset"), "40");
}

HttpRequest keyed(const std::string& key, const std::string& body) {
  HttpRequest request = post(body);
  request.path = "/api/calls/initiate";
  request.headers.push_back({"Idempotency-Key", key});
  return request;
}

TEST(IdempotencyKey, GivesTheFirstAnswerAgain) {
  Idempotency memory{{.kept = hours{24}, .answers_max = 3}};
  const UserId alice{"alice"};
  const TimePoint now = TimePoint{} + hours{1};
  EXPECT_TRUE(std::holds_alternative<Idempotency::NotAsked>(*memory.begin(post("{}"), alice, now)));
  const auto first = memory.begin(keyed("k", "{}"), alice, now);
  const auto key = std::get<Idempotency::First>(*first).key;
  EXPECT_EQ(summary(memory.begin(keyed("k", "{}"), alice, now)), "409 request_under_way");
  EXPECT_EQ(summary(memory.begin(keyed("k", "{ }"), alice, now)), "422 idempotency_key_reused");
  EXPECT_TRUE(std::holds_alternative<Idempotency::First>(*memory.begin(keyed("k", "{}"), UserId{"bob"}, now)));
  memory.finish(key, HttpResponse{.status = 201, .headers = {}, .body = "made"}, now);
  const auto again = memory.begin(keyed("k", "{}"), alice, now + hours{23});
  EXPECT_EQ(std::get<Idempotency::Repeated>(*again).answer.body, "made");
  EXPECT_TRUE(std::holds_alternative<Idempotency::First>(*memory.begin(keyed("k", "{}"), alice, now + hours{24})));
}

TEST(IdempotencyKey, WhatMayGoBetterNextTimeIsNotKeptAndOldAnswersMakeRoom) {
  Idempotency memory{{.kept = hours{24}, .answers_max = 3}};
  const UserId alice{"alice"};
  const TimePoint now = TimePoint{} + hours{1};
  for (const int status : {500, 503, 429}) {
    const auto begun = memory.begin(keyed("k", "{}"), alice, now);
    memory.finish(std::get<Idempotency::First>(*begun).key, HttpResponse{.status = status, .headers = {}, .body = {}},
                  now);
    EXPECT_EQ(memory.size(), 0U);
  }
  for (const int status : {409, 403, 400, 409, 403}) {
    const auto begun = memory.begin(keyed("k", "{}"), alice, now);
    ASSERT_TRUE(begun);
    EXPECT_EQ(summary(memory.begin(keyed("k", "{}"), alice, now)), "409 request_under_way");
    memory.finish(std::get<Idempotency::First>(*begun).key, HttpResponse{.status = status, .headers = {}, .body = {}},
                  now);
    EXPECT_EQ(memory.size(), 1U);
    EXPECT_EQ(summary(memory.begin(keyed("k", "{ }"), alice, now)), "422 idempotency_key_reused");
  }
  for (int i = 0; i < 20; ++i) {
    const auto begun = memory.begin(keyed("k" + std::to_string(i), "{}"), alice, now);
    memory.finish(std::get<Idempotency::First>(*begun).key, HttpResponse{.status = 201, .headers = {}, .body = {}},
                  now);
  }
  EXPECT_LE(memory.size(), 3U);
  EXPECT_EQ(summary(memory.begin(keyed("", "{}"), alice, now)), "400 bad_request");
  EXPECT_EQ(summary(memory.begin(keyed(std::string(256, 'k'), "{}"), alice, now)), "400 bad_request");
  EXPECT_EQ(summary(memory.begin(keyed("k\n", "{}"), alice, now)), "400 bad_request");
}

TEST(IdempotencyKey, OfOneUserPushesOutNobodyElses) {
  Idempotency memory{{.kept = hours{24}, .answers_max = 100, .answers_per_user_max = 3}};
  const TimePoint now = TimePoint{} + hours{1};
  const auto ask = [&](const char* user, const std::string& key) {
    auto begun = memory.begin(keyed(key, "{}"), UserId{user}, now);
    if (const auto* const first = std::get_if<Idempotency::First>(&*begun)) {
      memory.finish(first->key, HttpResponse{.status = 201, .headers = {}, .body = {}}, now);
      return false;
    }
    return true;
  };
  EXPECT_FALSE(ask("alice", "k"));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(ask("mallory", "k" + std::to_string(i)));
  EXPECT_EQ(memory.size(), 4U);
  EXPECT_TRUE(ask("alice", "k"));
  EXPECT_TRUE(ask("mallory", "k999"));
  EXPECT_FALSE(ask("mallory", "k0")) << "the oldest of one's own go first";
}

TEST(PhoneRoutes, ANameIsNoCallsId) {
  EXPECT_EQ(match(Method::Get, "/api/calls/history")->route->id, RouteId::ListCalls);
  EXPECT_EQ(match(Method::Get, "/api/calls/events")->route->id, RouteId::WatchCalls);
  EXPECT_EQ(match(Method::Get, "/api/calls/some-id")->route->id, RouteId::ShowCall);
  EXPECT_EQ(match(Method::Get, "/api/calls/initiate").error().allow, "POST");
  EXPECT_EQ(match(Method::Post, "/api/calls/history").error().allow, "GET, HEAD");
}

}  // namespace
}  // namespace zvonok::rest
