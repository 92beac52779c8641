#include "load/pair_dialect.h"

#include <array>
#include <charconv>

#include "proto/json_scan.h"

namespace zvonok::load {
namespace {

using Event = PairMessage::Event;

constexpr std::string_view kStamp = "sentAt";

Event event_of(std::string_view raw) {
  struct Known {
    std::string_view name;
    Event event;
  };
  static constexpr std::array kAll{Known{"call:ice", Event::Ice},       Known{"call:offer", Event::Offer},
                                   Known{"call:answer", Event::Answer}, Known{"call:hangup", Event::Hangup},
                                   Known{"call:error", Event::Error},   Known{"presence", Event::Presence},
                                   Known{"server:hello", Event::Hello}};
  for (const Known& known : kAll) {
    if (json::raw_is(raw, known.name)) return known.event;
  }
  return Event::Other;
}

void read_payload(std::string_view payload, PairMessage& out) {
  json::ObjectReader reader{payload};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, kStamp) && member->value.type == json::Type::Number) {
      const std::string_view digits = member->value.text;
      std::int64_t value = 0;
      const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (parsed.ec == std::errc{}) out.sent = TimePoint{Duration{value}};
    } else if (json::raw_is(member->key, out.event == Event::Error ? "code" : "reason") &&
               member->value.type == json::Type::String) {
      out.text = json::unescape(member->value.raw_string());
    }
  }
}

}  // namespace

std::string pair_message(std::string_view event, std::string_view payload) {
  std::string out;
  out.reserve(event.size() + payload.size() + 32);
  out += R"({"event":")";
  out += event;
  out += R"(","payload":)";
  out += payload;
  out += '}';
  return out;
}

std::string stamped_payload(std::string_view name, std::size_t bytes, std::string_view extra, TimePoint sent) {
  std::string out = "{\"";
  out.reserve(bytes + extra.size() + 64);
  out += kStamp;
  out += "\":" + std::to_string(sent.time_since_epoch().count());
  out += extra;
  out += ",\"";
  out += name;
  out += "\":\"";
  // As long as the real thing, and as JSON escapes it.
  constexpr std::string_view kLine = R"(a=candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host\r\n)";
  while (bytes >= kLine.size()) {
    out += kLine;
    bytes -= kLine.size();
  }
  out.append(bytes, 'x');
  return out + "\"}";
}

std::string watch_payload(const std::vector<std::string>& users) {
  std::string out = "{\"userIds\":[";
  for (const std::string& user : users) {
    if (&user != users.data()) out += ',';
    json::append_string(out, user);
  }
  return out + "]}";
}

std::optional<PairMessage> read_pair_message(std::string_view text) {
  json::ObjectReader reader{text};
  PairMessage out;
  bool has_event = false;
  std::string_view payload;
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "event") && member->value.type == json::Type::String) {
      out.event = event_of(member->value.raw_string());
      has_event = true;
    } else if (json::raw_is(member->key, "payload") && member->value.type == json::Type::Object) {
      payload = member->value.text;
    }
  }
  if (!reader.valid() || !has_event) return std::nullopt;
  if (!payload.empty() && out.event != Event::Other && out.event != Event::Presence) read_payload(payload, out);
  return out;
}

}  // namespace zvonok::load
