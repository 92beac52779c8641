// Any text a client may send: it is read as a plain reading by Boost.JSON reads it, and what is relayed of it is valid
// JSON again, has the payload's own bytes, and has a sender or a reason that the client could not choose.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json.hpp>

#include "base/check.h"
#include "base/overloaded.h"
#include "proto/json_scan.h"
#include "proto/websocket/frame.h"
#include "signal/pair/decode.h"
#include "signal/pair/encode.h"

using namespace zvonok;
namespace pair = zvonok::signal::pair;
using boost::json::kind;

namespace {

const std::string kSender = "a\"b\\\n\x01é";

boost::json::string_view to_boost(std::string_view text) {
  return {text.data(), text.size()};
}
std::string plain(const boost::json::string& text) {
  return {text.data(), text.size()};
}

/// Boost.JSON reads 0e400 as zero times infinity, a NaN that equals nothing, itself included. It is zero.
void replace_nan(boost::json::value& value) {
  if (value.is_double() && std::isnan(value.get_double())) value = 0.0;
  if (value.is_array()) {
    for (boost::json::value& element : value.get_array()) replace_nan(element);
  }
  if (value.is_object()) {
    for (auto& member : value.get_object()) replace_nan(member.value());
  }
}

boost::json::value read(std::string_view text, boost::json::error_code& error) {
  boost::json::parse_options options;
  options.max_depth = json::kDepthMax;
  auto value = boost::json::parse(to_boost(text), error, {}, options);
  if (!error) replace_nan(value);
  return value;
}

/// Boost.JSON rounds the same digits in two ways, by what stands behind them.
bool is_same(double one, double other) {
  return one == other || std::abs(one - other) <= 1e-13 * std::abs(one);
}

bool is_same(const boost::json::value& one, const boost::json::value& other) {
  if (one.is_double() && other.is_double()) return is_same(one.get_double(), other.get_double());
  if (one.is_array() && other.is_array()) {
    return std::ranges::equal(one.get_array(), other.get_array(),
                              [](const auto& a, const auto& b) { return is_same(a, b); });
  }
  if (one.is_object() && other.is_object()) {
    const boost::json::object& a = one.get_object();
    const boost::json::object& b = other.get_object();
    return a.size() == b.size() && std::ranges::all_of(a, [&](const auto& member) {
             const boost::json::value* const same = b.if_contains(member.key());
             return same != nullptr && is_same(member.value(), *same);
           });
  }
  return one == other;
}

boost::json::value parsed(std::string_view text) {
  boost::json::error_code error;
  auto value = read(text, error);
  ZVONOK_CHECK(!error || error == boost::json::error::exponent_overflow);
  return error ? boost::json::value{nullptr} : value;
}

/// The member, unless it is absent or null.
const boost::json::value* member(const boost::json::object& object, std::string_view key) {
  const boost::json::value* const value = object.if_contains(to_boost(key));
  return value == nullptr || value->is_null() ? nullptr : value;
}

/// "text:<id>" or "number", or "bad", or "" for none (an empty text).
std::string id_of(const boost::json::value& value) {
  if (value.is_string()) {
    const std::string id = plain(value.as_string());
    return id.empty() ? "" : id.size() > pair::kIdBytesMax ? "bad" : "text:" + id;
  }
  return value.is_number() ? "number" : "bad";
}

bool is_that_id(const std::string& expected, const std::string& id) {
  if (expected == "number") return id.find_first_not_of("0123456789") == std::string::npos && !id.empty();
  return expected == "text:" + id;
}

// ---- reading --------------------------------------------------------------------------------------------------------

bool is_offer_to(const boost::json::object& payload, const pair::OfferMessage& offer) {
  for (const char* key : {"userId", "targetUserId", "chatId"}) {
    const boost::json::value* const value = member(payload, key);
    if (value == nullptr) continue;
    const std::string id = id_of(*value);
    if (id.empty()) continue;
    if (key == std::string_view{"chatId"}) {
      const auto* const chat = std::get_if<ChatId>(&offer.target);
      return chat != nullptr && is_that_id(id, chat->value());
    }
    const auto* const user = std::get_if<UserId>(&offer.target);
    return user != nullptr && is_that_id(id, user->value());
  }
  return false;
}

bool is_watch_of(const boost::json::object& payload, const pair::WatchMessage& watch) {
  const boost::json::value* const list = member(payload, "userIds");
  if (list == nullptr || !list->is_array() || list->as_array().size() != watch.users.size()) return false;
  for (std::size_t i = 0; i < watch.users.size(); ++i) {
    if (!is_that_id(id_of(list->as_array()[i]), watch.users[i].value())) return false;
  }
  return true;
}

bool is_hangup_of(const boost::json::value* payload, const pair::HangupMessage& hangup) {
  // Whoever hangs up means it, whatever else is said.
  if (payload == nullptr || !payload->is_object()) return hangup.payload.empty() && !hangup.reason;
  const boost::json::value* const reason = member(payload->as_object(), "reason");
  if (reason == nullptr || !reason->is_string()) return !hangup.reason;
  return hangup.reason == plain(reason->as_string());
}

/// Whether the message is what the document says.
bool says(const boost::json::object& document, const pair::PairMessage& message) {
  const boost::json::value* const event = document.if_contains("event");
  const boost::json::value* const payload = member(document, "payload");
  if (const auto* auth = std::get_if<pair::AuthMessage>(&message)) {
    const boost::json::value* token = member(document, "token");
    if (event != nullptr && payload != nullptr && member(payload->as_object(), "token") != nullptr) {
      token = member(payload->as_object(), "token");
    }
    return (event == nullptr || *event == "auth") && token != nullptr && token->is_string() &&
           auth->token.reveal() == plain(token->as_string());
  }
  if (event == nullptr || !event->is_string()) return false;
  const auto* const hangup = std::get_if<pair::HangupMessage>(&message);
  if (hangup == nullptr && payload != nullptr && !payload->is_object()) return false;
  const std::string name = plain(event->as_string());
  const auto is_payload = [&](std::string_view text) { return payload != nullptr && is_same(parsed(text), *payload); };
  return std::visit(Overloaded{
                        [&](const pair::IceMessage& m) { return name == "call:ice" && is_payload(m.payload); },
                        [&](const pair::AnswerMessage& m) { return name == "call:answer" && is_payload(m.payload); },
                        [&](const pair::OfferMessage& m) {
                          return name == "call:offer" && is_payload(m.payload) && is_offer_to(payload->as_object(), m);
                        },
                        [&](const pair::HangupMessage& m) {
                          return name == "call:hangup" && (m.payload.empty() || is_payload(m.payload)) &&
                                 is_hangup_of(payload, m);
                        },
                        [&](const pair::HelloMessage&) { return name == "client:hello"; },
                        [&](const pair::WatchMessage& m) {
                          return name == "presence:watch" && payload != nullptr && is_watch_of(payload->as_object(), m);
                        },
                        [&](const pair::AuthMessage&) { return false; },
                    },
                    message);
}

/// Whether there was a reason for refusing. Where a number's own digits would be needed, any answer will do.
bool deserves(const boost::json::value& document, pair::DecodeError error) {
  if (error == pair::DecodeError::NotAnObject) return !document.is_object();
  if (!document.is_object()) return false;
  const boost::json::object& object = document.as_object();
  const boost::json::value* const event = object.if_contains("event");
  const boost::json::value* const payload = member(object, "payload");
  const bool is_object = payload != nullptr && payload->is_object();
  const auto named = [&](std::string_view name) {
    return event != nullptr && *event == boost::json::value(to_boost(name));
  };
  switch (error) {
    case pair::DecodeError::NotAnObject: return false;
    case pair::DecodeError::NoEvent: return event == nullptr ? !object.contains("token") : !event->is_string();
    case pair::DecodeError::UnknownEvent:
      for (const char* known :
           {"call:ice", "call:offer", "call:answer", "call:hangup", "client:hello", "presence:watch", "auth"}) {
        if (named(known)) return false;
      }
      return true;
    case pair::DecodeError::NoPayload: return !is_object;
    case pair::DecodeError::NoTarget: {
      if (!named("call:offer") || !is_object) return false;
      for (const char* key : {"userId", "targetUserId", "chatId"}) {
        const boost::json::value* const value = member(payload->as_object(), key);
        if (value != nullptr && !id_of(*value).empty()) return false;
      }
      return true;
    }
    case pair::DecodeError::BadTarget: {
      if (!named("call:offer") || !is_object) return false;
      for (const char* key : {"userId", "targetUserId", "chatId"}) {
        const boost::json::value* const value = member(payload->as_object(), key);
        if (value != nullptr && (id_of(*value) == "bad" || id_of(*value) == "number")) return true;
      }
      return false;
    }
    case pair::DecodeError::BadWatchList: return named("presence:watch");
    case pair::DecodeError::BadToken: return event == nullptr || named("auth");
  }
  return false;
}

// ---- relaying -------------------------------------------------------------------------------------------------------

template <class Delivery>
std::string text_of(const Delivery& delivery) {
  std::string out;
  pair::encode(out, delivery);
  ZVONOK_CHECK(json::scan(out).has_value());
  return out;
}

/// The payload in the relayed message, byte for byte.
std::string_view payload_in(std::string_view text) {
  json::ObjectReader reader{text};
  std::string_view payload;
  while (const auto found = reader.next()) {
    if (found->key == "payload") payload = found->value.text;
  }
  ZVONOK_CHECK(reader.valid());
  return payload;
}

std::size_t count_members(std::string_view object, std::string_view key) {
  std::size_t count = 0;
  json::ObjectReader reader{object};
  while (const auto found = reader.next()) {
    if (json::unescape(found->key) == key) ++count;
  }
  ZVONOK_CHECK(reader.valid());
  return count;
}

/// What was sent, with one member set by the server.
void check_set(std::string_view relayed, std::string_view sent, const char* key, const std::string& value) {
  boost::json::value expected = sent.empty() ? boost::json::value{boost::json::object{}} : parsed(sent);
  if (!expected.is_object()) return;  // a number that no double has
  expected.as_object()[key] = value;
  ZVONOK_CHECK(is_same(parsed(relayed), expected) && count_members(relayed, key) == 1);
}

void check_relay(const call::Command& command, ConnectionId to) {
  std::visit(Overloaded{
                 [&](const call::Offer& offer) {
                   const std::string text =
                       text_of(call::DeliverOffer{.to = to, .from = UserId{kSender}, .payload = offer.payload});
                   check_set(payload_in(text), offer.payload, "fromUserId", kSender);
                   // Relayed on by another server, it would still name its sender and nobody else.
                   ZVONOK_CHECK(pair::decode(text).has_value());
                 },
                 [&](const call::Answer& answer) {
                   const std::string text = text_of(call::DeliverAnswer{.to = to, .payload = answer.payload});
                   ZVONOK_CHECK(payload_in(text) == answer.payload);
                   ZVONOK_CHECK(pair::decode(text) == pair::PairMessage(pair::AnswerMessage{payload_in(text)}));
                 },
                 [&](const call::Ice& ice) {
                   const std::string text = text_of(call::DeliverIce{.to = to, .payload = ice.payload});
                   ZVONOK_CHECK(payload_in(text) == ice.payload);
                   ZVONOK_CHECK(pair::decode(text) == pair::PairMessage(pair::IceMessage{payload_in(text)}));
                 },
                 [&](const call::Hangup& hangup) {
                   const std::string text = text_of(call::DeliverHangup{
                       .to = to,
                       .payload = hangup.payload,
                       .reason_from = hangup.reason ? call::ReasonFrom::Client : call::ReasonFrom::Server});
                   if (hangup.reason) {
                     ZVONOK_CHECK(payload_in(text) == hangup.payload);
                   } else {
                     check_set(payload_in(text), hangup.payload, "reason", "hangup");
                   }
                 },
                 [](const auto&) {},
             },
             command);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (!websocket::is_valid_utf8(text)) return 0;  // the socket closes
  auto message = pair::decode(text);

  boost::json::error_code error;
  const boost::json::value document = read(text, error);
  const bool is_clear = error != boost::json::error::exponent_overflow;
  if (!message) {
    ZVONOK_CHECK(!pair::to_text(message.error()).empty());
    if (is_clear) ZVONOK_CHECK(deserves(error ? boost::json::value{} : document, message.error()));
    return 0;
  }
  if (is_clear) ZVONOK_CHECK(!error && document.is_object() && says(document.as_object(), *message));
  const ConnectionId to{1};
  const auto command = pair::to_command(to, *std::move(message));
  if (command) check_relay(*command, to);
  return 0;
}
