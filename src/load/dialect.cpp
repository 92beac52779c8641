#include "load/dialect.h"

#include <charconv>

#include "proto/json_scan.h"

namespace zvonok::load {
namespace {

using Type = ServerMessage::Type;

Type type_of(std::string_view raw) {
  if (raw == "joined") return Type::Joined;
  if (raw == "offer") return Type::Offer;
  if (raw == "answer") return Type::Answer;
  if (raw == "error") return Type::Error;
  if (raw == "quality") return Type::Quality;
  return Type::Other;
}

/// The text member `name` of an object.
std::string text_member(std::string_view object, std::string_view name) {
  json::ObjectReader reader{object};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, name) && member->value.type == json::Type::String) {
      return json::unescape(member->value.raw_string());
    }
  }
  return {};
}

}  // namespace

std::string room_message(std::string_view type, std::string_view session, std::string_view payload) {
  std::string out = "{\"type\":";
  json::append_string(out, type);
  out += ",\"sessionId\":";
  json::append_string(out, session);
  if (!payload.empty()) {
    out += ",\"payload\":";
    out += payload;
  }
  return out + "}";
}

std::string description_payload(std::string_view type, std::string_view sdp) {
  std::string out = "{\"type\":";
  json::append_string(out, type);
  out += ",\"sdp\":";
  json::append_string(out, sdp);
  return out + "}";
}

std::string offer_payload(std::string_view sdp) {
  std::string out = description_payload("offer", sdp);
  out.pop_back();
  return out + ",\"polite\":false}";
}

std::optional<ServerMessage> read_message(std::string_view text) {
  json::ObjectReader reader{text};
  std::optional<Type> type;
  std::string_view payload;
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "type") && member->value.type == json::Type::String) {
      type = type_of(member->value.raw_string());
      if (*type == Type::Other) return ServerMessage{};
    } else if (json::raw_is(member->key, "payload") && member->value.type == json::Type::Object) {
      payload = member->value.text;
    }
  }
  if (!reader.valid() || !type) return std::nullopt;
  switch (*type) {
    case Type::Quality: return ServerMessage{.type = *type, .text = std::string{payload}};
    case Type::Joined:
    case Type::Other: return ServerMessage{.type = *type, .text = {}};
    case Type::Offer:
    case Type::Answer: return ServerMessage{.type = *type, .text = text_member(payload, "sdp")};
    case Type::Error:
      return ServerMessage{.type = *type,
                           .text = text_member(payload, "code") + ": " + text_member(payload, "message")};
  }
  return std::nullopt;
}

Quality read_quality(std::string_view payload) {
  Quality out;
  json::ObjectReader reader{payload};
  while (const auto member = reader.next()) {
    const std::string_view text = member->value.text;
    if (json::raw_is(member->key, "score") && member->value.type == json::Type::Number) {
      static_cast<void>(std::from_chars(text.data(), text.data() + text.size(), out.score));
    } else if (json::raw_is(member->key, "estimate") && member->value.type == json::Type::Number) {
      static_cast<void>(std::from_chars(text.data(), text.data() + text.size(), out.estimate));
    } else if (json::raw_is(member->key, "layers") && member->value.type == json::Type::Object) {
      json::ObjectReader layers{text};
      while (const auto layer = layers.next()) {
        if (layer->value.type == json::Type::String) out.layers.push_back(json::unescape(layer->value.raw_string()));
      }
    }
  }
  return out;
}

}  // namespace zvonok::load
