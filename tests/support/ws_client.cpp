#include "support/ws_client.h"

#include <stdexcept>

namespace zvonok::test {

std::string frame_bytes(const WsFrame& frame) {
  std::string out;
  out += static_cast<char>((frame.fin ? 0x80 : 0) | ((frame.reserved & 7) << 4) | static_cast<int>(frame.opcode));
  const std::size_t size = frame.payload.size();
  const int mask_bit = frame.masked ? 0x80 : 0;
  if (size < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(size));
  } else if (size < 65536) {
    out += static_cast<char>(mask_bit | 126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size & 0xff);
  } else {
    out += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((size >> shift) & 0xff);
  }
  if (!frame.masked) return out + frame.payload;
  constexpr char kKey[4] = {0x37, 0x5a, 0x21, 0x3d};
  out.append(kKey, 4);
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(frame.payload[i] ^ kKey[i % 4]);
  return out;
}

WsClient::WsClient(std::uint16_t port, const WsOpenOptions& options) : tcp_{port, options.connect} {
  std::string request = "GET " + options.target + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
                        "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  for (const auto& [name, value] : options.headers) request += name + ": " + value + "\r\n";
  tcp_.send(request + "\r\n");
  const auto reply = tcp_.read_reply();
  if (!reply) throw std::runtime_error{"no answer to the upgrade"};
  if (reply->status != 101) throw std::runtime_error{"upgrade answered with " + std::to_string(reply->status)};
  // RFC 6455 section 1.3 gives the answer to this key.
  if (reply->header("sec-websocket-accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
    throw std::runtime_error{"wrong Sec-WebSocket-Accept"};
  }
}

WsClient::WsClient(std::uint16_t port, const std::string& token, const std::string& device)
    : WsClient{port, WsOpenOptions{.target = "/ws?token=" + token + (device.empty() ? "" : "&device=" + device),
                                   .headers = {},
                                   .connect = {}}} {}

void WsClient::send_text(std::string_view text) {
  send_frame(WsFrame{.opcode = WsOpcode::Text, .payload = std::string{text}});
}

void WsClient::send_frame(const WsFrame& frame) {
  tcp_.send(frame_bytes(frame));
}

void WsClient::send(std::string_view event, std::string_view payload_json) {
  send_text("{\"event\":\"" + std::string{event} + "\",\"payload\":" + std::string{payload_json} + "}");
}

WsIncoming WsClient::next() {
  WsIncoming incoming;
  for (;;) {
    const std::string head = tcp_.read_exactly(2);
    if (head.size() < 2) return incoming;
    const auto first = static_cast<unsigned char>(head[0]);
    auto size = static_cast<std::size_t>(static_cast<unsigned char>(head[1]));
    if (size > 127) throw std::runtime_error{"the server masked a frame"};
    if (size >= 126) {
      const std::string more = tcp_.read_exactly(size == 126 ? 2 : 8);
      size = 0;
      for (const char c : more) size = (size << 8) | static_cast<unsigned char>(c);
    }
    const std::string payload = tcp_.read_exactly(size);
    if (payload.size() < size) return incoming;
    if ((first & 0xf0) != 0x80) throw std::runtime_error{"the server fragmented a message, or set reserved bits"};
    switch (static_cast<WsOpcode>(first & 0x0f)) {
      case WsOpcode::Text:
        incoming.kind = WsIncoming::Kind::Text;
        incoming.text = payload;
        return incoming;
      case WsOpcode::Binary:
        incoming.kind = WsIncoming::Kind::Binary;
        incoming.text = payload;
        return incoming;
      case WsOpcode::Close:
        incoming.kind = WsIncoming::Kind::Closed;
        if (payload.size() >= 2) {
          incoming.code = static_cast<std::uint16_t>((static_cast<unsigned char>(payload[0]) << 8) |
                                                     static_cast<unsigned char>(payload[1]));
          incoming.reason = payload.substr(2);
        }
        return incoming;
      case WsOpcode::Ping: send_frame(WsFrame{.opcode = WsOpcode::Pong, .payload = payload}); break;
      case WsOpcode::Pong: break;
      case WsOpcode::Continuation: throw std::runtime_error{"the server sent a broken frame"};
    }
  }
}

WsEvent WsClient::event() {
  const WsIncoming incoming = next();
  if (incoming.kind != WsIncoming::Kind::Text) {
    throw std::runtime_error{"the WebSocket ended: " + std::to_string(incoming.code) + " " + incoming.reason};
  }
  const boost::json::value value = boost::json::parse(incoming.text);
  WsEvent event{.name = std::string{value.at("event").as_string()}, .payload = {}, .raw = incoming.text};
  if (value.as_object().contains("payload")) event.payload = value.at("payload").as_object();
  return event;
}

boost::json::object WsClient::expect(std::string_view name) {
  WsEvent got = event();
  if (got.name != name) throw std::runtime_error{"expected " + std::string{name} + ", got " + got.raw};
  return std::move(got.payload);
}

void WsClient::expect_nothing() {
  // The server answers in order: whatever it had for us before this message comes before the answer to it.
  send_text("probe: not JSON");
  const WsEvent got = event();
  if (got.name != "call:error" || got.payload.at("code") != "bad-message") {
    throw std::runtime_error{"expected nothing, got " + got.raw};
  }
}

void WsClient::close(std::uint16_t code) {
  std::string payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 0xff);
  send_frame(WsFrame{.opcode = WsOpcode::Close, .payload = payload});
}

}  // namespace zvonok::test
