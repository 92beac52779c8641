// Socket.IO protocol 5: packets as text and back. What is parsed are views of the text; JSON stays text.
//
//     <type>[<attachments>-][<namespace>,][<ack id>][JSON]       behind the "4" of an Engine.IO message
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace zvonok::socketio {

enum class PacketType : std::uint8_t { Connect, Disconnect, Event, Ack, ConnectError, BinaryEvent, BinaryAck };

/// Names one event or acknowledgement of one socket; unique for its sender and namespace.
using AckId = std::uint64_t;

constexpr std::string_view kMainNamespace = "/";
constexpr std::size_t kNamespaceBytesMax = 1024;
constexpr std::size_t kAttachmentsMax = 10;

struct Packet {
  PacketType type = PacketType::Connect;
  std::string_view nsp = kMainNamespace;
  std::optional<AckId> id{};
  std::size_t attachments = 0;  // 1 to kAttachmentsMax for the binary types, else 0
  /// Connect: an object, or "" when there was none. ConnectError: an object or a string.
  std::string_view payload{};
  /// Event, BinaryEvent: the token of its name, a string with its quotes or a number; "" when there was no payload.
  std::string_view name{};
  /// Events and acknowledgements: comma-separated values.
  std::string_view args{};
};

/// Why a packet ends its connection.
enum class PacketError : std::uint8_t {
  UnknownType,
  BadAttachments,  // no number from 1 to kAttachmentsMax
  BadNamespace,    // too long
  BadAckId,        // past what a JavaScript number can count
  BadJson,         // doesn't parse, goes on behind its end, or is too deep
  BadShape,        // no object, no array, or no event name where there must be one
  ReservedName,    // an event with a name that the libraries use for their own
  BadPlaceholder,  // an attachment that isn't there
  TextTooEarly,    // attachments were to come
  BinaryTooEarly,  // none was to come
  AttachmentsTooBig,
  WrongState,   // the first is no CONNECT, not joined, joined twice, or not a client's to send
  HeldTooMuch,  // sent too much before the namespace let it in
};
constexpr std::size_t kPacketErrorCount = static_cast<std::size_t>(PacketError::HeldTooMuch) + 1;

[[nodiscard]] std::string_view to_text(PacketError error);

/// Placeholders are not looked at: see `find_placeholders`.
[[nodiscard]] Result<Packet, PacketError> parse_packet(std::string_view text);

/// What stands in front of the JSON of an outgoing packet, with the "4" of the Engine.IO message.
struct PacketHead {
  PacketType type = PacketType::Event;
  std::string_view nsp = kMainNamespace;
  std::optional<AckId> id{};
  std::size_t attachments = 0;  // makes the types binary
};
void append_head(std::string& out, const PacketHead& head);

/// `4<head>["name",args]`. `head.type` is Event.
void append_event(std::string& out, const PacketHead& head, std::string_view name, std::string_view args);
/// `4<head>[args]`. `head.type` is Ack.
void append_ack(std::string& out, const PacketHead& head, std::string_view args);

}  // namespace zvonok::socketio
