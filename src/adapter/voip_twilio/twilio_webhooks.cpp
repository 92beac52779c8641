// What Twilio asks and tells by HTTP.
#include <algorithm>
#include <array>

#include "adapter/voip_twilio/twilio_provider.h"

namespace zvonok::voip_twilio {
namespace {

constexpr std::size_t kCallIdBytesMax = 64;
constexpr unsigned kFruitlessMax = 5;
constexpr std::size_t kIncomingMax = 1000;
constexpr std::string_view kStreamPath = "stream/";

HttpResponse text_response(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.add_header("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

HttpResponse twiml_response(std::string twiml) {
  HttpResponse response;
  response.add_header("Content-Type", "text/xml; charset=utf-8");
  response.add_header("Cache-Control", "no-store");
  response.body = std::move(twiml);
  return response;
}

HttpResponse nothing() {
  HttpResponse response;
  response.status = 204;
  return response;
}

std::optional<Webhook> webhook_of(std::string_view path) {
  path.remove_prefix(std::min(TwilioProvider::kPrefix.size(), path.size()));
  if (path == "status") return Webhook::Status;
  if (path == "voice") return Webhook::Voice;
  if (path == "incoming") return Webhook::Incoming;
  return std::nullopt;
}

bool is_form(const HttpRequest& request) {
  constexpr std::string_view kForm = "application/x-www-form-urlencoded";
  const std::string_view type = request.header("Content-Type").value_or(kForm);
  return equal_ignoring_case(type.substr(0, kForm.size()), kForm);
}

/// "" when it is withheld, or nothing that could be shown.
std::string number_of(std::string_view text) {
  const bool good = text.size() <= call::phone::kIncomingTextBytesMax &&
                    std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
  // Twilio's words, and the digits by which "anonymous" and "restricted" are dialed on keys.
  constexpr std::array<std::string_view, 6> kWithheld{"anonymous",   "Anonymous",  "Restricted",
                                                      "Unavailable", "+266696687", "+7378742833"};
  return good && std::ranges::find(kWithheld, text) == kWithheld.end() ? std::string{text} : std::string{};
}

std::optional<CallId> call_id_of(const HttpRequest& request) {
  auto text = query_value(request.query, "call");
  if (!text || text->empty() || text->size() > kCallIdBytesMax) return std::nullopt;
  return CallId{std::move(*text)};
}

}  // namespace

std::string_view to_text(Webhook webhook) {
  switch (webhook) {
    case Webhook::Status: return "status";
    case Webhook::Voice: return "voice";
    case Webhook::Incoming: return "incoming";
  }
  return "";
}

std::string TwilioProvider::url_of(std::string_view what, const CallId& call) const {
  return public_url_ + std::string{kPrefix} + std::string{what} + "?call=" + call.value();
}

std::string TwilioProvider::stream_url(std::string_view token) const {
  // http becomes ws, and https wss.
  return "ws" + public_url_.substr(4) + std::string{kPrefix} + std::string{kStreamPath} + std::string{token};
}

std::string TwilioProvider::shown_path(std::string_view path) {
  const std::string streams = std::string{kPrefix} + std::string{kStreamPath};
  return path.starts_with(streams) ? streams : std::string{path};
}

bool TwilioProvider::is_genuine(const HttpRequest& request, const Form& form, bool is_websocket) {
  std::vector<std::string> urls = spellings(public_url_, request.target, is_websocket);
  if (options_.public_url.empty()) {
    const std::string scheme = request.is_tls ? "https://" : "http://";
    const auto more =
        spellings(scheme + std::string{request.header("Host").value_or("")}, request.target, is_websocket);
    urls.insert(urls.end(), more.begin(), more.end());
  }
  if (is_signed(options_.auth_token, request, urls, form)) return true;
  ++counters_.forged;
  // Anybody can send these: a few lines of log are enough.
  if (warnings_.take(1, loop_.now().mono)) {
    log_.warn("a webhook without a good signature: forged, or PUBLIC_URL is not how Twilio reaches this server",
              {{"path", shown_path(request.path)}, {"from", request.remote_address}});
  }
  return false;
}

HttpResponse TwilioProvider::on_webhook(const HttpRequest& request) {
  const auto webhook = webhook_of(request.path);
  if (!webhook) return text_response(404, "there is nothing here\n");
  if (request.method != Method::Post) {
    HttpResponse response = text_response(405, "POST only\n");
    response.add_header("Allow", "POST");
    return response;
  }
  const auto form = is_form(request) ? parse_form(request.body) : Form{};
  if (!form) {
    ++counters_.malformed;
    return text_response(400, "not a form\n");
  }
  if (!is_genuine(request, *form, false)) return text_response(403, "the signature is not good\n");
  ++counters_.webhooks[static_cast<std::size_t>(*webhook)];
  switch (*webhook) {
    case Webhook::Status: return on_status(request, *form);
    case Webhook::Voice: return on_voice(request, *form);
    case Webhook::Incoming: return on_incoming_call(*form);
  }
  return nothing();
}

TwilioProvider::Call* TwilioProvider::call_of(const CallId& id, std::string_view account_sid,
                                              std::string_view call_sid) {
  const auto call = calls_.find(id);
  const bool known = call != calls_.end() && (call->second.sid.empty() || call->second.sid == call_sid);
  if (!known || account_sid != options_.account_sid || !is_harmless_sid(call_sid)) {
    ++counters_.strangers;
    return nullptr;
  }
  call->second.sid = call_sid;
  hear_of(call->second);
  return &call->second;
}

HttpResponse TwilioProvider::on_status(const HttpRequest& request, const Form& form) {
  auto id = call_id_of(request);
  const auto callback = read_callback(form);
  // The callback of a number of ours: it names no call of ours but by its SID.
  if (!id && callback) {
    const auto call = incoming_.find(callback->call_sid);
    if (call == incoming_.end()) {
      ++counters_.strangers;
      return nothing();
    }
    id = call->second;
  }
  if (!id || !callback) {
    ++counters_.malformed;
    return text_response(400, "not a status callback\n");
  }
  if (call_of(*id, callback->account_sid, callback->call_sid) != nullptr) {
    tell(*id, callback->sequence, callback->news);
    return nothing();
  }
  // It rings, or is answered, and nobody is there for it: it was hung up here before Twilio's answer named it.
  const bool goes_on = !std::holds_alternative<call::phone::Over>(callback->news);
  if (calls_.contains(*id)) {
    if (goes_on) end_double(*id, callback->account_sid, callback->call_sid);
    return nothing();
  }
  if (goes_on && over_.contains(*id) && callback->account_sid == options_.account_sid &&
      is_harmless_sid(callback->call_sid)) {
    end_at_twilio(callback->call_sid, std::holds_alternative<call::phone::Answered>(callback->news));
  }
  return nothing();
}

HttpResponse TwilioProvider::on_voice(const HttpRequest& request, const Form& form) {
  const auto id = call_id_of(request);
  if (!id) {
    ++counters_.malformed;
    return text_response(400, "which call?\n");
  }
  Call* const call = call_of(*id, value_of(form, "AccountSid"), value_of(form, "CallSid"));
  if (call == nullptr) {
    if (calls_.contains(*id)) end_double(*id, value_of(form, "AccountSid"), value_of(form, "CallSid"));
    return twiml_response(twiml_hangup());
  }
  if (call->is_incoming) return answer_caller(*id, *call);
  if (value_of(form, "CallStatus") == "in-progress") {
    tell(*id, 0, call::phone::Answered{});
    if (!calls_.contains(*id)) return twiml_response(twiml_hangup());
  }
  return bring_stream(*id, *call);
}

HttpResponse TwilioProvider::bring_stream(const CallId& id, Call& call) {
  if (++call.fruitless > kFruitlessMax) {
    log_.error("Twilio does not bring the sound of a call: does PUBLIC_URL take WebSockets?", {{"call", id}});
    return twiml_response(twiml_hangup());
  }
  return twiml_response(twiml_stream(stream_url(streams_.new_token(id)), url_of("voice", id)));
}

// ---- calls that come in

HttpResponse TwilioProvider::on_incoming_call(const Form& form) {
  const std::string sid{value_of(form, "CallSid")};
  if (!is_harmless_sid(sid) || value_of(form, "AccountSid") != options_.account_sid) {
    ++counters_.strangers;
    return twiml_response(twiml_reject(Refuse::Rejected));
  }
  // Twilio asks again when an answer was lost.
  if (const auto known = incoming_.find(sid); known != incoming_.end()) {
    return answer_caller(known->second, calls_.at(known->second));
  }
  if (incoming_.size() >= kIncomingMax) return twiml_response(twiml_reject(Refuse::Busy));
  const CallId id = tell_incoming_({.from = number_of(value_of(form, "From")), .to = number_of(value_of(form, "To"))});
  incoming_.emplace(sid, id);
  calls_.emplace(id, Call{.sid = sid, .is_incoming = true, .heard = loop_.now().mono});
  streams_.open_call(id);
  schedule_check();
  return answer_caller(id, calls_.at(id));
}

/// Not answered until its user has answered; then with sound at once.
HttpResponse TwilioProvider::answer_caller(const CallId& id, Call& call) {
  if (call.rejected) {
    const Refuse why = *call.rejected == call::phone::Rejection::Busy ? Refuse::Busy : Refuse::Rejected;
    forget(id);
    return twiml_response(twiml_reject(why));
  }
  if (!call.accepted) return twiml_response(twiml_wait(url_of("voice", id)));
  return bring_stream(id, call);
}

std::optional<CallId> TwilioProvider::admit_stream(const HttpRequest& request) {
  std::string_view path = request.path;
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  if (!path.starts_with(kStreamPath)) return std::nullopt;
  path.remove_prefix(kStreamPath.size());
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto call = streams_.use_token(path);
  // Twilio signs this, too; what others send in its place may have no signature, but no wrong one. The token is gone in
  // either case: Twilio asks for another one.
  if (request.header("X-Twilio-Signature") && !is_genuine(request, {}, true)) return std::nullopt;
  return call;
}

}  // namespace zvonok::voip_twilio
