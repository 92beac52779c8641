#include "adapter/voip_twilio/stream_words.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "proto/json_scan.h"

namespace zvonok::voip_twilio {
namespace {

using json::Type;
using json::Value;

/// "" for what is no string. Escapes are left as they are: nothing that is compared here has any.
std::string_view plain(const Value& value) {
  return value.type == Type::String ? value.raw_string() : std::string_view{};
}

/// Twilio writes numbers as strings; both are taken.
std::optional<std::uint64_t> whole(const Value& value) {
  const std::string_view text = value.type == Type::Number ? value.text : plain(value);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_digit_of_phone(char c) {
  return (c >= '0' && c <= '9') || c == '*' || c == '#' || (c >= 'A' && c <= 'D');
}

bool is_ulaw(const Value& format) {
  json::ObjectReader reader{format.text};
  bool good = true;
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "encoding")) good = good && plain(member->value).ends_with("mulaw");
    if (json::raw_is(member->key, "sampleRate")) good = good && whole(member->value) == 8000;
    if (json::raw_is(member->key, "channels")) good = good && whole(member->value) == 1;
  }
  return good;
}

std::optional<StreamMessage> read_start(const Value& value, std::string_view stream_sid) {
  StreamStarts start{.stream_sid = stream_sid, .call_sid = {}, .account_sid = {}, .is_ulaw = true};
  json::ObjectReader reader{value.text};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "streamSid") && start.stream_sid.empty()) start.stream_sid = plain(member->value);
    if (json::raw_is(member->key, "callSid")) start.call_sid = plain(member->value);
    if (json::raw_is(member->key, "accountSid")) start.account_sid = plain(member->value);
    if (json::raw_is(member->key, "mediaFormat") && member->value.type == Type::Object) {
      start.is_ulaw = is_ulaw(member->value);
    }
  }
  if (!is_stream_sid(start.stream_sid)) return std::nullopt;
  return start;
}

std::optional<StreamMessage> read_sound(const Value& value) {
  StreamSound sound;
  bool is_inbound = true;
  bool has_payload = false;
  json::ObjectReader reader{value.text};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "track")) is_inbound = plain(member->value).starts_with("inbound");
    if (json::raw_is(member->key, "timestamp")) sound.timestamp_ms = whole(member->value).value_or(0);
    if (json::raw_is(member->key, "payload") && member->value.type == Type::String) {
      sound.payload = member->value.raw_string();
      has_payload = true;
    }
  }
  if (!is_inbound) return StreamOther{};
  if (!has_payload) return std::nullopt;
  return sound;
}

std::optional<StreamMessage> read_digit(const Value& value) {
  std::string_view digit;
  json::ObjectReader reader{value.text};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "digit")) digit = plain(member->value);
  }
  if (digit.size() != 1 || !is_digit_of_phone(digit.front())) return std::nullopt;
  return StreamDigit{digit.front()};
}

/// Of one that is not ours nothing is made.
StreamMessage read_mark(const Value& value) {
  std::optional<std::uint64_t> number;
  json::ObjectReader reader{value.text};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "name")) number = whole(member->value);
  }
  if (!number) return StreamOther{};
  return StreamMark{*number};
}

void append_head(std::string& out, std::string_view event, std::string_view stream_sid) {
  out.append(R"({"event":")").append(event).append(R"(","streamSid":")").append(stream_sid).append("\"");
}

}  // namespace

bool is_stream_sid(std::string_view text) {
  return !text.empty() && text.size() <= kStreamSidBytesMax && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::optional<StreamMessage> read_stream_message(std::string_view text) {
  std::string_view event;
  std::string_view stream_sid;
  std::optional<Value> body;  // the member that is named like the event
  json::ObjectReader reader{text};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "event")) event = plain(member->value);
    if (json::raw_is(member->key, "streamSid")) stream_sid = plain(member->value);
    const bool is_body = json::raw_is(member->key, "media") || json::raw_is(member->key, "start") ||
                         json::raw_is(member->key, "dtmf") || json::raw_is(member->key, "mark");
    if (is_body && member->value.type == Type::Object) body = member->value;
  }
  if (!reader.valid() || event.empty()) return std::nullopt;
  if (event == "stop") return StreamStops{};
  if (event == "mark" && body) return read_mark(*body);
  if (event != "media" && event != "start" && event != "dtmf") return StreamOther{};
  if (!body) return std::nullopt;
  if (event == "media") return read_sound(*body);
  if (event == "dtmf") return read_digit(*body);
  return read_start(*body, stream_sid);
}

void append_sound(std::string& out, std::string_view stream_sid, Bytes ulaw) {
  append_head(out, "media", stream_sid);
  out.append(R"(,"media":{"payload":")");
  append_base64(out, ulaw);
  out.append("\"}}");
}

void append_mark(std::string& out, std::string_view stream_sid, std::uint64_t number) {
  append_head(out, "mark", stream_sid);
  out.append(R"(,"mark":{"name":")").append(std::to_string(number)).append("\"}}");
}

void append_clear(std::string& out, std::string_view stream_sid) {
  append_head(out, "clear", stream_sid);
  out.append("}");
}

}  // namespace zvonok::voip_twilio
