// Twilio: the adapter, a server for its webhooks on the test's loop, and a Twilio of our own.
#include "adapter/voip_twilio/twilio_provider.h"
#include "base/check.h"
#include "contract/phone/fixture.h"
#include "net/server.h"
#include "net/system_entropy.h"
#include "support/fake_twilio.h"

namespace zvonok::test {
namespace {

using voip_twilio::TwilioProvider;

FakeTwilio::Rule rule_of(Telephone telephone) {
  switch (telephone) {
    case Telephone::Answers: return FakeTwilio::Rule::Answers;
    case Telephone::AnswersAndLeaves: return FakeTwilio::Rule::AnswersAndLeaves;
    case Telephone::RingsForever: return FakeTwilio::Rule::RingsForever;
    case Telephone::Busy: return FakeTwilio::Rule::Busy;
    case Telephone::NoSuchNumber: return FakeTwilio::Rule::NoSuchNumber;
    case Telephone::Fails: return FakeTwilio::Rule::Fails;
    case Telephone::Unreachable: return FakeTwilio::Rule::Breaks;
  }
  return FakeTwilio::Rule::Answers;
}

class TwilioSubject final : public PhoneSubject, private net::HttpHandler {
 public:
  TwilioSubject(Telephone telephone, SubjectParts parts) {
    twilio_.set(rule_of(telephone));
    net::ServerOptions options;
    options.bind_address = "127.0.0.1";
    options.port = 0;
    auto server = net::Server::create(options, {parts.loop, *this, entropy_, parts.log});
    ZVONOK_CHECK(server.has_value());
    server_ = std::move(*server);
    auto provider = TwilioProvider::create(
        {.loop = parts.loop, .entropy = std::make_unique<net::SystemEntropy>(), .log = parts.log},
        {.account_sid = twilio_.options().account_sid,
         .auth_token = Private<std::string>{twilio_.options().auth_token},
         .from = "+15005550100",
         .api_base = twilio_.base(),
         .api_ca_file = {},
         .public_url = "http://127.0.0.1:" + std::to_string(server_->port()),
         .patience = {.in_call = seconds{1}, .of_caller = seconds{2}}});
    ZVONOK_CHECK(provider.has_value());
    provider_ = std::move(*provider);
    provider_->attach(*server_);
  }
  ~TwilioSubject() override {
    server_->loop().discard_posted();
    server_.reset();
  }

  [[nodiscard]] port::PhoneProvider& provider() override { return *provider_; }
  [[nodiscard]] call::phone::PhoneNumber number() const override { return call::phone::PhoneNumber{"+491512345678"}; }
  [[nodiscard]] bool has_sound() const override { return true; }
  void call_in(Caller caller) override {
    twilio_.call_in("http://127.0.0.1:" + std::to_string(server_->port()) + "/api/voip/twilio/incoming",
                    "+491512345678", "+4930999888",
                    caller == Caller::Talks    ? FakeTwilio::Caller::Talks
                    : caller == Caller::Leaves ? FakeTwilio::Caller::Leaves
                                               : FakeTwilio::Caller::GivesUp);
  }
  [[nodiscard]] std::optional<std::string> digits_heard() override { return twilio_.seen().digits; }
  [[nodiscard]] std::optional<std::size_t> calls_there() override { return twilio_.seen().under_way; }

 private:
  void on_request(HttpRequest request, net::Responder respond) override {
    if (!request.is_websocket) return respond.send(provider_->on_webhook(request));
    const auto call = provider_->admit_stream(request);
    if (!call) return respond.send({.status = 403, .headers = {}, .body = {}});
    const ConnectionId id = respond.connection();
    if (respond.upgrade(provider_->streams())) provider_->streams().opened(id, *call);
  }

  FakeTwilio twilio_;
  net::SystemEntropy entropy_;
  std::unique_ptr<TwilioProvider> provider_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace

std::unique_ptr<PhoneSubject> make_twilio_subject(Telephone telephone, SubjectParts parts) {
  return std::make_unique<TwilioSubject>(telephone, parts);
}

}  // namespace zvonok::test
