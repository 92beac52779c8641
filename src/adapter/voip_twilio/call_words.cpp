#include "adapter/voip_twilio/call_words.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "proto/json_scan.h"

namespace zvonok::voip_twilio {
namespace {

using call::phone::Answered;
using call::phone::Over;
using call::phone::ProviderFault;
using call::phone::Rings;
using call::phone::TookOn;

constexpr std::size_t kMessageBytesMax = 200;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Of Twilio's error codes, those that are about the number: that can't be called, by anybody or from this account.
bool is_about_number(std::uint64_t code) {
  constexpr std::array<std::uint64_t, 12> kCodes{13223, 13224, 13225, 13226, 13227, 21211,
                                                 21214, 21215, 21216, 21217, 21219, 21401};
  return std::ranges::find(kCodes, code) != kCodes.end();
}

ProviderFault fault_of(std::uint64_t code, std::uint64_t sip_code) {
  if (code == 20003) return ProviderFault::Unauthorized;
  if (code == 20429) return ProviderFault::RateLimited;
  if (is_about_number(code)) return ProviderFault::BadNumber;
  // RFC 3261 section 21.4: not found, gone, address incomplete, and "does not exist anywhere".
  if (sip_code == 404 || sip_code == 410 || sip_code == 484 || sip_code == 604) return ProviderFault::BadNumber;
  return ProviderFault::Other;
}

/// So that logs hold no telephone numbers, which messages quote.
std::string without_numbers(std::string text) {
  if (text.size() > kMessageBytesMax) text.resize(kMessageBytesMax);
  for (char& c : text) {
    if (c >= '0' && c <= '9') c = '*';
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
  }
  return text;
}

std::string escape_xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string response(std::string_view verbs) {
  return R"(<?xml version="1.0" encoding="UTF-8"?><Response>)" + std::string{verbs} + "</Response>";
}

std::string redirect(std::string_view url) {
  return R"(<Redirect method="POST">)" + escape_xml(url) + "</Redirect>";
}

/// A string or a number as its text; "" for anything else.
std::string text_of(const json::Value& value) {
  if (value.type == json::Type::String) return json::unescape(value.raw_string());
  if (value.type == json::Type::Number) return std::string{value.text};
  return {};
}

}  // namespace

bool is_harmless_sid(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

bool is_sid(std::string_view text, std::string_view kind) {
  return text.size() == kind.size() + 32 && text.starts_with(kind) &&
         std::ranges::all_of(text.substr(kind.size()), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

std::optional<News> news_of(std::string_view status, std::string_view error_code, std::string_view sip_code,
                            std::string_view talked) {
  if (status == "queued" || status == "initiated") return TookOn{};
  if (status == "ringing") return Rings{};
  if (status == "in-progress" || status == "answered") return Answered{};
  if (status == "completed") {
    Over over{.how = Over::How::Hangup, .fault = ProviderFault::Other, .talked = std::nullopt};
    // Bounded by what a call may last at Twilio: a day.
    if (const auto length = number_of(talked)) over.talked = seconds{std::min<std::uint64_t>(*length, 86'400)};
    return over;
  }
  if (status == "busy") return Over{.how = Over::How::Busy};
  if (status == "no-answer") return Over{.how = Over::How::NoAnswer};
  if (status == "canceled") return Over{.how = Over::How::Hangup};
  if (status == "failed") {
    return Over{.how = Over::How::Failed,
                .fault = fault_of(number_of(error_code).value_or(0), number_of(sip_code).value_or(0))};
  }
  return std::nullopt;
}

std::optional<Callback> read_callback(const Form& form) {
  Callback callback{.call_sid = std::string{value_of(form, "CallSid")},
                    .account_sid = std::string{value_of(form, "AccountSid")},
                    .sequence = 0,
                    .news = TookOn{}};
  if (callback.call_sid.empty()) return std::nullopt;
  auto news = news_of(value_of(form, "CallStatus"), value_of(form, "ErrorCode"), value_of(form, "SipResponseCode"),
                      value_of(form, "CallDuration"));
  if (!news) return std::nullopt;
  callback.news = *news;
  // Twilio counts from 0, which means "none" with us.
  if (const auto number = number_of(value_of(form, "SequenceNumber")); number && *number < 1'000'000) {
    callback.sequence = *number + 1;
  }
  return callback;
}

Form create_form(const CreateCall& call) {
  Form form{{"To", call.to},
            {"From", call.from},
            {"Url", call.voice_url},
            {"Method", "POST"},
            {"StatusCallback", call.status_url},
            {"StatusCallbackMethod", "POST"}};
  for (const char* event : {"initiated", "ringing", "answered", "completed"}) {
    form.emplace_back("StatusCallbackEvent", event);
  }
  form.emplace_back("Timeout", std::to_string(call.ring.count()));
  form.emplace_back("TimeLimit", std::to_string(call.length_max.count()));
  return form;
}

std::optional<CallResource> read_resource(std::string_view text) {
  CallResource resource;
  std::string status;
  std::string duration;
  json::ObjectReader reader{text};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "sid")) resource.sid = text_of(member->value);
    if (json::raw_is(member->key, "status")) status = text_of(member->value);
    if (json::raw_is(member->key, "duration")) duration = text_of(member->value);
  }
  if (!reader.valid() || !is_harmless_sid(resource.sid)) return std::nullopt;
  const auto news = news_of(status, "", "", duration);
  if (!news) return std::nullopt;
  resource.news = *news;
  return resource;
}

Refusal read_refusal(int status, std::string_view text) {
  Refusal refusal;
  json::ObjectReader reader{text};
  std::uint64_t code = 0;
  std::string message;
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "code")) code = number_of(text_of(member->value)).value_or(0);
    if (json::raw_is(member->key, "message")) message = text_of(member->value);
  }
  if (reader.valid()) {
    refusal.code = code;
    refusal.message = without_numbers(std::move(message));
  }
  if (status == 429) {
    refusal.fault = ProviderFault::RateLimited;
  } else if (status == 401 || status == 403) {
    // 403 is also the answer to a number that this account may not call.
    refusal.fault = is_about_number(refusal.code) ? ProviderFault::BadNumber : ProviderFault::Unauthorized;
  } else if (status >= 500) {
    refusal.fault = ProviderFault::Unreachable;
  } else {
    refusal.fault = fault_of(refusal.code, 0);
  }
  return refusal;
}

std::string twiml_stream(std::string_view stream_url, std::string_view voice_url) {
  return response(R"(<Connect><Stream url=")" + escape_xml(stream_url) + R"("/></Connect>)" + redirect(voice_url));
}

std::string twiml_wait(std::string_view voice_url) {
  return response(R"(<Pause length="1"/>)" + redirect(voice_url));
}

std::string twiml_hangup() {
  return response("<Hangup/>");
}

std::string twiml_reject(Refuse why) {
  return response(why == Refuse::Busy ? R"(<Reject reason="busy"/>)" : R"(<Reject reason="rejected"/>)");
}

}  // namespace zvonok::voip_twilio
