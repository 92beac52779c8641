// A Socket.IO packet is taken or refused as its JSON is by another parser; what is taken comes back the same when it is
// written again; and placeholders, once found, are found again in the same places.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/check.h"
#include "proto/socketio/json_text.h"
#include "proto/socketio/packet.h"
#include "proto/websocket/frame.h"

using namespace zvonok;
using namespace zvonok::socketio;

namespace {

/// Whether Boost.JSON takes the text. It refuses lone surrogates, and numbers that are too large for it.
bool is_json(std::string_view text, bool& is_clear) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::error_code error;
  const auto value = boost::json::parse({text.data(), text.size()}, error, {}, options);
  is_clear = !text.contains("\\u") && error != boost::json::error::exponent_overflow;
  return !error;
}

void check_values(std::string_view text) {
  bool is_clear = false;
  const bool expected = is_json(text, is_clear);
  const auto value = scan_value(text);
  if (is_clear) ZVONOK_CHECK(value.has_value() == expected);
  if (!value) return;
  ZVONOK_CHECK(scan_value(value->text).has_value());
  if (value->type == JsonType::String) ZVONOK_CHECK(websocket::is_valid_utf8(unescape(value->text)));
}

void check_items(std::string_view items) {
  std::string joined;
  while (const auto item = take_item(items)) {
    ZVONOK_CHECK(scan_value(item->text).has_value());
    if (!joined.empty()) joined += ',';
    joined += item->text;
  }
  ZVONOK_CHECK(items.empty());
  ZVONOK_CHECK(scan_array("[" + joined + "]").has_value());
}

void check_placeholders(std::string_view args, std::size_t attachments) {
  const auto found = find_placeholders(args, attachments);
  if (!found) return;
  ZVONOK_CHECK(found->order.size() <= attachments);
  for (const std::size_t number : found->order) ZVONOK_CHECK(number < attachments);
  ZVONOK_CHECK(scan_array("[" + found->items + "]").has_value());
  const auto again = find_placeholders(found->items, found->order.size());
  ZVONOK_CHECK(again && again->items == found->items && again->order.size() == found->order.size());
  for (std::size_t i = 0; i < again->order.size(); ++i) ZVONOK_CHECK(again->order[i] == i);
}

/// What it says, in the form in which packets are sent.
std::string written(const Packet& packet) {
  std::string out;
  const PacketHead head{.type = packet.type == PacketType::Event || packet.type == PacketType::BinaryEvent
                                    ? PacketType::Event
                                    : PacketType::Ack,
                        .nsp = packet.nsp,
                        .id = packet.id,
                        .attachments = packet.attachments};
  append_head(out, head);
  out += '[';
  out += packet.name;
  if (!packet.name.empty() && !packet.args.empty()) out += ',';
  out += packet.args;
  out += ']';
  return out.substr(1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (!websocket::is_valid_utf8(text)) return 0;  // the transport refuses it
  check_values(text);
  const auto packet = parse_packet(text);
  if (!packet) {
    ZVONOK_CHECK(!to_text(packet.error()).empty());
    return 0;
  }
  ZVONOK_CHECK(packet->attachments <= kAttachmentsMax);
  ZVONOK_CHECK(packet->nsp.starts_with('/') && !packet->nsp.contains(','));
  switch (packet->type) {
    case PacketType::Connect:
    case PacketType::Disconnect:
    case PacketType::ConnectError: return 0;
    case PacketType::Event:
    case PacketType::BinaryEvent:
      if (packet->name.empty()) return 0;
      break;
    case PacketType::Ack:
    case PacketType::BinaryAck: break;
  }
  check_items(packet->args);
  check_placeholders(packet->args, packet->attachments);
  const std::string once = written(*packet);
  const auto again = parse_packet(once);
  ZVONOK_CHECK(again && again->type == packet->type && again->nsp == packet->nsp && again->id == packet->id &&
               again->attachments == packet->attachments && again->name == packet->name);
  ZVONOK_CHECK(written(*again) == once);
  return 0;
}
