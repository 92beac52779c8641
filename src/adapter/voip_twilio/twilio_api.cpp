#include "adapter/voip_twilio/twilio_api.h"

#include <algorithm>
#include <utility>

namespace zvonok::voip_twilio {
namespace {

using call::phone::ProviderFault;
using http_client::Answer;
using http_client::HttpClient;

constexpr Duration kPlaceAgain = milliseconds{300};
constexpr Duration kEndAgain = milliseconds{500};  // doubled each time
constexpr Duration kWaitAskedMax = seconds{30};
constexpr int kEndAttemptsMax = 7;  // half a minute in all
constexpr std::size_t kEndingMax = 10'000;

bool is_good(int status) {
  return status >= 200 && status < 300;
}

}  // namespace

Result<std::unique_ptr<TwilioApi>, std::string> TwilioApi::create(net::Loop& loop, Logger& log, Options options) {
  if (!http_client::is_web_url(options.base)) {
    return fail(std::string{"VOIP_API_BASE must look like https://api.twilio.com"});
  }
  while (options.base.ends_with('/')) options.base.pop_back();
  http_client::Options client_options;
  client_options.ca_file = options.ca_file;
  auto client = HttpClient::create(loop, client_options);
  if (!client) return fail(client.error());
  return std::unique_ptr<TwilioApi>{new TwilioApi{loop, log, std::move(options), std::move(*client)}};
}

TwilioApi::TwilioApi(net::Loop& loop, Logger& log, Options options, std::unique_ptr<HttpClient> client)
    : loop_{loop}, log_{log}, options_{std::move(options)}, client_{std::move(client)} {}

TwilioApi::~TwilioApi() {
  client_.reset();
  for (const auto& [id, key] : timers_) loop_.cancel(key);
}

http_client::Request TwilioApi::request(const std::string& path) const {
  http_client::Request request;
  request.url = options_.base + "/2010-04-01/Accounts/" + options_.account_sid + path;
  request.headers = {"Accept: application/json"};
  request.user = options_.account_sid;
  request.password = options_.auth_token;
  return request;
}

void TwilioApi::after(Duration wait, std::function<void()> task) {
  const std::uint64_t id = next_timer_++;
  const auto key = loop_.schedule(loop_.now().mono + wait, [this, id, task = std::move(task)] {
    timers_.erase(id);
    task();
  });
  timers_.emplace(id, key);
}

// ---- placing --------------------------------------------------------------------------------------------------------

void TwilioApi::place(const CreateCall& call, Placed done) {
  place_once(call, std::move(done), true);
}

void TwilioApi::place_once(const CreateCall& call, Placed done, bool may_repeat) {
  http_client::Request post = request("/Calls.json");
  post.is_post = true;
  post.only_once = true;
  post.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
  post.body = write_form(create_form(call));
  ++counters_.requests;
  client_->send(std::move(post), [this, call, done = std::move(done), may_repeat](HttpClient::Outcome outcome) mutable {
    if (!outcome && !outcome.error().may_have_arrived && may_repeat) {
      ++counters_.repeated;
      after(kPlaceAgain, [this, call, done = std::move(done)] { place_once(call, done, false); });
      return;
    }
    Refusal refusal;
    if (!outcome) {
      refusal = {.fault = ProviderFault::Unreachable, .code = 0, .message = outcome.error().detail};
    } else if (!is_good(outcome->status)) {
      refusal = read_refusal(outcome->status, outcome->body);
      log_.warn("Twilio refuses a call",
                {{"status", outcome->status}, {"code", refusal.code}, {"message", refusal.message}});
    } else if (auto resource = read_resource(outcome->body)) {
      return done(std::move(*resource));
    } else {
      refusal = {.fault = ProviderFault::Other, .code = 0, .message = "the answer is not a call"};
    }
    ++counters_.failed[static_cast<std::size_t>(refusal.fault)];
    if (!outcome) log_.warn("Twilio can't be asked for a call", {{"error", refusal.message}});
    done(fail(std::move(refusal)));
  });
}

// ---- ending ---------------------------------------------------------------------------------------------------------

void TwilioApi::end(const std::string& call_sid, End how) {
  if (ending_.size() >= kEndingMax || !ending_.insert(call_sid).second) return;
  end_once(call_sid, how, 1);
}

void TwilioApi::end_once(const std::string& call_sid, End how, int attempt) {
  http_client::Request post = request("/Calls/" + call_sid + ".json");
  post.is_post = true;
  post.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
  post.body = write_form({{"Status", how == End::Cancel ? "canceled" : "completed"}});
  ++counters_.requests;
  client_->send(std::move(post), [this, call_sid, how, attempt](HttpClient::Outcome outcome) {
    if (!outcome) {
      log_.warn("Twilio can't be asked to end a call", {{"twilio_call", call_sid}, {"error", outcome.error().detail}});
      return end_again(call_sid, how, attempt);
    }
    if (outcome->status == 429 || outcome->status >= 500) {
      return end_again(call_sid, how, attempt, outcome->retry_after.value_or(seconds{0}));
    }
    if (how == End::Cancel) {
      // What was answered meanwhile goes on, or can't be canceled.
      const auto now = is_good(outcome->status) ? read_resource(outcome->body) : std::nullopt;
      const bool goes_on = now && !std::holds_alternative<call::phone::Over>(now->news);
      if (goes_on || outcome->status == 400) return end_once(call_sid, End::Complete, attempt);
    }
    ending_.erase(call_sid);
    // 404: it is gone. 400: it is over, and can't be changed.
    if (is_good(outcome->status) || outcome->status == 404 || outcome->status == 400) return;
    const Refusal refusal = read_refusal(outcome->status, outcome->body);
    ++counters_.failed[static_cast<std::size_t>(refusal.fault)];
    log_.error(
        "Twilio does not end a call",
        {{"twilio_call", call_sid}, {"status", outcome->status}, {"code", refusal.code}, {"message", refusal.message}});
  });
}

void TwilioApi::end_again(const std::string& call_sid, End how, int attempt, Duration least) {
  if (attempt == kEndAttemptsMax) {
    ending_.erase(call_sid);
    ++counters_.failed[static_cast<std::size_t>(ProviderFault::Unreachable)];
    log_.error("a call may go on at Twilio: it was not told of the end", {{"twilio_call", call_sid}});
    return;
  }
  ++counters_.repeated;
  const Duration wait = std::max(kEndAgain * (1 << (attempt - 1)), std::min<Duration>(least, kWaitAskedMax));
  after(wait, [this, call_sid, how, attempt] { end_once(call_sid, how, attempt + 1); });
}

// ---- asking ---------------------------------------------------------------------------------------------------------

void TwilioApi::ask(const std::string& call_sid, Asked done) {
  ++counters_.requests;
  client_->send(request("/Calls/" + call_sid + ".json"), [done = std::move(done)](HttpClient::Outcome outcome) {
    if (outcome && outcome->status == 404) return done(fail(AskFailure::NoSuchCall));
    auto resource = outcome && is_good(outcome->status) ? read_resource(outcome->body) : std::nullopt;
    if (!resource) return done(fail(AskFailure::NoAnswer));
    done(std::move(*resource));
  });
}

}  // namespace zvonok::voip_twilio
