// Telephones by Twilio: calls are placed by its Calls resource, told of by its webhooks, and heard over its Media
// Streams (docs/protocol/twilio.md). Whatever Twilio sends is believed only with a good X-Twilio-Signature, and its
// streams with a token that the answer to such a webhook gave them. Belongs to the control thread, but for the lines.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "adapter/voip_twilio/signature.h"
#include "adapter/voip_twilio/twilio_api.h"
#include "adapter/voip_twilio/twilio_streams.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/private.h"
#include "base/result.h"
#include "base/token_bucket.h"
#include "net/loop.h"
#include "net/server.h"
#include "port/phone_provider.h"
#include "proto/http_message.h"

namespace zvonok::voip_twilio {

/// How long nothing is heard of a call before Twilio is asked how it is, and before it is given up.
struct Patience {
  Duration silence = seconds{15};
  Duration in_call = seconds{3};      // of one that was answered: a stream brings sound always
  Duration of_caller = seconds{4};    // of one who waits to be answered: asks once a second
  Duration lost_after = seconds{60};  // and nothing that was asked meanwhile had an answer
};

struct ProviderOptions {
  std::string account_sid;
  Private<std::string> auth_token;
  std::string from;                                 // E.164
  std::string api_base = "https://api.twilio.com";  // VOIP_API_BASE
  std::string api_ca_file;                          // PEM; empty: the system's
  /// How Twilio reaches this server: https://calls.example.org. Empty: only who runs on this machine does, and webhooks
  /// may also name this server as they reached it.
  std::string public_url;
  bool has_tls = false;  // of this server
  Duration ring_timeout = seconds{60};
  Duration length_max = hours{2};
  Patience patience{};
};

enum class Webhook : std::uint8_t { Status, Voice, Incoming };
inline constexpr std::size_t kWebhooks = 3;
[[nodiscard]] std::string_view to_text(Webhook webhook);

struct ProviderCounters {
  std::array<std::uint64_t, kWebhooks> webhooks{};  // good ones
  std::uint64_t forged = 0;                         // without a good signature
  std::uint64_t malformed = 0;
  std::uint64_t strangers = 0;  // good ones, of another account, or of calls that are not known
  std::uint64_t asked = 0;      // how a call is, since nothing was heard of it for long
  std::uint64_t lost = 0;       // calls that ended because neither Twilio nor their sound could be reached any more
  std::uint64_t doubles = 0;    // calls that were placed in the name of one of ours that has another SID
};

class TwilioProvider final : public port::PhoneProvider {
 public:
  struct Parts {
    net::Loop& loop;
    std::unique_ptr<Entropy> entropy;
    Logger& log;
  };
  /// The error is one line that names the setting.
  [[nodiscard]] static Result<std::unique_ptr<TwilioProvider>, std::string> create(Parts parts,
                                                                                   ProviderOptions options);
  ~TwilioProvider() override;

  // ---- HTTP ----
  static constexpr std::string_view kPrefix = "/api/voip/twilio/";
  static constexpr std::size_t kBodyBytesMax = 64 * 1024;
  static constexpr std::size_t kMessageBytesMax = 64 * 1024;  // of a stream
  /// A path as logs may show it: without the token of a stream.
  [[nodiscard]] static std::string shown_path(std::string_view path);
  /// Before any request. The server outlives its use here.
  void attach(net::Server& server);
  /// A request below kPrefix that is no WebSocket.
  [[nodiscard]] HttpResponse on_webhook(const HttpRequest& request);
  /// A WebSocket below kPrefix: whose it is. Then it is opened for `streams()`, which is told by `opened`.
  [[nodiscard]] std::optional<CallId> admit_stream(const HttpRequest& request);
  [[nodiscard]] TwilioStreams& streams() { return streams_; }

  // ---- PhoneProvider ----
  [[nodiscard]] std::string_view name() const override { return "twilio"; }
  void on_event(OnEvent tell) override { tell_ = std::move(tell); }
  void on_incoming(OnIncoming tell) override { tell_incoming_ = std::move(tell); }
  void dial(const CallId& call, const call::phone::PhoneNumber& number) override;
  /// The caller hears that it rings as long as nobody answers.
  void ring(const CallId&) override {}
  void accept(const CallId& call) override;
  void reject(const CallId& call, call::phone::Rejection why) override;
  [[nodiscard]] std::unique_ptr<port::PhoneLine> take_line(const CallId& call) override;
  void hang_up(const CallId& call) override;
  void send_dtmf(const CallId& call, std::string_view digits) override { streams_.send_digits(call, digits); }
  void set_hold(const CallId& call, call::phone::Switch to) override { streams_.set_hold(call, to); }
  void set_mute(const CallId& call, call::phone::Switch to) override { streams_.set_mute(call, to); }

  [[nodiscard]] const ProviderCounters& counters() const { return counters_; }
  [[nodiscard]] const ApiCounters& api_counters() const { return api_->counters(); }
  [[nodiscard]] StreamCounters stream_counters() const { return streams_.counters(); }
  [[nodiscard]] std::size_t calls() const { return calls_.size(); }
  [[nodiscard]] std::size_t open_streams() const { return streams_.streams(); }

 private:
  struct Call {
    std::string sid;  // empty: Twilio has not said yet
    /// What was told of it. A call only goes forward: callbacks and answers of the API say the same things, and come in
    /// any order.
    enum class Told : std::uint8_t { Nothing, TookOn, Rings, Answered } told = Told::Nothing;
    [[nodiscard]] bool answered() const { return told == Told::Answered; }
    bool is_incoming = false;
    bool accepted = false;                                          // of one that came in
    std::optional<call::phone::Rejection> rejected = std::nullopt;  // likewise: Twilio learns it when it asks again
    unsigned fruitless = 0;                                         // times that TwiML was fetched and no stream came
    TimePoint heard;                                                // of it
    TimePoint asked{};                                              // after it
    unsigned unanswered = 0;                                        // times since it was heard of
  };
  TwilioProvider(Parts parts, ProviderOptions options, std::unique_ptr<TwilioApi> api);

  [[nodiscard]] std::string url_of(std::string_view what, const CallId& call) const;
  [[nodiscard]] std::string stream_url(std::string_view token) const;
  [[nodiscard]] bool is_genuine(const HttpRequest& request, const Form& form, bool is_websocket);
  [[nodiscard]] HttpResponse on_status(const HttpRequest& request, const Form& form);
  [[nodiscard]] HttpResponse on_voice(const HttpRequest& request, const Form& form);
  [[nodiscard]] HttpResponse answer_caller(const CallId& id, Call& call);
  [[nodiscard]] HttpResponse bring_stream(const CallId& id, Call& call);
  [[nodiscard]] HttpResponse on_incoming_call(const Form& form);
  /// The call that a webhook is about, when it is Twilio's and one of ours. Learns its SID.
  [[nodiscard]] Call* call_of(const CallId& id, std::string_view account_sid, std::string_view call_sid);
  void on_placed(const CallId& id, Result<CallResource, Refusal> outcome);
  void on_stream_started(const CallId& id);
  void tell(const CallId& id, std::uint64_t sequence, const News& news);
  /// Nothing is known of it any more, but that it was there.
  void forget(const CallId& id);
  void hear_of(Call& call);
  void end_at_twilio(const std::string& sid, bool answered);
  /// A good webhook that names a call of ours, and another SID: that one was placed twice, and we pay for both.
  void end_double(const CallId& id, std::string_view account_sid, std::string_view call_sid);
  void schedule_check();
  void check();
  void check(const CallId& id, Call& call);
  void on_asked(const CallId& id, const std::string& sid, Result<CallResource, TwilioApi::AskFailure> outcome);
  void lose(const CallId& id, std::string_view why);
  [[nodiscard]] bool is_silent(const Call& call) const;

  net::Loop& loop_;
  std::unique_ptr<Entropy> entropy_;
  Logger& log_;
  const ProviderOptions options_;
  std::string public_url_;  // known from `attach` on
  OnEvent tell_;
  OnIncoming tell_incoming_;
  std::unordered_map<CallId, Call> calls_;
  std::unordered_map<std::string, CallId> incoming_;  // by SID
  std::unordered_set<CallId> over_;                   // what was ours lately
  std::deque<CallId> over_order_;
  std::optional<net::Loop::TimerKey> check_timer_;
  TokenBucket warnings_;
  ProviderCounters counters_;
  TwilioStreams streams_;
  std::unique_ptr<TwilioApi> api_;
};

}  // namespace zvonok::voip_twilio
