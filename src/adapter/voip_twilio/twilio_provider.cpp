#include "adapter/voip_twilio/twilio_provider.h"

#include <algorithm>
#include <utility>

namespace zvonok::voip_twilio {
namespace {

using call::phone::Answered;
using call::phone::Over;
using call::phone::ProviderEvent;
using call::phone::ProviderFault;
using call::phone::Rings;
using call::phone::TookOn;

constexpr std::size_t kOverMax = 10'000;
constexpr Duration kCheckInterval = seconds{1};
constexpr unsigned kUnansweredMax = 3;      // of a call that is given up
constexpr std::size_t kAsksAtOnceMax = 10;  // of each check, so that webhooks that don't come cost no more
constexpr seconds kRingMax{600};            // Twilio's own
constexpr seconds kLengthMax{24 * 3600};    // likewise
constexpr seconds kRingSlack{5};            // ours ends it first
constexpr seconds kLengthSlack{60};

template <class D>
seconds at_most(D wanted, seconds slack, seconds most) {
  return std::min(std::chrono::ceil<seconds>(wanted) + slack, most);
}

}  // namespace

Result<std::unique_ptr<TwilioProvider>, std::string> TwilioProvider::create(Parts parts, ProviderOptions options) {
  // Not only what Twilio's look like: other servers speak its language.
  if (!is_harmless_sid(options.account_sid)) {
    return fail(std::string{"VOIP_ACCOUNT_SID must be set for Twilio: AC and 32 digits, as its console shows it"});
  }
  if (options.auth_token.reveal().empty()) return fail(std::string{"VOIP_AUTH_TOKEN must be set for Twilio"});
  if (!call::phone::parse_number(options.from)) {
    return fail(std::string{"VOIP_FROM_NUMBER must be a number of the Twilio account, such as +1234567890"});
  }
  while (options.public_url.ends_with('/')) options.public_url.pop_back();
  if (!options.public_url.empty() && !http_client::is_web_url(options.public_url)) {
    return fail(std::string{"PUBLIC_URL must look like https://calls.example.org"});
  }
  auto api = TwilioApi::create(parts.loop, parts.log,
                               {.base = options.api_base,
                                .account_sid = options.account_sid,
                                .auth_token = options.auth_token,
                                .ca_file = options.api_ca_file});
  if (!api) return fail(api.error());
  return std::unique_ptr<TwilioProvider>{new TwilioProvider{std::move(parts), std::move(options), std::move(*api)}};
}

TwilioProvider::TwilioProvider(Parts parts, ProviderOptions options, std::unique_ptr<TwilioApi> api)
    : loop_{parts.loop},
      entropy_{std::move(parts.entropy)},
      log_{parts.log},
      options_{std::move(options)},
      public_url_{options_.public_url},
      warnings_{{.burst = 5, .per_second = 0.2}, parts.loop.now().mono},
      streams_{parts.loop,
               *entropy_,
               {.is_of_call =
                    [this](const CallId& id, const StreamStarts& start) {
                      // A stream need not say whose it is: its token did.
                      const bool account = start.account_sid.empty() || start.account_sid == options_.account_sid;
                      const auto call = calls_.find(id);
                      return account && call != calls_.end() &&
                             (start.call_sid.empty() || call->second.sid.empty() || start.call_sid == call->second.sid);
                    },
                .on_started = [this](const CallId& id) { on_stream_started(id); },
                .on_heard =
                    [this](const CallId& id) {
                      if (const auto call = calls_.find(id); call != calls_.end()) hear_of(call->second);
                    },
                .on_ended = [](const CallId&) {}}},
      api_{std::move(api)} {}

TwilioProvider::~TwilioProvider() {
  if (check_timer_) loop_.cancel(*check_timer_);
}

void TwilioProvider::attach(net::Server& server) {
  streams_.attach(server);
  if (!public_url_.empty()) return;
  public_url_ = (options_.has_tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(server.port());
  log_.warn("PUBLIC_URL is not set: Twilio can't reach this server", {{"used", public_url_}});
}

// ---- PhoneProvider --------------------------------------------------------------------------------------------------

void TwilioProvider::dial(const CallId& call, const call::phone::PhoneNumber& number) {
  if (!calls_.emplace(call, Call{.sid = {}, .heard = loop_.now().mono}).second) return;
  streams_.open_call(call);
  api_->place({.to = number.value(),
               .from = options_.from,
               .voice_url = url_of("voice", call),
               .status_url = url_of("status", call),
               .ring = at_most(options_.ring_timeout, kRingSlack, kRingMax),
               .length_max = at_most(options_.length_max, kLengthSlack, kLengthMax)},
              [this, call](Result<CallResource, Refusal> outcome) { on_placed(call, std::move(outcome)); });
  schedule_check();
}

void TwilioProvider::on_placed(const CallId& id, Result<CallResource, Refusal> outcome) {
  const auto call = calls_.find(id);
  if (!outcome) {
    if (call != calls_.end()) tell(id, 0, Over{.how = Over::How::Failed, .fault = outcome.error().fault});
    return;
  }
  if (call == calls_.end()) {
    // It was hung up, or is over, before Twilio said its name.
    if (!std::holds_alternative<Over>(outcome->news)) end_at_twilio(outcome->sid, false);
    return;
  }
  if (!call->second.sid.empty() && call->second.sid != outcome->sid)
    return end_double(id, options_.account_sid, outcome->sid);
  call->second.sid = outcome->sid;
  hear_of(call->second);
  log_.debug("Twilio has the call", {{"call", id}, {"twilio_call", outcome->sid}});
  tell(id, 0, TookOn{});
  tell(id, 0, outcome->news);
}

std::unique_ptr<port::PhoneLine> TwilioProvider::take_line(const CallId& call) {
  return streams_.take_line(call);
}

void TwilioProvider::hang_up(const CallId& id) {
  const auto call = calls_.find(id);
  if (call == calls_.end()) return;
  // Without a name yet: see on_placed.
  if (!call->second.sid.empty()) end_at_twilio(call->second.sid, call->second.answered());
  forget(id);
}

void TwilioProvider::accept(const CallId& id) {
  const auto call = calls_.find(id);
  if (call != calls_.end()) call->second.accepted = true;
}

void TwilioProvider::reject(const CallId& id, call::phone::Rejection why) {
  const auto call = calls_.find(id);
  if (call != calls_.end() && call->second.is_incoming) call->second.rejected = why;
}

void TwilioProvider::hear_of(Call& call) {
  call.heard = loop_.now().mono;
  call.unanswered = 0;
}

void TwilioProvider::end_double(const CallId& id, std::string_view account_sid, std::string_view call_sid) {
  if (account_sid != options_.account_sid || !is_harmless_sid(call_sid)) return;
  ++counters_.doubles;
  log_.error("a call was placed twice: the second one is ended", {{"call", id}, {"twilio_call", call_sid}});
  end_at_twilio(std::string{call_sid}, false);  // answered meanwhile: TwilioApi completes it then
}

void TwilioProvider::end_at_twilio(const std::string& sid, bool answered) {
  api_->end(sid, answered ? TwilioApi::End::Complete : TwilioApi::End::Cancel);
}

void TwilioProvider::forget(const CallId& id) {
  const auto call = calls_.find(id);
  if (call == calls_.end()) return;
  streams_.close_call(id);
  incoming_.erase(call->second.sid);
  calls_.erase(call);
  if (over_.insert(id).second) over_order_.push_back(id);
  if (over_order_.size() > kOverMax) {
    over_.erase(over_order_.front());
    over_order_.pop_front();
  }
}

void TwilioProvider::tell(const CallId& id, std::uint64_t sequence, const News& news) {
  const auto place = calls_.find(id);
  if (place == calls_.end()) return;
  Call& call = place->second;
  const auto say = [&](const auto& what, std::uint64_t number) {
    tell_(ProviderEvent{.call = id, .sequence = number, .what = what});
  };
  if (const auto* const over = std::get_if<Over>(&news)) {
    const bool rejected = call.rejected.has_value();
    forget(id);
    if (!rejected) say(*over, sequence);
    return;
  }
  if (call.is_incoming) {
    // Its user answers, and not Twilio: what counts is the sound.
    const bool has_sound = call.accepted && streams_.has_stream(id);
    if (has_sound && std::exchange(call.told, Call::Told::Answered) != Call::Told::Answered) say(Answered{}, 0);
    return;
  }
  const auto stage = std::holds_alternative<Answered>(news) ? Call::Told::Answered
                     : std::holds_alternative<Rings>(news)  ? Call::Told::Rings
                                                            : Call::Told::TookOn;
  if (stage <= call.told) return;
  // Who rings was taken on.
  const bool skips = call.told == Call::Told::Nothing && stage != Call::Told::TookOn;
  call.told = stage;
  if (skips) say(TookOn{}, 0);
  std::visit([&](const auto& what) { say(what, sequence); }, news);
}

void TwilioProvider::on_stream_started(const CallId& id) {
  const auto call = calls_.find(id);
  if (call == calls_.end()) return;
  call->second.fruitless = 0;
  hear_of(call->second);
  // Only an answered call has a stream; the callback that says so may be late.
  tell(id, 0, Answered{});
}

// ---- calls of which nothing is heard --------------------------------------------------------------------------------

void TwilioProvider::schedule_check() {
  if (check_timer_) return;
  check_timer_ = loop_.schedule(loop_.now().mono + kCheckInterval, [this] {
    check_timer_.reset();
    check();
    if (!calls_.empty()) schedule_check();
  });
}

/// Webhooks may be lost: this server was away, or can't be reached as it thinks.
void TwilioProvider::check() {
  std::vector<CallId> silent;
  for (const auto& [id, call] : calls_) {
    if (silent.size() == kAsksAtOnceMax) break;
    if (is_silent(call)) silent.push_back(id);
  }
  for (const CallId& id : silent) {
    if (const auto call = calls_.find(id); call != calls_.end()) check(id, call->second);
  }
}

bool TwilioProvider::is_silent(const Call& call) const {
  const Patience& all = options_.patience;
  const Duration patience = call.answered() ? all.in_call : call.is_incoming ? all.of_caller : all.silence;
  return !call.sid.empty() && loop_.now().mono - std::max(call.heard, call.asked) >= patience;
}

void TwilioProvider::check(const CallId& id, Call& call) {
  if (call.rejected) {
    // It should have asked, and been told. Nobody else waits for its end.
    end_at_twilio(call.sid, true);
    return forget(id);
  }
  if (call.unanswered >= kUnansweredMax && loop_.now().mono - call.heard >= options_.patience.lost_after) {
    return lose(id, "neither Twilio nor the sound of a call can be reached: it is given up");
  }
  ++counters_.asked;
  ++call.unanswered;
  call.asked = loop_.now().mono;
  api_->ask(call.sid, [this, id, sid = call.sid](Result<CallResource, TwilioApi::AskFailure> outcome) {
    on_asked(id, sid, std::move(outcome));
  });
}

void TwilioProvider::on_asked(const CallId& id, const std::string& sid,
                              Result<CallResource, TwilioApi::AskFailure> outcome) {
  const auto call = calls_.find(id);
  if (call == calls_.end() || call->second.sid != sid) return;
  if (outcome) {
    if (outcome->sid != sid) return;
    hear_of(call->second);
    return tell(id, 0, outcome->news);
  }
  // Sound that came meanwhile says more than Twilio's register does.
  if (outcome.error() == TwilioApi::AskFailure::NoSuchCall && call->second.heard < call->second.asked) {
    lose(id, "Twilio knows nothing of a call of ours");
  }
}

void TwilioProvider::lose(const CallId& id, std::string_view why) {
  const Call& call = calls_.at(id);
  log_.warn(why, {{"call", id}, {"twilio_call", call.sid}});
  ++counters_.lost;
  end_at_twilio(call.sid, call.answered());
  tell(id, 0, Over{.how = Over::How::Failed, .fault = ProviderFault::Unreachable});
}

}  // namespace zvonok::voip_twilio
