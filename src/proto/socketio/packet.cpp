#include "proto/socketio/packet.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "proto/socketio/json_text.h"

namespace zvonok::socketio {
namespace {

constexpr std::array<std::string_view, 6> kReservedNames{"connect",       "connect_error", "disconnect",
                                                         "disconnecting", "newListener",   "removeListener"};
// 2^53: JavaScript counts no further one by one.
constexpr AckId kAckIdMax = AckId{1} << 53;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The digits at the front of `rest`, taken off it; "" when there are none.
std::string_view take_digits(std::string_view& rest) {
  const auto end = std::ranges::find_if_not(rest, is_digit);
  const auto count = static_cast<std::size_t>(end - rest.begin());
  const std::string_view digits = rest.substr(0, count);
  rest.remove_prefix(count);
  return digits;
}

std::optional<std::uint64_t> to_number(std::string_view digits, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value > most) return std::nullopt;
  return value;
}

bool is_binary(PacketType type) {
  return type == PacketType::BinaryEvent || type == PacketType::BinaryAck;
}

bool is_reserved(std::string_view name_token) {
  const auto listed = [](std::string_view name) {
    return std::ranges::find(kReservedNames, name) != kReservedNames.end();
  };
  if (name_token.contains('\\')) return listed(unescape(name_token));
  return listed(name_token.substr(1, name_token.size() - 2));
}

Result<void, PacketError> read_event(std::string_view json, Packet& packet) {
  const auto array = scan_array(json);
  if (!array) return fail(scan_value(json) ? PacketError::BadShape : PacketError::BadJson);
  if (!array->first) return fail(PacketError::BadShape);
  switch (array->first->type) {
    case JsonType::String:
      if (is_reserved(array->first->text)) return fail(PacketError::ReservedName);
      break;
    case JsonType::Number: break;
    case JsonType::Null:
    case JsonType::Bool:
    case JsonType::Array:
    case JsonType::Object: return fail(PacketError::BadShape);
  }
  packet.name = array->first->text;
  packet.args = array->rest;
  return {};
}

Result<void, PacketError> read_payload(std::string_view json, Packet& packet) {
  switch (packet.type) {
    case PacketType::Disconnect: return fail(PacketError::BadShape);  // has none
    case PacketType::Event:
    case PacketType::BinaryEvent: return read_event(json, packet);
    case PacketType::Connect:
    case PacketType::ConnectError:
    case PacketType::Ack:
    case PacketType::BinaryAck: break;
  }
  if (packet.type == PacketType::Ack || packet.type == PacketType::BinaryAck) {
    const auto array = scan_array(json);
    if (!array) return fail(scan_value(json) ? PacketError::BadShape : PacketError::BadJson);
    packet.args = array->items;
    return {};
  }
  const auto value = scan_value(json);
  if (!value) return fail(PacketError::BadJson);
  const bool may_be_text = packet.type == PacketType::ConnectError && value->type == JsonType::String;
  if (value->type != JsonType::Object && !may_be_text) return fail(PacketError::BadShape);
  packet.payload = value->text;
  return {};
}

/// "/name," or "/name" at the end of the packet.
Result<void, PacketError> read_namespace(std::string_view& rest, Packet& packet) {
  if (!rest.starts_with('/')) return {};
  const std::size_t comma = std::min(rest.find(','), rest.size());
  packet.nsp = rest.substr(0, comma);
  rest.remove_prefix(std::min(comma + 1, rest.size()));
  if (packet.nsp.size() > kNamespaceBytesMax) return fail(PacketError::BadNamespace);
  return {};
}

}  // namespace

std::string_view to_text(PacketError error) {
  switch (error) {
    case PacketError::UnknownType: return "unknown_type";
    case PacketError::BadAttachments: return "bad_attachments";
    case PacketError::BadNamespace: return "bad_namespace";
    case PacketError::BadAckId: return "bad_ack_id";
    case PacketError::BadJson: return "bad_json";
    case PacketError::BadShape: return "bad_shape";
    case PacketError::ReservedName: return "reserved_name";
    case PacketError::BadPlaceholder: return "bad_placeholder";
    case PacketError::TextTooEarly: return "text_too_early";
    case PacketError::BinaryTooEarly: return "binary_too_early";
    case PacketError::AttachmentsTooBig: return "attachments_too_big";
    case PacketError::WrongState: return "wrong_state";
    case PacketError::HeldTooMuch: return "held_too_much";
  }
  return "unknown";
}

Result<Packet, PacketError> parse_packet(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '6') return fail(PacketError::UnknownType);
  Packet packet;
  packet.type = static_cast<PacketType>(text.front() - '0');
  std::string_view rest = text.substr(1);
  if (is_binary(packet.type)) {
    const auto count = to_number(take_digits(rest), kAttachmentsMax);
    if (!count || *count == 0 || !rest.starts_with('-')) return fail(PacketError::BadAttachments);
    packet.attachments = static_cast<std::size_t>(*count);
    rest.remove_prefix(1);
  }
  if (auto read = read_namespace(rest, packet); !read) return fail(read.error());
  if (const std::string_view digits = take_digits(rest); !digits.empty()) {
    packet.id = to_number(digits, kAckIdMax);
    if (!packet.id) return fail(PacketError::BadAckId);
  }
  if (!rest.empty()) {
    if (auto read = read_payload(rest, packet); !read) return fail(read.error());
  }
  return packet;
}

void append_head(std::string& out, const PacketHead& head) {
  PacketType type = head.type;
  if (head.attachments > 0) type = type == PacketType::Event ? PacketType::BinaryEvent : PacketType::BinaryAck;
  out += '4';
  out += static_cast<char>('0' + static_cast<char>(type));
  std::array<char, 20> digits{};
  const auto append_number = [&](std::uint64_t number) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
  };
  if (head.attachments > 0) {
    append_number(head.attachments);
    out += '-';
  }
  if (head.nsp != kMainNamespace) {
    out += head.nsp;
    out += ',';
  }
  if (head.id) append_number(*head.id);
}

void append_event(std::string& out, const PacketHead& head, std::string_view name, std::string_view args) {
  append_head(out, head);
  out += '[';
  append_json_string(out, name);
  if (!args.empty()) out += ',';
  out += args;
  out += ']';
}

void append_ack(std::string& out, const PacketHead& head, std::string_view args) {
  append_head(out, head);
  out += '[';
  out += args;
  out += ']';
}

}  // namespace zvonok::socketio
