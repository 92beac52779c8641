// WebSocket framing, RFC 6455, without sockets: bytes in, messages out. No extension is ever negotiated, so RSV bits
// are errors. One decoder per direction of one connection; not thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace zvonok::websocket {

/// RFC 6455 section 11.8.
enum class Opcode : std::uint8_t { Continuation = 0x0, Text = 0x1, Binary = 0x2, Close = 0x8, Ping = 0x9, Pong = 0xA };

/// RFC 6455 section 7.4.1, and our own of the 4000 range (docs/protocol/pair.md).
enum class CloseCode : std::uint16_t {
  Normal = 1000,
  GoingAway = 1001,
  ProtocolError = 1002,
  UnsupportedData = 1003,
  NoStatus = 1005,  // never on the wire
  InvalidPayload = 1007,
  PolicyViolation = 1008,
  MessageTooBig = 1009,
  InternalError = 1011,
  TryAgainLater = 1013,
  Replaced = 4000,
  Unauthorized = 4001,
  SlowConsumer = 4008,
  TooManyConnections = 4029,
};

/// Who sent what we decode: clients mask (section 5.3), servers must not.
enum class Sender { Client, Server };

struct DecoderLimits {
  std::size_t message_bytes_max = 256 * 1024;
  std::size_t fragments_max = 64;  // frames of one message; bounds bookkeeping, not only bytes
};

/// Why the connection has to be closed. `reason` is static text.
struct ProtocolFailure {
  CloseCode code = CloseCode::ProtocolError;
  std::string_view reason;
};

/// Receives what the decoder finds. Views are valid until the method returns.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// A whole message. Text is valid UTF-8.
  virtual void on_message(Opcode opcode, std::string_view payload) = 0;
  virtual void on_ping(std::string_view payload) = 0;
  virtual void on_pong(std::string_view payload) = 0;
  /// `code` is NoStatus when the frame had none.
  virtual void on_close(std::uint16_t code, std::string_view reason) = 0;
  /// Asked before each frame: false stops decoding; the rest stays in the decoder until the next `feed`.
  [[nodiscard]] virtual bool wants_more() const = 0;
};

class Decoder {
 public:
  Decoder(Sender sender, DecoderLimits limits) : sender_{sender}, limits_{limits} {}

  /// Decodes `data`, which is unmasked in place. Bytes of an unfinished frame are kept (an idle decoder holds no
  /// memory). False: the stream is broken, `failure()` says how, and the decoder must not be fed again.
  [[nodiscard]] bool feed(MutableBytes data, MessageSink& sink);
  [[nodiscard]] const ProtocolFailure& failure() const { return failure_; }
  /// Bytes kept for an unfinished frame or message, for limits and statistics.
  [[nodiscard]] std::size_t buffered_bytes() const { return pending_.size() + message_.size(); }

 private:
  struct Header;
  enum class Step { NeedMore, Decoded, Failed };

  Step decode_one(MutableBytes data, std::size_t& consumed, MessageSink& sink);
  bool parse_header(Bytes data, Header& header);
  bool check_header(const Header& header);
  bool dispatch(const Header& header, std::string_view payload, MessageSink& sink);
  bool dispatch_control(const Header& header, std::string_view payload, MessageSink& sink);
  bool dispatch_data(const Header& header, std::string_view payload, MessageSink& sink);
  bool deliver(Opcode opcode, std::string_view payload, MessageSink& sink);
  bool broken(CloseCode code, std::string_view reason);

  Sender sender_;
  DecoderLimits limits_;
  std::string pending_;  // an unfinished frame
  std::string message_;  // the finished fragments of an unfinished message
  std::size_t fragments_ = 0;
  Opcode message_opcode_ = Opcode::Continuation;  // Continuation: no message is open
  ProtocolFailure failure_;
};

/// Appends one unfragmented, unmasked frame (what servers send).
void append_frame(std::string& out, Opcode opcode, std::string_view payload);
/// The same without its payload, which has to follow.
void append_frame_header(std::string& out, Opcode opcode, std::size_t payload_bytes);
/// Appends one unfragmented frame masked with `mask` (what clients send).
void append_masked_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask);
/// Appends a close frame; `reason` is cut to the 123 bytes that a control frame leaves for it.
void append_close(std::string& out, CloseCode code, std::string_view reason);

/// Strict UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing past U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

}  // namespace zvonok::websocket
