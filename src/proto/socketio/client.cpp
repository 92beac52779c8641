#include "proto/socketio/client.h"

#include <charconv>

#include "proto/engineio/packet.h"
#include "proto/json_scan.h"
#include "proto/socketio/json_text.h"
#include "proto/socketio/packet.h"

namespace zvonok::socketio {
namespace {

/// A member that is a whole number of milliseconds, at most an hour.
std::optional<milliseconds> milliseconds_of(std::string_view object, std::string_view key) {
  std::optional<milliseconds> found;
  json::ObjectReader reader{object};
  while (const auto member = reader.next()) {
    if (!json::raw_is(member->key, key) || member->value.type != json::Type::Number) continue;
    unsigned value = 0;
    const char* const end = member->value.text.data() + member->value.text.size();
    const auto [at, error] = std::from_chars(member->value.text.data(), end, value);
    if (error == std::errc{} && at == end && value <= 3'600'000) found = milliseconds{value};
  }
  return found;
}

std::string message_of(std::string_view error) {
  std::string message{error};
  json::ObjectReader reader{error};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "message") && member->value.type == json::Type::String) {
      message = json::unescape(member->value.raw_string());
    }
  }
  return message;
}

}  // namespace

Client::Client(Options options, TimePoint now) : options_{std::move(options)}, deadline_{now + options_.open_timeout} {}

Result<void, std::string> Client::handle_text(std::string_view text, TimePoint now) {
  const auto packet = engineio::parse_packet(text);
  if (!packet) return fail(std::string{"the server sent no Engine.IO packet"});
  if (!opened_ && packet->type != engineio::PacketType::Open) {
    return fail(std::string{"the server did not begin with its handshake"});
  }
  if (opened_) deadline_ = now + silence_max_;
  switch (packet->type) {
    case engineio::PacketType::Open: return opened_ ? Result<void, std::string>{} : open(packet->data, now);
    case engineio::PacketType::Ping: out_.emplace_back("3").append(packet->data); return {};
    case engineio::PacketType::Message: return handle_message(packet->data);
    case engineio::PacketType::Close: return fail(std::string{"the server closed the connection"});
    case engineio::PacketType::Pong:
    case engineio::PacketType::Upgrade:
    case engineio::PacketType::Noop: return {};
  }
  return {};
}

Result<void, std::string> Client::open(std::string_view handshake, TimePoint now) {
  const auto interval = milliseconds_of(handshake, "pingInterval");
  const auto timeout = milliseconds_of(handshake, "pingTimeout");
  if (!interval || !timeout) return fail(std::string{"the server's handshake has no ping times"});
  silence_max_ = *interval + *timeout;
  deadline_ = now + silence_max_;
  opened_ = true;
  std::string connect;
  append_head(connect, {.type = PacketType::Connect, .nsp = options_.nsp});
  out_.push_back(std::move(connect.append(options_.auth)));
  return {};
}

Result<void, std::string> Client::handle_message(std::string_view message) {
  const auto packet = parse_packet(message);
  if (!packet) return fail("the server broke Socket.IO: " + std::string{to_text(packet.error())});
  if (packet->nsp != options_.nsp) return {};
  if (events_.size() >= options_.events_max) return fail(std::string{"the server sends more than can be heard"});
  switch (packet->type) {
    case PacketType::Connect:
      joined_ = true;
      events_.emplace_back(Joined{});
      break;
    case PacketType::ConnectError: events_.emplace_back(Refused{message_of(packet->payload)}); break;
    case PacketType::Disconnect:
      joined_ = false;
      events_.emplace_back(PutOut{});
      break;
    case PacketType::Event:
      if (packet->name.starts_with('"')) events_.emplace_back(Event{unescape(packet->name), std::string{packet->args}});
      break;
    case PacketType::Ack:
    case PacketType::BinaryEvent:
    case PacketType::BinaryAck: break;
  }
  return {};
}

Result<void, std::string> Client::handle_timeout(TimePoint now) {
  if (now < deadline_) return {};
  return fail(std::string{opened_ ? "the server has fallen silent" : "the server did not answer"});
}

void Client::emit(std::string_view name, std::string_view args) {
  if (!joined_) return;
  append_event(out_.emplace_back(), {.type = PacketType::Event, .nsp = options_.nsp}, name, args);
}

std::optional<std::string> Client::poll_transmit() {
  if (out_.empty()) return std::nullopt;
  std::string text = std::move(out_.front());
  out_.pop_front();
  return text;
}

std::optional<Client::Happening> Client::poll_event() {
  if (events_.empty()) return std::nullopt;
  Happening event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace zvonok::socketio
