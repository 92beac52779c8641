// The way to the media threads through the tunnel of a call: a Socket.IO client that gets its key, a VLESS client over
// WebSockets, and checks of connectivity through it.
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/framing/framing.h"
#include "proto/vless/mux.h"
#include "proto/vless/request.h"
#include "support/room_client.h"
#include "support/test_node.h"
#include "tunnel/options.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;
using Where = OfferedTransport::Where;

/// A socket in the namespace /call.
class CallSocket {
 public:
  CallSocket(const TestNode& node, const Person& person)
      : ws_{node.port(),
            WsOpenOptions{.target = "/socket.io/?EIO=4&transport=websocket", .headers = {}, .connect = {}}} {
    if (!next().starts_with('0')) throw std::runtime_error{"Engine.IO did not open"};
    ws_.send_text(R"(40/call,{"token":")" + person.token + "\"}");
    if (!next().starts_with("40/call,")) throw std::runtime_error{"not let into /call"};
  }
  void emit(const std::string& event, const std::string& argument) {
    ws_.send_text("42/call,[\"" + event + "\"," + argument + "]");
  }
  /// Reads until that event comes; its argument.
  json::object expect(const std::string& event) {
    for (;;) {
      const std::string text = next();
      constexpr std::string_view kEvent = "42/call,";
      if (!text.starts_with(kEvent)) continue;
      const json::array message = json::parse(text.substr(kEvent.size())).as_array();
      if (message.at(0).as_string() == event) return message.at(1).as_object();
      if (message.at(0).as_string() == "call-error") throw std::runtime_error{text};
    }
  }

 private:
  std::string next() {
    for (;;) {
      const WsIncoming in = ws_.next();
      if (in.kind != WsIncoming::Kind::Text) throw std::runtime_error{"Socket.IO ended"};
      if (in.text != "2") return in.text;
      ws_.send_text("3");
    }
  }
  WsClient ws_;
};

/// A stream of a VLESS client.
class VlessClient {
 public:
  VlessClient(const TestNode& node, const std::string& key, vless::Command command,
              const std::optional<SocketAddress>& to = {})
      : ws_{node.port(), WsOpenOptions{.target = "/call", .headers = {}, .connect = {}}} {
    std::array<std::uint8_t, vless::kRequestBytesMax> buffer{};
    ByteWriter writer{buffer};
    vless::write_request(writer, {.user = vless::parse_user_key(key).value(), .command = command, .target = {to}});
    send(as_text(writer.written()));
  }
  void send(std::string_view bytes) { ws_.send_frame({.opcode = WsOpcode::Binary, .payload = std::string{bytes}}); }
  /// A packet behind its length: a datagram of a UDP stream, or a packet of ICE-TCP.
  void send_packet(std::string_view packet) {
    const auto head = framing::frame_header(packet.size());
    send(std::string{as_text(head)} + std::string{packet});
  }
  std::string receive_packet() {
    const std::string head = read(2);
    return read(static_cast<std::size_t>(static_cast<unsigned char>(head[0])) * 256 +
                static_cast<unsigned char>(head[1]));
  }
  void send_mux(vless::mux::Head head, std::string_view data) {
    std::array<std::uint8_t, vless::mux::kWrittenBytesMax> buffer{};
    ByteWriter writer{buffer};
    head.data_bytes = data.size();
    vless::mux::write_head(writer, head);
    send(std::string{as_text(writer.written())} + std::string{data});
  }
  /// The next datagram of a Mux session, and whom it is from.
  std::pair<SocketAddress, std::string> receive_mux() {
    for (;;) {
      std::string more = read_message();
      Bytes bytes = as_bytes(more);
      const auto frame = mux_.next(bytes);
      if (!frame) throw std::runtime_error{"not a Mux frame"};
      if (!*frame || !(*frame)->data || !(*frame)->destination) continue;
      return {(*frame)->destination->target.at.value(), std::string{as_text(*(*frame)->data)}};
    }
  }
  /// Reads until the server ends it.
  void await_end() {
    for (;;) {
      const auto kind = ws_.next().kind;
      if (kind == WsIncoming::Kind::Closed || kind == WsIncoming::Kind::Ended) return;
    }
  }

 private:
  std::string read(std::size_t bytes) {
    while (stream_.size() < bytes) stream_ += read_message();
    std::string out = stream_.substr(0, bytes);
    stream_.erase(0, bytes);
    return out;
  }
  /// Without the server's header.
  std::string read_message() {
    const WsIncoming in = ws_.next();
    if (in.kind != WsIncoming::Kind::Binary) throw std::runtime_error{"the tunnel ended"};
    const std::size_t header = std::min(header_left_, in.text.size());
    header_left_ -= header;
    return in.text.substr(header);
  }
  WsClient ws_;
  std::size_t header_left_ = vless::kResponse.size();
  std::string stream_;
  vless::mux::Reader mux_;
};

struct TunnelToMedia : ::testing::Test {
  TunnelToMedia() {
    make_group(node, "one", {&alice, &bob});
    make_group(node, "two", {&carol, &alice});
    alice_calls.emit("initiate-call", R"({"calleeId":")" + bob.id + "\"}");
    call_id = bob_calls.expect("incoming-call").at("callId").as_string();
    bob_calls.emit("accept-call", R"({"callId":")" + call_id + "\"}");
    config = alice_calls.expect("vpn-config-received");
    key = std::string{config.at("xrayConfig")
                          .at("outbounds")
                          .as_array()
                          .at(0)
                          .at("settings")
                          .at("vnext")
                          .as_array()
                          .at(0)
                          .at("users")
                          .as_array()
                          .at(0)
                          .at("id")
                          .as_string()};
  }
  [[nodiscard]] SocketAddress sfu() const { return *SocketAddress::parse(config.at("sfuEndpoint").as_string()); }
  /// Where that room's media is inside the tunnel.
  static SocketAddress place_of(const RoomClient& room, ice::Protocol protocol) {
    const auto candidate = room.offer().candidate(protocol, Where::InTunnel);
    if (!candidate) throw std::runtime_error{"no candidate inside the tunnel"};
    return {.ip = *IpAddress::parse(candidate->address), .port = candidate->port};
  }

  TestNode node{[](app::Config& c) { c.media_threads = 2; }};
  Person alice = node.person("alice");
  Person bob = node.person("bob");
  Person carol = node.person("carol");
  CallSocket alice_calls{node, alice};
  CallSocket bob_calls{node, bob};
  std::string call_id;
  json::object config;
  std::string key;
};

TEST_F(TunnelToMedia, AnswersPlainStunByBothWays) {
  std::array<std::uint8_t, stun::kBindingBytesMax> buffer{};
  const std::size_t size = stun::write_binding_request(buffer, {}, nullptr);
  for (const vless::Command command : {vless::Command::Udp, vless::Command::Tcp}) {
    VlessClient client{node, key, command, sfu()};
    client.send_packet(as_text(Bytes{buffer}.first(size)));
    const std::string answer = client.receive_packet();
    const auto message = stun::parse(as_bytes(answer));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->message_class, stun::MessageClass::Success);
    ASSERT_TRUE(message->mapped_address);
    EXPECT_TRUE(message->mapped_address->ip.to_text().starts_with("198.18.")) << "no real address is told";
  }
}

/// More messages at once than wait for the end of a turn.
TEST_F(TunnelToMedia, AnswersEachOfManyStreamsThatSpeakAtOnce) {
  constexpr std::uint8_t kProbes = 40;
  std::deque<VlessClient> clients;
  for (std::size_t i = 0; i < tunnel::Options{}.streams_per_user_max; ++i) {
    clients.emplace_back(node, key, vless::Command::Udp, sfu());
  }
  for (std::uint8_t probe = 0; probe < kProbes; ++probe) {
    for (std::uint8_t i = 0; i < clients.size(); ++i) {
      std::array<std::uint8_t, stun::kBindingBytesMax> buffer{};
      const std::size_t size = stun::write_binding_request(buffer, {.transaction = {i, probe}}, nullptr);
      clients[i].send_packet(as_text(Bytes{buffer}.first(size)));
    }
  }
  for (std::uint8_t probe = 0; probe < kProbes; ++probe) {
    for (std::uint8_t i = 0; i < clients.size(); ++i) {
      const std::string answer = clients[i].receive_packet();
      const auto message = stun::parse(as_bytes(answer));
      ASSERT_TRUE(message);
      EXPECT_EQ(message->transaction, (stun::TransactionId{i, probe}));
    }
  }
}

TEST_F(TunnelToMedia, LeadsToTheUsersRoomByDatagramsAndByConnections) {
  const RoomClient room{node, alice, "group/one", "a"};
  for (const ice::Protocol protocol : {ice::Protocol::Udp, ice::Protocol::Tcp}) {
    const auto command = protocol == ice::Protocol::Udp ? vless::Command::Udp : vless::Command::Tcp;
    VlessClient client{node, key, command, place_of(room, protocol)};
    for (int i = 0; i < 3; ++i) {
      client.send_packet(ice_check(room.offer()));
      const auto seen = seen_by_check(room.offer(), client.receive_packet());
      ASSERT_TRUE(seen);
      EXPECT_TRUE(seen->ip.to_text().starts_with("198.18."));
    }
  }
  EXPECT_EQ(node.metric("zvonok_media_tunnel_packets_received_total"), 6);
  EXPECT_EQ(node.metric("zvonok_media_tunnel_packets_sent_total"), 6);
}

TEST_F(TunnelToMedia, LeadsToRoomsOnDifferentThreadsByOneSession) {
  const RoomClient one{node, alice, "group/one", "a"};
  const RoomClient two{node, alice, "group/two", "b"};
  const SocketAddress at_one = place_of(one, ice::Protocol::Udp);
  const SocketAddress at_two = place_of(two, ice::Protocol::Udp);
  ASSERT_NE(at_one, at_two);
  VlessClient client{node, key, vless::Command::Mux};
  client.send_mux({.status = vless::mux::Status::New, .network = vless::mux::Network::Udp, .address = at_one},
                  ice_check(one.offer()));
  const auto [from_one, answer_of_one] = client.receive_mux();
  EXPECT_EQ(from_one, at_one);
  EXPECT_TRUE(seen_by_check(one.offer(), answer_of_one));
  client.send_mux({.address = at_two}, ice_check(two.offer()));
  const auto [from_two, answer_of_two] = client.receive_mux();
  EXPECT_EQ(from_two, at_two);
  EXPECT_TRUE(seen_by_check(two.offer(), answer_of_two));
}

TEST_F(TunnelToMedia, IsToldOnlyToThoseWhoAreInATunnel) {
  const RoomClient of_carol{node, carol, "group/two", "c"};
  EXPECT_FALSE(of_carol.offer().candidate(ice::Protocol::Udp, Where::InTunnel));
  EXPECT_TRUE(of_carol.offer().candidate(ice::Protocol::Udp));
  const RoomClient of_bob{node, bob, "group/one", "b"};
  EXPECT_TRUE(of_bob.offer().candidate(ice::Protocol::Udp, Where::InTunnel)) << "the callee";
  const auto outside = of_bob.offer().candidate(ice::Protocol::Udp);
  ASSERT_TRUE(outside);
  EXPECT_GT(outside->priority, of_bob.offer().candidate(ice::Protocol::Udp, Where::InTunnel)->priority);
}

TEST_F(TunnelToMedia, EndsWithTheCall) {
  RoomClient room{node, alice, "group/one", "a"};
  VlessClient client{node, key, vless::Command::Udp, place_of(room, ice::Protocol::Udp)};
  client.send_packet(ice_check(room.offer()));
  ASSERT_TRUE(seen_by_check(room.offer(), client.receive_packet()));
  EXPECT_EQ(room.expect("state").at("state").as_string(), "connecting");
  alice_calls.emit("hangup", R"({"callId":")" + call_id + "\"}");
  client.await_end();
  bob_calls.expect("call-hangup");
  EXPECT_EQ(room.expect("state").at("state").as_string(), "disconnected") << "its only path is gone";
  const RoomClient of_bob{node, bob, "group/one", "b"};
  EXPECT_FALSE(of_bob.offer().candidate(ice::Protocol::Udp, Where::InTunnel));
}

}  // namespace
}  // namespace zvonok::test
