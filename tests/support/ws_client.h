// A WebSocket client for tests, of bytes up: it can be proper and it can be hostile. Shares no code with the server.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "support/tcp_client.h"

namespace zvonok::test {

enum class WsOpcode : std::uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

struct WsFrame {
  WsOpcode opcode = WsOpcode::Text;
  std::string payload;
  bool fin = true;
  bool masked = true;
  std::uint8_t reserved = 0;  // RSV1..3 as bits 4, 2, 1
};
std::string frame_bytes(const WsFrame& frame);

/// What came: a message, or how the connection ended.
struct WsIncoming {
  enum class Kind { Text, Binary, Closed, Ended } kind = Kind::Ended;  // Ended: no close frame came
  std::string text;                                                    // of both kinds of message
  std::uint16_t code = 0;                                              // of the close frame
  std::string reason;
};

struct WsEvent {
  std::string name;
  boost::json::object payload;
  std::string raw;
};

struct WsOpenOptions {
  std::string target = "/ws";
  std::vector<std::pair<std::string, std::string>> headers;
  ConnectOptions connect;
};

class WsClient {
 public:
  /// Throws unless the server answers 101.
  explicit WsClient(std::uint16_t port, const WsOpenOptions& options);
  /// `/ws?token=...` and perhaps `&device=...`.
  WsClient(std::uint16_t port, const std::string& token, const std::string& device = {});

  void send_text(std::string_view text);
  void send_frame(const WsFrame& frame);
  void send(std::string_view event, std::string_view payload_json);
  void send(std::string_view event) { send_text("{\"event\":\"" + std::string{event} + "\"}"); }

  /// The next message or the end. Answers pings.
  WsIncoming next();
  /// The next message as an event. Throws when the connection ends instead.
  WsEvent event();
  /// Throws when the next message is another event.
  boost::json::object expect(std::string_view name);
  /// Throws with what came when anything was sent to this client by messages the server has handled before this call.
  void expect_nothing();
  void close(std::uint16_t code = 1000);
  [[nodiscard]] TcpClient& tcp() { return tcp_; }

 private:
  TcpClient tcp_;
};

}  // namespace zvonok::test
