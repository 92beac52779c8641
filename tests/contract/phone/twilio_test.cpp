// What is Twilio's own: calls that were placed twice, and a Twilio that is gone.
#include <map>
#include <string>

#include "adapter/voip_twilio/twilio_provider.h"
#include "contract/phone/fixture.h"
#include "net/server.h"
#include "net/system_entropy.h"
#include "support/fake_twilio.h"

namespace zvonok::test {
namespace {

using namespace call::phone;
using voip_twilio::TwilioProvider;

class Twilio : public testing::Test, private net::HttpHandler {
 protected:
  Twilio() {
    net::ServerOptions options;
    options.bind_address = "127.0.0.1";
    options.port = 0;
    auto server = net::Server::create(options, {world_.loop(), *this, entropy_, log_});
    server_ = std::move(*server);
    auto provider = TwilioProvider::create(
        {.loop = world_.loop(), .entropy = std::make_unique<net::SystemEntropy>(), .log = log_},
        {.account_sid = twilio_.options().account_sid,
         .auth_token = Private<std::string>{twilio_.options().auth_token},
         .from = "+15005550100",
         .api_base = twilio_.base(),
         .api_ca_file = {},
         .public_url = base(),
         .patience = {
             .silence = seconds{1}, .in_call = seconds{1}, .of_caller = seconds{3}, .lost_after = seconds{4}}});
    provider_ = std::move(*provider);
    provider_->attach(*server_);
    provider_->on_event([this](const ProviderEvent& event) {
      if (std::holds_alternative<Answered>(event.what)) ++answered_;
      if (const auto* over = std::get_if<Over>(&event.what)) over_.push_back(*over);
    });
    provider_->on_incoming([this](const IncomingCall&) { return CallId{"in-" + std::to_string(++incoming_)}; });
  }
  ~Twilio() override {
    talker_.reset();
    server_->loop().discard_posted();
    server_.reset();
  }

  [[nodiscard]] std::string base() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  void dial() {
    provider_->dial(call_, PhoneNumber{"+491512345678"});
    talker_ = std::make_unique<Talker>(media_, provider_->take_line(call_));
  }

  PhoneWorld world_;
  MediaThread media_;
  KeptLines log_;
  FakeTwilio twilio_;
  net::SystemEntropy entropy_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<TwilioProvider> provider_;
  std::unique_ptr<Talker> talker_;
  const CallId call_{"out"};
  int answered_ = 0;
  int incoming_ = 0;
  std::vector<Over> over_;

 private:
  void on_request(HttpRequest request, net::Responder respond) override {
    if (!request.is_websocket) return respond.send(provider_->on_webhook(request));
    const auto call = provider_->admit_stream(request);
    if (!call) return respond.send({.status = 403, .headers = {}, .body = {}});
    const ConnectionId id = respond.connection();
    if (respond.upgrade(provider_->streams())) provider_->streams().opened(id, *call);
  }
};

TEST_F(Twilio, CallThatWasPlacedTwiceIsEndedOnce) {
  twilio_.set(FakeTwilio::Rule::PlacedTwice);
  dial();
  ASSERT_TRUE(world_.wait([&] { return answered_ == 1 && provider_->counters().doubles > 0; }));
  EXPECT_TRUE(world_.wait([&] { return twilio_.seen().under_way == 1; }));
  talker_->speak(1000);
  EXPECT_TRUE(world_.wait([&] { return talker_->hears(1000) > 0.8; })) << "ours goes on";
  EXPECT_TRUE(over_.empty());
  provider_->hang_up(call_);
  EXPECT_TRUE(world_.wait([&] { return twilio_.seen().under_way == 0; }));
}

TEST_F(Twilio, AStallOfTheConnectionIsNoDelayForTheRestOfTheCall) {
  dial();
  ASSERT_TRUE(world_.wait([&] { return answered_ == 1; }));
  talker_->speak(1000);
  ASSERT_TRUE(world_.wait([&] { return talker_->hears(1000) > 0.8 && twilio_.seen().marks > 2; }));
  twilio_.stall(std::chrono::milliseconds{1500});
  ASSERT_TRUE(world_.wait([&] { return twilio_.seen().waiting_ms > 1000; }));
  EXPECT_TRUE(world_.wait([&] { return twilio_.seen().waiting_ms < 200; }));
  EXPECT_GT(provider_->stream_counters().left_out, 40U);
  EXPECT_TRUE(world_.wait([&] { return talker_->hears(1000) > 0.8; }));
}

TEST_F(Twilio, CallThatTwilioKnowsNothingOfIsOver) {
  dial();
  ASSERT_TRUE(world_.wait([&] { return answered_ == 1; }));
  twilio_.vanish(404);
  ASSERT_TRUE(world_.wait([&] { return !over_.empty(); }));
  EXPECT_EQ(over_[0].how, Over::How::Failed);
  EXPECT_EQ(over_[0].fault, ProviderFault::Unreachable);
  EXPECT_EQ(provider_->calls(), 0U);
}

TEST_F(Twilio, CallIsGivenUpWhenNothingCanBeReached) {
  dial();
  ASSERT_TRUE(world_.wait([&] { return answered_ == 1; }));
  twilio_.vanish(503);
  world_.pass(seconds{2});
  EXPECT_TRUE(over_.empty()) << "for a while it may come back";
  ASSERT_TRUE(world_.wait([&] { return !over_.empty(); }));
  EXPECT_EQ(over_[0].fault, ProviderFault::Unreachable);
  EXPECT_EQ(provider_->calls(), 0U);
  EXPECT_EQ(provider_->counters().lost, 1U);
}

TEST_F(Twilio, CallerWhoWasRefusedAndNeverAsksAgainIsForgotten) {
  twilio_.call_in(base() + "/api/voip/twilio/incoming", "+491512345678", "+15005550100");
  ASSERT_TRUE(world_.wait([&] { return incoming_ == 1; }));
  twilio_.vanish(401);
  provider_->reject(CallId{"in-1"}, Rejection::Declined);
  EXPECT_TRUE(world_.wait([&] { return provider_->calls() == 0; }));
  EXPECT_TRUE(over_.empty()) << "nothing is told after a refusal";
}

TEST_F(Twilio, TokensOfStreamsAreInNoLog) {
  // With another idea of our address than Twilio has, no signature is good.
  EXPECT_EQ(TwilioProvider::shown_path("/api/voip/twilio/stream/secret"), "/api/voip/twilio/stream/");
  EXPECT_EQ(TwilioProvider::shown_path("/api/voip/twilio/voice"), "/api/voip/twilio/voice");
  HttpRequest request;
  request.is_websocket = true;
  request.path = request.target = "/api/voip/twilio/stream/secret";
  request.headers = {{"X-Twilio-Signature", "wrong"}};
  EXPECT_FALSE(provider_->admit_stream(request).has_value());
  EXPECT_NE(log_.text().find("/stream/"), std::string::npos) << log_.text();
  EXPECT_EQ(log_.text().find("secret"), std::string::npos) << log_.text();
}

}  // namespace
}  // namespace zvonok::test
