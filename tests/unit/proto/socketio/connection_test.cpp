// Socket.IO on an Engine.IO hub, in virtual time: namespaces, events, acknowledgements, attachments, faults.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/socketio/json_text.h"
#include "proto/socketio/server.h"
#include "unit/proto/engineio/scene.h"

namespace zvonok::test {
namespace {

using socketio::Attachments;
using socketio::DisconnectReason;
using socketio::Drop;
using socketio::PacketError;
using socketio::Socket;
using socketio::SocketId;
using Texts = std::vector<std::string>;

/// A namespace that lets everybody in, unless it is told otherwise, and writes down what it hears.
class Room final : public socketio::Handler {
 public:
  std::function<void(Socket&, std::string_view)> connect = [](Socket& socket, std::string_view) { socket.accept(); };
  std::function<void(Socket&, const socketio::Event&)> event = [](Socket&, const socketio::Event&) {};
  Texts heard;
  std::vector<SocketId> sockets;

  void on_connect(Socket& socket, std::string_view auth) override {
    heard.push_back("connect " + std::string{auth});
    sockets.push_back(socket.number());
    connect(socket, auth);
  }
  void on_event(Socket& socket, const socketio::Event& e) override {
    std::string line = std::string{e.name} + "(" + std::string{e.args} + ")";
    for (const std::string& attachment : e.attachments) line += " b:" + attachment;
    if (e.ack) line += " #" + std::to_string(*e.ack);
    heard.push_back(std::move(line));
    event(socket, e);
  }
  void on_ack(Socket&, const socketio::AckReply& reply) override {
    std::string line = "ack " + std::to_string(reply.id) + "(" + std::string{reply.args} + ")";
    for (const std::string& attachment : reply.attachments) line += " b:" + attachment;
    heard.push_back(std::move(line));
  }
  void on_disconnect(Socket&, DisconnectReason reason) override {
    heard.push_back("disconnect " + std::string{to_text(reason)});
  }
  Texts take() { return std::exchange(heard, {}); }
};

struct SocketIo : testing::Test {
  SeededEntropy entropy{3};
  socketio::Server server{{.connect_timeout = seconds{45}, .packet_bytes_max = 1000, .held_bytes_max = 1000}, entropy};
  Room lobby;
  Room call;
  EngineScene scene{server};

  SocketIo() {
    server.add_namespace("/", lobby);
    server.add_namespace("/call", call);
  }

  /// A WebSocket that is in no namespace yet.
  ConnectionId dial() {
    const ConnectionId client = scene.websocket();
    scene.take_sent(client);
    return client;
  }
  /// One that is in `nsp`.
  ConnectionId join(std::string_view nsp) {
    const ConnectionId client = dial();
    scene.say(client, "40" + std::string{nsp});
    scene.take_sent(client);
    call.take();
    lobby.take();
    return client;
  }
  Socket& socket_of(const Room& room) { return *server.find(room.sockets.back()); }
  std::string id_of(const Room& room) { return socket_of(room).id(); }
};

TEST_F(SocketIo, NothingExistsBeforeConnect) {
  const ConnectionId client = dial();
  EXPECT_EQ(scene.take_sent(client), Texts{});
  scene.say(client, R"(40/call,{"token":"x"})");
  EXPECT_EQ(scene.take_sent(client), Texts{R"(40/call,{"sid":")" + id_of(call) + R"("})"});
  EXPECT_EQ(call.heard, Texts{R"(connect {"token":"x"})"});
  EXPECT_EQ(lobby.heard, Texts{}) << "a client of /call is not in /";
}

TEST_F(SocketIo, NamespaceWithAndWithoutCommaIsTheSame) {
  for (const std::string_view text : {"40/call", "40/call,"}) {
    const ConnectionId client = dial();
    scene.say(client, text);
    EXPECT_EQ(scene.take_sent(client), Texts{R"(40/call,{"sid":")" + id_of(call) + R"("})"});
  }
  EXPECT_EQ(call.heard, (Texts{"connect ", "connect "}));
}

TEST_F(SocketIo, SocketIdIsNotTheSessionId) {
  const ConnectionId client = scene.websocket();
  const std::string session = EngineScene::sid_in(scene.take_sent(client).at(0));
  scene.say(client, "40");
  scene.say(client, "40/call");
  EXPECT_GE(id_of(lobby).size(), 20U);
  EXPECT_NE(id_of(lobby), id_of(call));
  EXPECT_NE(id_of(lobby), session);
}

TEST_F(SocketIo, UnknownNamespaceIsRefusedAndTheConnectionStays) {
  const ConnectionId client = dial();
  for (const std::string_view nsp : {"/random", "/call?x=1", "/cal", "/call/", "/__proto__"}) {
    scene.say(client, "40" + std::string{nsp});
    EXPECT_EQ(scene.take_sent(client), Texts{"44" + std::string{nsp} + R"(,{"message":"Invalid namespace"})"});
  }
  scene.say(client, "40/call");
  EXPECT_EQ(scene.take_sent(client).size(), 1U);
  EXPECT_EQ(server.counters().invalid_namespaces, 5U);
}

TEST_F(SocketIo, EventsGoBothWaysByteForByte) {
  const ConnectionId client = join("/call");
  call.event = [](Socket& socket, const socketio::Event& event) { socket.emit("back", event.args, event.attachments); };
  scene.say(client, R"(42/call,["message",1,"2",{"3":[true],"1":1.0,"\u00e9":null}])");
  EXPECT_EQ(call.heard, Texts{R"(message(1,"2",{"3":[true],"1":1.0,"\u00e9":null}))"});
  EXPECT_EQ(scene.take_sent(client), Texts{R"(42/call,["back",1,"2",{"3":[true],"1":1.0,"\u00e9":null}])"});
}

TEST_F(SocketIo, NamesAreTheTextThatTheyMean) {
  const ConnectionId client = join("");
  scene.say(client, R"(42["\u0068ang\"up"])");
  scene.say(client, "42[17,1]");
  EXPECT_EQ(lobby.heard, (Texts{"hang\"up()", "17(1)"}));
}

TEST_F(SocketIo, ClientsAcknowledgementsComeBackWithTheirNumber) {
  const ConnectionId client = join("/call");
  call.event = [](Socket& socket, const socketio::Event& event) {
    if (event.ack) socket.acknowledge(*event.ack, event.args);
  };
  scene.say(client, R"(42/call,0["a",1])");
  scene.say(client, R"(42/call,999999999["a"])");
  scene.say(client, R"(42/call,["a",1])");
  EXPECT_EQ(scene.take_sent(client), (Texts{"43/call,0[1]", "43/call,999999999[]"}));
}

TEST_F(SocketIo, ServersAcknowledgementsAreHeardOnce) {
  const ConnectionId client = join("");
  const auto first = socket_of(lobby).emit_with_ack("a", "1");
  const auto second = socket_of(lobby).emit_with_ack("b");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(scene.take_sent(client), (Texts{R"(420["a",1])", R"(421["b"])"}));
  scene.say(client, R"(431["yes"])");
  scene.say(client, R"(431["again"])");
  scene.say(client, "4377[]");
  scene.say(client, "43[]");
  scene.say(client, "430");
  EXPECT_EQ(lobby.heard, (Texts{R"(ack 1("yes"))", "ack 0()"}));
  EXPECT_EQ(server.counters().of(Drop::UnknownAck), 3U);
  EXPECT_FALSE(scene.is_closed(client));
}

TEST_F(SocketIo, OpenAcknowledgementsAreBounded) {
  join("");
  for (std::size_t i = 0; i < server.options().open_acks_max; ++i) EXPECT_TRUE(socket_of(lobby).emit_with_ack("a"));
  EXPECT_FALSE(socket_of(lobby).emit_with_ack("a"));
  EXPECT_EQ(server.counters().of(Drop::TooManyAcks), 1U);
}

TEST_F(SocketIo, EventWithoutPayloadIsIgnored) {
  const ConnectionId client = join("");
  scene.say(client, "42");
  EXPECT_EQ(lobby.heard, Texts{});
  EXPECT_FALSE(scene.is_closed(client));
  EXPECT_EQ(server.counters().of(Drop::NamelessEvent), 1U);
}

TEST_F(SocketIo, WhateverBreaksTheProtocolEndsTheConnection) {
  const struct {
    std::string_view text;
    PacketError error;
  } cases[] = {
      {"4abc", PacketError::UnknownType},
      {"4", PacketError::UnknownType},
      {"42{}", PacketError::BadShape},
      {"42[]", PacketError::BadShape},
      {"40[]", PacketError::BadShape},
      {R"(42abc["a"])", PacketError::BadJson},
      {R"(42["a"]])", PacketError::BadJson},
      {R"(42["connect"])", PacketError::ReservedName},
      {R"(450-["a"])", PacketError::BadAttachments},
      {R"(4511-["a"])", PacketError::BadAttachments},
      {R"(451-["a",{"_placeholder":true,"num":1}])", PacketError::BadPlaceholder},
      {R"(451-["a",{"_placeholder":true,"num":"0"}])", PacketError::BadPlaceholder},
      {"40", PacketError::WrongState},
      {R"(44{"message":"x"})", PacketError::WrongState},
      {R"(42/call,["a"])", PacketError::WrongState},
      {R"(42/nowhere,["a"])", PacketError::WrongState},
      {"43/call,1[]", PacketError::WrongState},
      {"41/call", PacketError::WrongState},
  };
  for (const auto& c : cases) {
    const std::uint64_t before = server.counters().of(c.error);
    const ConnectionId client = join("");
    scene.say(client, c.text);
    EXPECT_TRUE(scene.is_closed(client)) << c.text;
    EXPECT_EQ(server.counters().of(c.error), before + 1) << c.text;
    EXPECT_EQ(lobby.heard, Texts{"disconnect protocol_error"}) << c.text;
  }
  EXPECT_EQ(server.counters().sockets, 0U);
}

TEST_F(SocketIo, FirstPacketMustBeConnect) {
  for (const std::string_view text : {R"(42["a"])", "41", "431[]", R"(451-["a",{"_placeholder":true,"num":0}])"}) {
    const ConnectionId client = dial();
    scene.say(client, text);
    EXPECT_TRUE(scene.is_closed(client)) << text;
  }
}

TEST_F(SocketIo, FaultOnPollingIsToldByTheNextPoll) {
  const std::string sid = scene.open();
  scene.post(sid, {"40"});
  scene.poll(sid);
  lobby.take();
  EXPECT_EQ(scene.body_of(scene.post(sid, {"42{}\x1e"
                                           R"(42["late"])"})),
            "ok");
  EXPECT_EQ(lobby.heard, Texts{"disconnect protocol_error"});
  EXPECT_EQ(scene.poll(sid), "1");
  EXPECT_EQ(scene.poll(sid), "(gone)");
}

// ---- attachments ---------------------------------------------------------------------------------------------------

TEST_F(SocketIo, AttachmentsFollowTheirPacketBothWays) {
  const ConnectionId client = join("/call");
  call.event = [](Socket& socket, const socketio::Event& event) {
    socket.emit("back", event.args, event.attachments);
    if (event.ack) socket.acknowledge(*event.ack, event.args, event.attachments);
  };
  scene.say(client, R"(452-/call,9["x",{"_placeholder":true,"num":0},{"k":[{"_placeholder":true,"num":1}]}])");
  scene.say_binary(client, "one");
  EXPECT_EQ(call.heard, Texts{}) << "the packet is not whole";
  scene.say_binary(client, "two");
  EXPECT_EQ(call.heard,
            Texts{R"(x({"_placeholder":true,"num":0},{"k":[{"_placeholder":true,"num":1}]}) b:one b:two #9)"});
  EXPECT_EQ(scene.take_sent(client),
            (Texts{R"(452-/call,["back",{"_placeholder":true,"num":0},{"k":[{"_placeholder":true,"num":1}]}])", "b:one",
                   "b:two", R"(462-/call,9[{"_placeholder":true,"num":0},{"k":[{"_placeholder":true,"num":1}]}])",
                   "b:one", "b:two"}));
}

TEST_F(SocketIo, PlaceholdersInAnyOrderKeepTheirAttachments) {
  const ConnectionId client = join("");
  scene.say(client, R"(453-["x",{"num":2,"_placeholder":true},{"_placeholder":true,"num":0}])");
  for (const std::string_view bytes : {"zero", "one", "two"}) scene.say_binary(client, bytes);
  EXPECT_EQ(lobby.heard, Texts{R"(x({"_placeholder":true,"num":0},{"_placeholder":true,"num":1}) b:two b:zero)"});
}

TEST_F(SocketIo, BinaryAcknowledgementIsHeard) {
  const ConnectionId client = join("");
  ASSERT_EQ(socket_of(lobby).emit_with_ack("a"), 0U);
  scene.say(client, R"(461-0[{"_placeholder":true,"num":0}])");
  scene.say_binary(client, "x");
  EXPECT_EQ(lobby.heard, Texts{R"(ack 0({"_placeholder":true,"num":0}) b:x)"});
}

TEST_F(SocketIo, HeartbeatsMayComeBetweenAttachments) {
  const ConnectionId client = join("");
  scene.say(client, R"(452-["x",{"_placeholder":true,"num":0}])");
  scene.say_binary(client, "a");
  scene.advance(seconds{25});
  scene.say(client, "3");
  scene.say_binary(client, "b");
  EXPECT_EQ(lobby.heard, Texts{R"(x({"_placeholder":true,"num":0}) b:a)"});
}

TEST_F(SocketIo, TextBetweenAttachmentsAndBinaryWithoutPacketAreFaults) {
  const ConnectionId first = join("");
  scene.say(first, R"(452-["x"])");
  scene.say_binary(first, "a");
  scene.say(first, R"(42["y"])");
  EXPECT_TRUE(scene.is_closed(first));
  const ConnectionId second = join("");
  scene.say_binary(second, "a");
  EXPECT_TRUE(scene.is_closed(second));
  EXPECT_EQ(server.counters().of(PacketError::TextTooEarly), 1U);
  EXPECT_EQ(server.counters().of(PacketError::BinaryTooEarly), 1U);
}

TEST_F(SocketIo, HalfBuiltPacketIsBoundedInBytes) {
  const ConnectionId client = join("");
  scene.say(client, R"(453-["x"])");
  scene.say_binary(client, std::string(500, 'a'));
  EXPECT_FALSE(scene.is_closed(client));
  scene.say_binary(client, std::string(501, 'a'));
  EXPECT_TRUE(scene.is_closed(client));
  EXPECT_EQ(server.counters().of(PacketError::AttachmentsTooBig), 1U);
}

TEST_F(SocketIo, OnPollingHeaderAndAttachmentsStayTogether) {
  const std::string sid = scene.open();
  scene.post(sid, {"40"});
  scene.poll(sid);
  const std::string bytes = "\x01\x02";
  socket_of(lobby).emit("a", R"({"_placeholder":true,"num":0})", Attachments{&bytes, 1});
  socket_of(lobby).emit("b");
  EXPECT_EQ(scene.poll(sid),
            "451-[\"a\",{\"_placeholder\":true,\"num\":0}]\x1e"
            "bAQI=\x1e"
            "42[\"b\"]");
}

// ---- joining -------------------------------------------------------------------------------------------------------

TEST_F(SocketIo, RefusalSaysWhyAndTheConnectionStays) {
  const ConnectionId client = dial();
  call.connect = [](Socket& socket, std::string_view) { socket.refuse("Unauthorized \"x\"", R"({"code":401})"); };
  scene.say(client, "40/call");
  EXPECT_EQ(scene.take_sent(client), Texts{R"(44/call,{"message":"Unauthorized \"x\"","data":{"code":401}})"});
  EXPECT_FALSE(scene.is_closed(client));
  EXPECT_EQ(server.find(call.sockets.back()), nullptr);
  EXPECT_EQ(call.heard, Texts{"connect "}) << "no on_disconnect for a refused one";
  call.connect = [](Socket& socket, std::string_view) { socket.accept(); };
  scene.say(client, "40/call");
  EXPECT_EQ(scene.take_sent(client).size(), 1U) << "it may ask again";
}

TEST_F(SocketIo, WhileTheNamespaceDecidesEverythingWaitsInOrder) {
  const ConnectionId client = dial();
  call.connect = [](Socket& socket, std::string_view) { socket.emit("early", "1"); };
  call.event = [](Socket& socket, const socketio::Event& event) { socket.emit("back", event.args); };
  scene.say(client, "40/call");
  scene.say(client, R"(42/call,["a",1])");
  scene.say(client, R"(451-/call,["b",{"_placeholder":true,"num":0}])");
  scene.say_binary(client, "x");
  EXPECT_EQ(scene.take_sent(client), Texts{});
  EXPECT_EQ(call.take(), Texts{"connect "});
  socket_of(call).accept();
  const Texts sent = scene.take_sent(client);
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_TRUE(sent[0].starts_with("40/call,{"));
  EXPECT_EQ(sent[1], R"(42/call,["early",1])");
  EXPECT_EQ(sent[2], R"(42/call,["back",1])");
  EXPECT_EQ(call.heard, (Texts{"a(1)", R"(b({"_placeholder":true,"num":0}) b:x)"}));
}

TEST_F(SocketIo, WhatWaitsIsBounded) {
  const ConnectionId client = dial();
  call.connect = [](Socket&, std::string_view) {};
  scene.say(client, "40/call");
  EXPECT_TRUE(socket_of(call).emit("a", "\"" + std::string(400, 'x') + "\""));
  EXPECT_FALSE(socket_of(call).emit("a", "\"" + std::string(800, 'x') + "\""));
  EXPECT_EQ(server.counters().of(Drop::TooEarly), 1U);
  for (int i = 0; i < 10 && !scene.is_closed(client); ++i) scene.say(client, R"(42/call,["a"])");
  EXPECT_TRUE(scene.is_closed(client));
  EXPECT_EQ(server.counters().of(PacketError::HeldTooMuch), 1U);
  EXPECT_EQ(call.heard, (Texts{"connect ", "disconnect protocol_error"}));
}

TEST_F(SocketIo, ClientThatLeavesWhileTheNamespaceDecidesIsGone) {
  const ConnectionId client = dial();
  call.connect = [](Socket&, std::string_view) {};
  scene.say(client, "40/call");
  const SocketId number = call.sockets.back();
  scene.drop(client);
  EXPECT_EQ(server.find(number), nullptr);
  EXPECT_EQ(call.heard, (Texts{"connect ", "disconnect transport_closed"}));
}

TEST_F(SocketIo, SecondDecisionIsNone) {
  const ConnectionId client = join("");
  socket_of(lobby).accept();
  socket_of(lobby).refuse("no");
  EXPECT_EQ(scene.take_sent(client), Texts{});
  EXPECT_EQ(server.counters().of(Drop::NotJoining), 2U);
}

TEST_F(SocketIo, WithoutNamespaceTheConnectionIsClosedInTime) {
  const ConnectionId silent = dial();
  const ConnectionId refused = dial();
  const ConnectionId waiting = dial();
  const ConnectionId joined = dial();
  scene.say(refused, "40/random");
  scene.say(joined, "40");
  call.connect = [](Socket&, std::string_view) {};
  scene.say(waiting, "40/call");
  const auto pong = [&] {
    for (const ConnectionId client : {silent, refused, waiting, joined}) scene.say(client, "3");
  };
  scene.advance(seconds{25});
  pong();
  scene.advance(seconds{20} - milliseconds{1});
  EXPECT_FALSE(scene.is_closed(silent));
  scene.advance(milliseconds{1});
  EXPECT_TRUE(scene.is_closed(silent));
  EXPECT_TRUE(scene.is_closed(refused));
  EXPECT_TRUE(scene.is_closed(waiting));
  EXPECT_FALSE(scene.is_closed(joined));
  EXPECT_EQ(call.heard, (Texts{"connect ", "disconnect connect_timeout"}));
  EXPECT_EQ(server.counters().connect_timeouts, 3U);
}

// ---- leaving -------------------------------------------------------------------------------------------------------

TEST_F(SocketIo, ClientLeavesOneNamespaceAndStaysInTheOthers) {
  const ConnectionId client = join("");
  scene.say(client, "40/call");
  scene.take_sent(client);
  scene.say(client, "41/call,");
  EXPECT_EQ(call.heard, (Texts{"connect ", "disconnect client_left"}));
  EXPECT_EQ(scene.take_sent(client), Texts{}) << "a DISCONNECT needs no answer";
  scene.say(client, R"(42["a"])");
  EXPECT_EQ(lobby.heard, Texts{"a()"});
  scene.say(client, "40/call");
  EXPECT_EQ(scene.take_sent(client).size(), 1U) << "it may come back";
  scene.say(client, "41");
  EXPECT_FALSE(scene.is_closed(client));
}

TEST_F(SocketIo, WhoIsPutOutIsToldAndLateEventsAreNoFault) {
  const ConnectionId client = join("/call");
  const SocketId number = call.sockets.back();
  socket_of(call).disconnect();
  EXPECT_EQ(scene.take_sent(client), Texts{"41/call,"});
  EXPECT_EQ(call.heard, Texts{"disconnect server_left"});
  EXPECT_EQ(server.find(number), nullptr);
  scene.say(client, R"(42/call,["a"])");
  scene.say(client, R"(451-/call,["a"])");
  scene.say_binary(client, "x");
  scene.say(client, "41/call");
  EXPECT_FALSE(scene.is_closed(client));
  EXPECT_EQ(server.counters().of(Drop::AfterLeave), 3U);
  scene.say(client, "40/call");
  scene.say(client, "40/call");
  EXPECT_TRUE(scene.is_closed(client)) << "joined twice";
}

TEST_F(SocketIo, SocketMayLeaveWithinItsOwnEvent) {
  const ConnectionId client = join("/call");
  call.event = [](Socket& socket, const socketio::Event&) {
    socket.disconnect();
    EXPECT_FALSE(socket.emit("late"));
    EXPECT_FALSE(socket.acknowledge(1));
  };
  scene.say(client, R"(42/call,1["a"])");
  EXPECT_EQ(scene.take_sent(client), Texts{"41/call,"});
  EXPECT_EQ(server.counters().of(Drop::SocketGone), 2U);
}

TEST_F(SocketIo, ConnectionMayBeClosedWithinAnEvent) {
  const ConnectionId client = join("/call");
  scene.say(client, "40");
  lobby.take();
  call.event = [this](Socket& socket, const socketio::Event&) { socket.close_connection(scene.now); };
  scene.say(client, R"(42/call,["a"])");
  EXPECT_TRUE(scene.is_closed(client));
  EXPECT_EQ(call.heard, (Texts{"a()", "disconnect connection_closed"}));
  EXPECT_EQ(lobby.heard, Texts{"disconnect connection_closed"});
}

TEST_F(SocketIo, ConnectionMayBeClosedAtAnyTime) {
  const ConnectionId client = join("/call");
  socket_of(call).close_connection(scene.now);
  EXPECT_TRUE(scene.is_closed(client));
  EXPECT_EQ(scene.take_sent(client), Texts{}) << "no DISCONNECT: the libraries would not come back";
  scene.advance({});
  EXPECT_EQ(scene.hub.size(), 0U);
}

TEST_F(SocketIo, EveryWayToEndHasItsReason) {
  join("");
  scene.advance(seconds{45});
  EXPECT_EQ(lobby.take(), Texts{"disconnect ping_timeout"});
  scene.say(join(""), "1");
  EXPECT_EQ(lobby.take(), Texts{"disconnect client_closed"});
  scene.drop(join(""));
  EXPECT_EQ(lobby.take(), Texts{"disconnect transport_closed"});
  scene.say(join(""), "7");
  EXPECT_EQ(lobby.take(), Texts{"disconnect protocol_error"});
  join("");
  scene.hub.shut_down();
  EXPECT_EQ(lobby.take(), Texts{"disconnect shutdown"});
}

TEST_F(SocketIo, OneEncodedEventGoesToMany) {
  const ConnectionId first = join("/call");
  const SocketId first_number = call.sockets.back();
  const ConnectionId second = join("/call");
  const std::string event = socketio::encode_event("/call", "news", "1");
  EXPECT_TRUE(server.find(first_number)->emit_encoded(event));
  EXPECT_TRUE(socket_of(call).emit_encoded(event));
  EXPECT_EQ(scene.take_sent(first), Texts{R"(42/call,["news",1])"});
  EXPECT_EQ(scene.take_sent(second), Texts{R"(42/call,["news",1])"});
}

TEST_F(SocketIo, HandshakeIsKnownToTheNamespace) {
  HttpRequest http = EngineScene::request(Method::Get, "EIO=4&transport=websocket&token=abc");
  http.is_websocket = true;
  http.headers.push_back({"Authorization", "Bearer x"});
  http.headers.push_back({"User-Agent", "test"});
  std::string seen;
  call.connect = [&seen](Socket& socket, std::string_view) {
    const engineio::Handshake& handshake = socket.handshake();
    seen =
        handshake.query + "|" + handshake.authorization + "|" + handshake.user_agent + "|" + handshake.remote_address;
    socket.accept();
  };
  scene.say(scene.send(http), "40/call");
  EXPECT_EQ(seen, "EIO=4&transport=websocket&token=abc|Bearer x|test|192.0.2.1");
}

}  // namespace
}  // namespace zvonok::test
