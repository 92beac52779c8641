// Phone calls over the API of a whole server, with the mock telephone company behind it.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "integration/server/phone_scene.h"

namespace zvonok::test {
namespace {

constexpr const char* kAnswers = "+491512345678";
constexpr const char* kBusy = "+15005550001";
constexpr const char* kCannotBeDialed = "+15005550003";
constexpr const char* kAnswersAtOnce = "+15005550008";
constexpr const char* kSaysNothing = "+15005550009";

TEST(Phone, AreCalledAndHungUpAsTheContractSays) {
  const TestNode node;
  const Person alice = node.person("alice");
  const json::value call = initiate(node, alice, kAnswers);
  EXPECT_EQ(call.at("status"), "connecting");
  EXPECT_TRUE(call.at("session_id").as_string().starts_with("sess_"));
  EXPECT_TRUE(call.at("sdp_offer").as_string().starts_with("v=0\r\n"));
  EXPECT_TRUE(std::string{call.at("sdp_offer").as_string()}.contains("a=candidate:"));
  const HttpReply ended = node.call(post("/api/calls/terminate", {{"call_id", id_of(call)}}, alice));
  EXPECT_EQ(ended.status, 200);
  EXPECT_EQ(json::parse(ended.body).at("status"), "canceled") << "nobody had answered";
  EXPECT_EQ(json::parse(ended.body).at("duration"), 0);
  const json::array history = node.await_history(alice, 1);
  EXPECT_EQ(history[0].at("call_id"), call.at("call_id"));
  EXPECT_EQ(history[0].at("kind"), "phone");
  EXPECT_EQ(history[0].at("phone_number"), kAnswers);
  EXPECT_EQ(history[0].at("status"), "canceled");
  const std::string log = node.log();
  for (const char* line :
       {"call initiated successfully", "call terminated successfully", "session added", "session removed"}) {
    EXPECT_TRUE(log.contains(line)) << line;
  }
  EXPECT_FALSE(log.contains(kAnswers)) << "numbers are masked";
}

TEST(Phone, ProgressIsStreamedUntilTheEnd) {
  const TestNode node;
  const Person alice = node.person("alice");
  Events all{node.port(), "/api/calls/events", alice};
  EXPECT_TRUE(all.header().contains("text/event-stream"));
  const json::value call = initiate(node, alice, kBusy);
  Events one{node.port(), "/api/calls/" + id_of(call) + "/events", alice};
  for (Events* events : {&all, &one}) {
    EXPECT_EQ(events->next().at("status"), "connecting");
    EXPECT_EQ(events->next().at("status"), "ringing");
    const json::value last = events->next();
    EXPECT_EQ(last.at("status"), "busy");
    EXPECT_EQ(last.at("cause"), "provider");
  }
  EXPECT_TRUE(one.next().is_null()) << "the stream of one call ends with it";
  Events late{node.port(), "/api/calls/" + id_of(call) + "/events", alice};
  EXPECT_EQ(late.next().at("status"), "busy");
  EXPECT_TRUE(late.next().is_null());
}

TEST(Phone, TonesHoldAndMuteAreForCallsInProgress) {
  const TestNode node;
  const Person alice = node.person("alice");
  const std::string ringing = id_of(initiate(node, alice, kAnswers));
  const HttpReply early = node.call(post("/api/calls/" + ringing + "/dtmf", {{"digits", "1"}}, alice));
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(json::parse(early.body).at("code"), "wrong_status");
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", ringing}}, alice)).status, 200);

  const std::string id = id_of(initiate(node, alice, kAnswersAtOnce));
  Events events{node.port(), "/api/calls/" + id + "/events", alice};
  while (events.next().at("status") != "in_progress") continue;
  EXPECT_EQ(node.call(post("/api/calls/" + id + "/dtmf", {{"digits", "12#"}}, alice)).status, 200);
  const HttpReply held = node.call(post("/api/calls/" + id + "/hold", {{"hold", true}}, alice));
  EXPECT_EQ(json::parse(held.body).at("on_hold"), true) << held.body;
  EXPECT_EQ(events.next().at("on_hold"), true);
  const HttpReply muted = node.call(post("/api/calls/" + id + "/mute", {}, alice));
  EXPECT_EQ(json::parse(muted.body).at("muted"), true);
  const HttpReply over = node.call(post("/api/calls/terminate", {{"call_id", id}}, alice));
  EXPECT_EQ(json::parse(over.body).at("status"), "completed");
  const HttpReply twice = node.call(post("/api/calls/terminate", {{"call_id", id}}, alice));
  EXPECT_EQ(twice.status, 409);
  EXPECT_EQ(json::parse(twice.body).at("call").at("status"), "completed") << twice.body;
}

TEST(Phone, OthersCallsAndUnknownOnesAreRefused) {
  const TestNode node;
  const Person alice = node.person("alice");
  const Person mallory = node.person("mallory");
  const std::string id = id_of(initiate(node, alice, kAnswers));
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id}}, mallory)).status, 403);
  EXPECT_TRUE(node.log().contains("unauthorized call termination attempt"));
  EXPECT_EQ(node.call(get("/api/calls/" + id, mallory)).status, 403);
  EXPECT_EQ(node.call(get("/api/calls/" + id + "/events", mallory)).status, 403);
  EXPECT_EQ(node.call(get("/api/calls/" + id, alice)).status, 200);
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id}}, alice)).status, 200);
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id}}, mallory)).status, 403) << "over, and not theirs";
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", "no-such"}}, alice)).status, 404);
  const HttpReply bad = node.call(post("/api/calls/initiate", {{"phone_number", "491512345678"}}, alice));
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.header("content-type"), "application/problem+json");
  EXPECT_EQ(node.call(post("/api/calls/initiate", {{"phone_number", kAnswers}}, Person{})).status, 401);
}

TEST(Phone, AProviderThatRefusesIs503AndInTheBooks) {
  const TestNode node{[](app::Config& config) { config.voip_dial_timeout = milliseconds{200}; }};
  const Person alice = node.person("alice");
  for (const char* number : {kCannotBeDialed, kSaysNothing}) {
    const HttpReply reply = node.call(post("/api/calls/initiate", {{"phone_number", number}}, alice));
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(json::parse(reply.body).at("code"), "provider_failed");
    EXPECT_EQ(json::parse(reply.body).at("call").at("status"), "failed");
  }
  EXPECT_TRUE(node.log().contains("failed to initiate voip call"));
  for (const json::value& call : node.await_history(alice, 2)) EXPECT_EQ(call.at("status"), "failed");
  EXPECT_EQ(node.metric("zvonok_phone_provider_errors_total{kind=\"bad_number\"}"), 1);
}

TEST(Phone, AKeyMakesARepeatedRequestHarmless) {
  const TestNode node;
  const Person alice = node.person("alice");
  const HttpCall request =
      post("/api/calls/initiate", {{"phone_number", kAnswers}}, alice, {{"Idempotency-Key", "one-call"}});
  const HttpReply first = node.call(request);
  const HttpReply again = node.call(request);
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(first.body, again.body);
  EXPECT_EQ(again.header("idempotent-replayed"), "true");
  EXPECT_EQ(node.await_history(alice, 1).size(), 1U);
  const HttpCall other =
      post("/api/calls/initiate", {{"phone_number", kBusy}}, alice, {{"Idempotency-Key", "one-call"}});
  EXPECT_EQ(node.call(other).status, 422);
}

TEST(Phone, OfManyWhoEndACallAtOnceOneDoes) {
  const TestNode node;
  const Person alice = node.person("alice");
  const std::string id = id_of(initiate(node, alice, kAnswers));
  std::atomic<int> done = 0;
  std::atomic<int> too_late = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const HttpReply reply = node.call(post("/api/calls/terminate", {{"call_id", id}}, alice));
      ++(reply.status == 200 ? done : too_late);
      if (reply.status != 200) {
        EXPECT_EQ(reply.status, 409) << reply.body;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(too_late, 7);
  EXPECT_EQ(node.await_history(alice, 1).size(), 1U);
}

TEST(Phone, RatesAreLimitedAndSaidInEveryAnswer) {
  const TestNode node{[](app::Config& config) {
    config.voip_initiations_per_minute = 2;
    config.voip_deny_prefixes = {"+49"};
  }};
  const Person alice = node.person("alice");
  const HttpCall request = post("/api/calls/initiate", {{"phone_number", kAnswers}}, alice);
  // A minute may begin between two of them, so four attempts meet the limit at least once.
  bool limited = false;
  for (int i = 0; i < 4; ++i) {
    const HttpReply reply = node.call(request);
    EXPECT_EQ(reply.header("ratelimit-limit"), "2");
    EXPECT_FALSE(reply.header("ratelimit-reset").empty());
    if (reply.status == 429) {
      limited = true;
      EXPECT_FALSE(reply.header("retry-after").empty());
    } else {
      EXPECT_EQ(reply.status, 403) << "the list of prefixes";
    }
  }
  EXPECT_TRUE(limited);
}

TEST(Phone, TheHistoryIsOneOfTheLimitedRequests) {
  const TestNode node{[](app::Config& config) { config.voip_requests_per_minute = 2; }};
  const Person alice = node.person("alice");
  bool limited = false;
  for (int i = 0; i < 5; ++i) {  // a minute may begin between two of them
    const HttpReply reply = node.call(get(i == 2 ? "/api/calls/history?limit=x" : "/api/calls/history", alice));
    EXPECT_EQ(reply.header("ratelimit-limit"), "2");
    EXPECT_FALSE(reply.header("ratelimit-remaining").empty());
    limited = limited || reply.status == 429;
  }
  EXPECT_TRUE(limited);
}

TEST(Phone, TheServerHasSoManyAtOnce) {
  const TestNode node{[](app::Config& config) { config.voip_calls_max = 1; }};
  (void)initiate(node, node.person("alice"), kAnswers);
  const HttpReply full = node.call(post("/api/calls/initiate", {{"phone_number", kAnswers}}, node.person("bob")));
  EXPECT_EQ(full.status, 503) << full.body;
  EXPECT_EQ(json::parse(full.body).at("code"), "unavailable");
}

TEST(Phone, DearNumbersAreDeniedUnlessTheyAreNamed) {
  for (const bool named : {false, true}) {
    const TestNode node{[&](app::Config& config) {
      if (named) config.voip_allow_prefixes = {"+870"};
    }};
    const HttpReply reply =
        node.call(post("/api/calls/initiate", {{"phone_number", "+870773123456"}}, node.person("alice")));
    EXPECT_EQ(reply.status, named ? 201 : 403) << reply.body;
  }
}

TEST(Phone, ACallWithoutABrowserEnds) {
  const TestNode node{[](app::Config& config) { config.voip_browser_timeout = milliseconds{300}; }};
  const Person alice = node.person("alice");
  Events events{node.port(), "/api/calls/events", alice};
  (void)initiate(node, alice, kAnswersAtOnce);
  json::value last = events.next();
  while (last.at("status") != "completed") last = events.next();
  EXPECT_EQ(last.at("cause"), "browser_lost");
  EXPECT_EQ(last.at("reason"), "disconnected");
}

TEST(Phone, TheHistoryIsFilteredAndPaged) {
  const TestNode node;
  const Person alice = node.person("alice");
  for (int i = 0; i < 3; ++i) {
    const std::string id = id_of(initiate(node, alice, kAnswers));
    EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id}}, alice)).status, 200);
  }
  (void)node.call(post("/api/calls/initiate", {{"phone_number", kCannotBeDialed}}, alice));
  const auto page = [&](const std::string& query) {
    return json::parse(node.call(get("/api/calls/history?" + query, alice)).body);
  };
  EXPECT_EQ(page("status=canceled").at("calls").as_array().size(), 3U);
  EXPECT_EQ(page("status=failed&kind=phone").at("calls").as_array().size(), 1U);
  EXPECT_EQ(page("kind=pair").at("calls").as_array().size(), 0U);
  const json::value first = page("status=canceled&limit=2");
  EXPECT_EQ(first.at("calls").as_array().size(), 2U);
  const json::value rest = page("status=canceled&limit=2&after=" + std::string{first.at("next").as_string()});
  EXPECT_EQ(rest.at("calls").as_array().size(), 1U);
  EXPECT_TRUE(rest.at("next").is_null());
  EXPECT_EQ(node.call(get("/api/calls/history?status=gone", alice)).status, 400);
}

}  // namespace
}  // namespace zvonok::test
