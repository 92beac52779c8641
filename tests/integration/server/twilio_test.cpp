// Phone calls by Twilio over the API of a whole server, with a Twilio of our own at the other end.
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "adapter/store_sql/store_sql.h"
#include "app/setup.h"
#include "support/fake_twilio.h"
#include "support/test_node.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;
using Rule = FakeTwilio::Rule;
using Callbacks = FakeTwilio::Callbacks;

constexpr const char* kNumber = "+491512345678";
constexpr Duration kPatience = seconds{20};

/// A server, its Twilio, and somebody who calls.
class TwilioCalls : public testing::Test {
 protected:
  void SetUp() override { start({}); }

  void start(const TestNode::Tweak& more) {
    node_.reset();
    node_ = std::make_unique<TestNode>([&](app::Config& config) {
      config.voip_provider = "twilio";
      config.voip_account_sid = twilio_.options().account_sid;
      config.voip_auth_token = Private<std::string>{twilio_.options().auth_token};
      config.voip_from_number = "+15005550100";
      config.voip_api_base = twilio_.base();
      if (more) more(config);
    });
    alice_ = node_->person("alice");
  }

  HttpReply post(const std::string& target, const json::object& body) const {
    return node_->call(
        {.method = "POST", .target = target, .headers = {}, .body = json::serialize(body), .token = alice_.token});
  }
  json::value show(const std::string& id) const {
    const HttpReply reply =
        node_->call({.method = "GET", .target = "/api/calls/" + id, .headers = {}, .body = {}, .token = alice_.token});
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json::parse(reply.body);
  }
  std::string initiate() const {
    const HttpReply reply = post("/api/calls/initiate", {{"phone_number", kNumber}});
    EXPECT_EQ(reply.status, 201) << reply.body;
    return std::string{json::parse(reply.body).at("call_id").as_string()};
  }
  HttpReply terminate(const std::string& id) const { return post("/api/calls/terminate", {{"call_id", id}}); }

  static bool wait(const std::function<bool()>& done) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(milliseconds{20});
    }
    return true;
  }
  bool becomes(const std::string& id, const std::string& status) const {
    return wait([&] { return show(id).at("status").as_string() == status; });
  }
  bool nobody_is_there() const {
    return wait([&] { return twilio_.seen().under_way == 0; });
  }

  FakeTwilio twilio_;
  std::unique_ptr<TestNode> node_;
  Person alice_;
};

TEST_F(TwilioCalls, AreMadeAnsweredAndEnded) {
  const std::string id = initiate();
  ASSERT_TRUE(becomes(id, "in_progress"));
  EXPECT_TRUE(wait([&] { return twilio_.seen().streams == 1; }));
  node_->await_metric("zvonok_twilio_sounds_total{kind=\"from_telephone\"}", [](double value) { return value > 10; });
  EXPECT_EQ(post("/api/calls/" + id + "/dtmf", {{"digits", "42#"}}).status, 200);
  EXPECT_TRUE(wait([&] { return twilio_.seen().digits == "42#"; })) << twilio_.seen().digits;
  EXPECT_EQ(post("/api/calls/" + id + "/hold", {{"hold", true}}).status, 200);
  EXPECT_TRUE(wait([&] { return twilio_.seen().clears == 1; }));
  const HttpReply over = terminate(id);
  EXPECT_EQ(json::parse(over.body).at("status"), "completed") << over.body;
  EXPECT_TRUE(nobody_is_there());
  EXPECT_EQ(twilio_.seen().completed, 1U);
  const json::array history = node_->await_history(alice_, 1);
  EXPECT_EQ(history[0].at("status"), "completed");
  const std::string log = node_->log();
  EXPECT_FALSE(log.contains(kNumber)) << "numbers are masked";
  EXPECT_FALSE(log.contains(twilio_.options().auth_token));
}

TEST_F(TwilioCalls, EndAsTheTelephoneEndsThem) {
  const std::vector<std::pair<Rule, std::string>> ends{{Rule::Busy, "busy"},
                                                       {Rule::NoAnswer, "no_answer"},
                                                       {Rule::Fails, "failed"},
                                                       {Rule::AnswersAndLeaves, "completed"}};
  for (const Callbacks callbacks : {Callbacks::InOrder, Callbacks::Twice, Callbacks::Backwards}) {
    twilio_.set(callbacks);
    for (const auto& [rule, status] : ends) {
      twilio_.set(rule);
      EXPECT_TRUE(becomes(initiate(), status)) << status << " " << static_cast<int>(callbacks);
    }
  }
  for (const json::value& record : node_->await_history(alice_, 12)) EXPECT_FALSE(record.at("end_time").is_null());
}

TEST_F(TwilioCalls, AreRefusedAsTwilioRefusesThem) {
  const std::vector<std::pair<Rule, std::string>> refusals{{Rule::Unauthorized, "unauthorized"},
                                                           {Rule::RateLimited, "rate_limited"},
                                                           {Rule::Breaks, "unreachable"},
                                                           {Rule::NoSuchNumber, "bad_number"}};
  for (const auto& [rule, kind] : refusals) {
    twilio_.set(rule);
    const HttpReply reply = post("/api/calls/initiate", {{"phone_number", kNumber}});
    EXPECT_EQ(reply.status, 503) << kind << reply.body;
    EXPECT_EQ(json::parse(reply.body).at("code"), "provider_failed");
    EXPECT_EQ(json::parse(reply.body).at("call").at("status"), "failed");
    EXPECT_EQ(node_->metric("zvonok_phone_provider_errors_total{kind=\"" + kind + "\"}"), 1) << kind;
  }
  EXPECT_EQ(twilio_.seen().placed, 4U) << "what was refused is not asked again";
  EXPECT_EQ(twilio_.seen().under_way, 0U);
  EXPECT_TRUE(node_->log().contains("failed to initiate voip call"));
}

TEST_F(TwilioCalls, AreNotLeftBehindByASlowAnswer) {
  start([](app::Config& config) { config.voip_dial_timeout = milliseconds{500}; });
  twilio_.set(Rule::Slow);
  EXPECT_EQ(post("/api/calls/initiate", {{"phone_number", kNumber}}).status, 503);
  EXPECT_EQ(twilio_.seen().under_way, 1U);
  EXPECT_TRUE(nobody_is_there()) << "hung up as soon as Twilio said what it is called";
  EXPECT_EQ(twilio_.seen().answered, 0U);
  twilio_.set(Rule::NeverAnswers);
  EXPECT_EQ(post("/api/calls/initiate", {{"phone_number", kNumber}}).status, 503);
}

TEST_F(TwilioCalls, AreAnsweredThoughEveryCallbackIsLost) {
  twilio_.set(Callbacks::Lost);
  const std::string id = initiate();
  ASSERT_TRUE(becomes(id, "in_progress")) << "TwiML was fetched, and a stream came";
  twilio_.hang_up_all();
  EXPECT_TRUE(becomes(id, "completed")) << "Twilio was asked, as no sound came any more";
}

TEST_F(TwilioCalls, BelieveNoForgedWebhook) {
  twilio_.set(Callbacks::Forged);
  const std::string id = initiate();
  EXPECT_TRUE(wait([&] { return twilio_.seen().forbidden >= 3; }));
  EXPECT_EQ(show(id).at("status"), "connecting");
  node_->await_metric("zvonok_twilio_webhooks_refused_total{kind=\"forged\"}", [](double value) { return value >= 3; });
  EXPECT_EQ(terminate(id).status, 200);

  const auto status = [&](const std::string& method, const std::string& target, const std::string& body) {
    return node_
        ->call({.method = method,
                .target = "/api/voip/twilio/" + target,
                .headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"X-Twilio-Signature", "AAAA"}},
                .body = body,
                .token = {}})
        .status;
  };
  for (const char* target : {"status", "voice", "incoming"}) {
    EXPECT_EQ(status("POST", std::string{target} + "?call=" + id, "CallSid=CA1"), 403) << target;
    EXPECT_EQ(status("GET", target, ""), 405) << target;
    EXPECT_EQ(status("POST", target, "CallSid=%2"), 400) << target;
  }
  EXPECT_EQ(status("POST", "other", ""), 404);
  EXPECT_EQ(status("POST", "status", std::string(100'000, 'a')), 413);
  EXPECT_EQ(status("GET", "stream/AAAA", ""), 404) << "not a WebSocket";
  EXPECT_THROW(
      (WsClient{node_->port(), WsOpenOptions{.target = "/api/voip/twilio/stream/AAAA", .headers = {}, .connect = {}}}),
      std::exception);
}

TEST_F(TwilioCalls, GetTheirSoundBackWhenAStreamBreaks) {
  twilio_.set(Rule::DropsStream);
  const std::string id = initiate();
  ASSERT_TRUE(becomes(id, "in_progress"));
  EXPECT_TRUE(wait([&] { return twilio_.seen().streams == 2; }));
  EXPECT_EQ(node_->metric("zvonok_twilio_streams"), 1);
  EXPECT_EQ(post("/api/calls/" + id + "/dtmf", {{"digits", "9"}}).status, 200);
  EXPECT_TRUE(wait([&] { return twilio_.seen().digits == "9"; }));
  EXPECT_EQ(terminate(id).status, 200);
  EXPECT_TRUE(nobody_is_there());
}

TEST_F(TwilioCalls, EndWhenTwilioCannotBringTheirSound) {
  twilio_.set(Rule::RefusesStream);
  const std::string id = initiate();
  EXPECT_TRUE(becomes(id, "completed"));
  EXPECT_EQ(twilio_.seen().streams, 5U) << "it was tried";
  EXPECT_TRUE(nobody_is_there());
}

/// Calls that come in, for alice.
class TwilioCallers : public TwilioCalls {
 protected:
  void SetUp() override {
    start({});
    app::Config config;
    config.data_dir = node_->folder() + "/data";
    const auto options = app::store_options(config);
    ASSERT_TRUE(options.has_value());
    auto store = store_sql::StoreSql::create(*options);
    ASSERT_TRUE(store.has_value());
    ASSERT_TRUE((*store)->put_phone_number({.number = kOurs, .user = UserId{alice_.id}, .since = {}}).has_value());
    online_ = std::make_unique<WsClient>(node_->connect(alice_));
  }
  /// The id of the call that rings.
  std::string call_in(std::size_t nth = 1) {
    twilio_.call_in("http://127.0.0.1:" + std::to_string(node_->port()) + "/api/voip/twilio/incoming", kNumber, kOurs);
    const json::array history = node_->await_history(alice_, nth);
    return std::string{history.at(0).at("call_id").as_string()};
  }
  static constexpr const char* kOurs = "+15005550100";
  std::unique_ptr<WsClient> online_;
};

TEST_F(TwilioCallers, RingAndAreHeard) {
  const std::string id = call_in();
  EXPECT_EQ(show(id).at("status"), "ringing");
  EXPECT_EQ(show(id).at("phone_number"), kNumber);
  EXPECT_EQ(post("/api/calls/" + id + "/accept", {}).status, 200);
  ASSERT_TRUE(becomes(id, "in_progress"));
  EXPECT_EQ(twilio_.seen().streams, 1U);
  EXPECT_EQ(post("/api/calls/" + id + "/dtmf", {{"digits", "1"}}).status, 200);
  EXPECT_TRUE(wait([&] { return twilio_.seen().digits == "1"; }));
  EXPECT_EQ(terminate(id).status, 200);
  EXPECT_TRUE(nobody_is_there());
  EXPECT_EQ(twilio_.seen().completed, 1U);
}

TEST_F(TwilioCallers, AreTurnedAwayOrGiveUp) {
  const std::string declined = call_in();
  EXPECT_EQ(post("/api/calls/" + declined + "/reject", {}).status, 200);
  EXPECT_TRUE(nobody_is_there());
  EXPECT_EQ(twilio_.seen().rejected.size(), 1U);
  const std::string given_up = call_in(2);
  twilio_.hang_up_all();
  EXPECT_TRUE(wait([&] { return show(given_up).at("status") != "ringing"; }))
      << "no callback says so: Twilio was asked";
  EXPECT_EQ(twilio_.seen().answered, 0U) << "nobody has paid for a call that was not taken";
  twilio_.call_in("http://127.0.0.1:" + std::to_string(node_->port()) + "/api/voip/twilio/incoming", kNumber,
                  "+15005550199");
  EXPECT_TRUE(wait([&] { return twilio_.seen().rejected.size() == 2U; })) << "nobody has that number";
  EXPECT_TRUE(nobody_is_there());
}

TEST_F(TwilioCalls, AreEndedWhenTheServerStops) {
  const std::string ringing = initiate();
  ASSERT_TRUE(becomes(ringing, "in_progress"));
  node_->begin_stop();
  node_->join();
  EXPECT_TRUE(nobody_is_there()) << "no telephone is left in a call with nobody";
}

}  // namespace
}  // namespace zvonok::test
