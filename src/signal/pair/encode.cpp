#include "signal/pair/encode.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "base/check.h"
#include "base/time.h"
#include "proto/json_scan.h"

namespace zvonok::signal::pair {
namespace {

void begin_message(std::string& out, std::string_view event) {
  out += R"({"event":")";
  out += event;
  out += R"(","payload":)";
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out.push_back('"');
  out += key;
  out += "\":";
  json::append_string(out, text);
}

void append_number(std::string& out, std::int64_t value) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  ZVONOK_CHECK(error == std::errc{});
  out.append(digits.data(), end);
}

void append_milliseconds(std::string& out, std::string_view key, Duration value) {
  out.push_back('"');
  out += key;
  out += "\":";
  append_number(out, std::chrono::duration_cast<milliseconds>(value).count());
}

void append_relayed(std::string& out, std::string_view event, std::string_view payload) {
  out.reserve(out.size() + payload.size() + 48);
  begin_message(out, event);
  out += payload;
  out.push_back('}');
}

/// `raw` without the members of that name. Says whether any member is left.
enum class Left { Members, Nothing };
Left append_members_except(std::string& out, std::string_view raw, std::string_view key) {
  // Cut points: a member goes with the comma and space behind it, or, when it is the last, with those before it.
  json::ObjectReader reader{raw};
  const char* copied = raw.data();  // everything before is in `out` or left out
  const char* kept_end = nullptr;   // the end of the last kept member, once there is one
  bool dropping = false;
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, key)) {
      if (!dropping) {
        // Up to here all is kept, but for the comma: whether it is needed shows at the next kept member.
        const char* const stop = kept_end != nullptr ? kept_end : member->begin;
        out.append(copied, stop);
      }
      dropping = true;
      continue;
    }
    if (dropping) {
      if (kept_end != nullptr) out.push_back(',');
      copied = member->begin;
      dropping = false;
    }
    kept_end = member->value.text.data() + member->value.text.size();
  }
  if (!dropping) out.append(copied, raw.data() + raw.size() - 1);
  return kept_end != nullptr ? Left::Members : Left::Nothing;
}

}  // namespace

void append_with_member(std::string& out, std::string_view raw, std::string_view key, std::string_view value) {
  if (raw.empty()) raw = "{}";
  if (append_members_except(out, raw, key) == Left::Members) out.push_back(',');
  append_member(out, key, value);
  out.push_back('}');
}

void encode(std::string& out, const call::DeliverOffer& offer) {
  out.reserve(out.size() + offer.payload.size() + offer.from.value().size() + 64);
  begin_message(out, "call:offer");
  append_with_member(out, offer.payload, "fromUserId", offer.from.value());
  out.push_back('}');
}

void encode(std::string& out, const call::DeliverAnswer& answer) {
  append_relayed(out, "call:answer", answer.payload);
}

void encode(std::string& out, const call::DeliverIce& ice) {
  append_relayed(out, "call:ice", ice.payload);
}

void encode(std::string& out, const call::DeliverHangup& hangup) {
  if (hangup.reason_from == call::ReasonFrom::Client && !hangup.payload.empty()) {
    append_relayed(out, "call:hangup", hangup.payload);
    return;
  }
  begin_message(out, "call:hangup");
  append_with_member(out, hangup.payload, "reason", to_text(hangup.reason));
  out.push_back('}');
}

void encode(std::string& out, const call::DeliverError& error) {
  encode_error(out, error.code, error.message);
}

void encode_error(std::string& out, call::ErrorCode code, std::string_view message) {
  begin_message(out, "call:error");
  out.push_back('{');
  append_member(out, "code", to_text(code));
  out.push_back(',');
  append_member(out, "message", message);
  out += "}}";
}

void encode_auth_ok(std::string& out, const UserId& user) {
  begin_message(out, "auth:ok");
  out.push_back('{');
  append_member(out, "userId", user.value());
  out += "}}";
}

void encode(std::string& out, const call::DeliverServerHello& hello) {
  begin_message(out, "server:hello");
  out.push_back('{');
  append_member(out, "userId", hello.user.value());
  out += R"(,"device":)";
  if (hello.device.empty()) {
    out += "null";
  } else {
    json::append_string(out, hello.device.value());
  }
  out.push_back(',');
  append_milliseconds(out, "reconnectGraceMs", hello.reconnect_grace);
  out.push_back(',');
  append_milliseconds(out, "ringTimeoutMs", hello.ring_timeout);
  out += R"(,"call":)";
  if (!hello.call) {
    out += "null}}";
    return;
  }
  out.push_back('{');
  append_member(out, "callId", hello.call->call.value());
  out.push_back(',');
  append_member(out, "peerUserId", hello.call->peer.value());
  out.push_back(',');
  append_member(out, "state", to_text(hello.call->state));
  out.push_back(',');
  append_member(out, "role", to_text(hello.call->role));
  out += "}}}";
}

void encode(std::string& out, const call::DeliverCallStarted& started) {
  begin_message(out, "call:started");
  out.push_back('{');
  append_member(out, "callId", started.call.value());
  out.push_back(',');
  append_member(out, "peerUserId", started.peer.value());
  out.push_back(',');
  append_member(out, "role", to_text(started.role));
  out += "}}";
}

void encode(std::string& out, const call::DeliverRinging& ringing) {
  begin_message(out, "call:ringing");
  out.push_back('{');
  append_member(out, "callId", ringing.call.value());
  out += R"(,"devices":)";
  append_number(out, static_cast<std::int64_t>(ringing.devices));
  out += "}}";
}

void encode(std::string& out, const call::DeliverAnswered& answered) {
  begin_message(out, "call:answered");
  out.push_back('{');
  append_member(out, "callId", answered.call.value());
  out += "}}";
}

void encode(std::string& out, const call::DeliverPeerState& peer) {
  begin_message(out, "call:peer");
  out.push_back('{');
  append_member(out, "callId", peer.call.value());
  out.push_back(',');
  append_member(out, "state", to_text(peer.state));
  out += "}}";
}

void encode(std::string& out, const call::DeliverPresence& presence) {
  begin_message(out, "presence");
  out += R"({"users":[)";
  bool first = true;
  for (const call::UserPresence& user : presence.users) {
    if (!first) out.push_back(',');
    first = false;
    out.push_back('{');
    append_member(out, "userId", user.user.value());
    out += user.online ? R"(,"online":true})" : R"(,"online":false})";
  }
  out += "]}}";
}

}  // namespace zvonok::signal::pair
