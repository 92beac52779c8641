// Clients that lose their connection and come back, in virtual time: what they find again, and when they don't.
#include <string>
#include <vector>

#include "unit/proto/socketio/recovery_scene.h"

namespace zvonok::test {
namespace {

using socketio::Attachments;
using socketio::Delivery;
using socketio::Drop;
using socketio::Forgotten;
using socketio::NotRecovered;
using Texts = std::vector<std::string>;

constexpr Duration kAwayMax = seconds{120};

struct Recovery : testing::Test, ReturnsScene {
  Recovery()
      : ReturnsScene{{.away_max = kAwayMax,
                      .away_clients_max = 6,
                      .away_per_owner_max = 2,
                      .replay = {.events_max = 4, .bytes_max = 2000},
                      .bytes_max = 3000}} {}
};

TEST_F(Recovery, WhoComesBackIsWhoHeWasAndGetsWhatHeMissed) {
  Visitor anna;
  come(anna);
  EXPECT_FALSE(anna.pid.empty());
  EXPECT_FALSE(anna.recovered);
  const std::string id = anna.id;
  const std::string pid = anna.pid;
  const auto first_socket = anna.socket;
  socket_of(anna)->join("team");
  socket_of(anna)->set_data("blue");
  tell("team", "1");
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n",1])"});
  tell("team", "2");  // on its way when the connection is lost
  lose(anna);
  EXPECT_EQ(call.heard, Texts{"transport_closed"});
  EXPECT_EQ(socket_of(anna), nullptr);
  EXPECT_EQ(tell("team", "3"), 1U) << "kept";
  scene.advance(kAwayMax - seconds{1});
  come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(anna.id, id);
  EXPECT_EQ(anna.pid, pid);
  EXPECT_NE(anna.socket, first_socket) << "another socket to the handler";
  EXPECT_TRUE(socket_of(anna)->is_recovered());
  EXPECT_EQ(socket_of(anna)->id(), id);
  EXPECT_EQ(socket_of(anna)->data(), "blue");
  EXPECT_EQ(socket_of(anna)->rooms(), Texts{"team"});
  EXPECT_EQ(take(anna), (Texts{R"(42/call,["n",2])", R"(42/call,["n",3])"}));
  tell("team", "4");
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n",4])"});
  EXPECT_EQ(counters().recovered, 1U);
  EXPECT_EQ(counters().replayed, 2U);
  EXPECT_EQ(counters().away, 0U);
}

TEST_F(Recovery, AgainAndAgain) {
  Visitor anna;
  come(anna);
  const std::string id = anna.id;
  socket_of(anna)->join("team");
  for (int round = 0; round < 20; ++round) {
    lose(anna);
    tell("team", std::to_string(round));
    come(anna);
    ASSERT_TRUE(anna.recovered) << round;
    EXPECT_EQ(anna.id, id);
    EXPECT_EQ(take(anna), Texts{"42/call,[\"n\"," + std::to_string(round) + "]"});
    scene.advance(seconds{10});
  }
}

TEST_F(Recovery, WhoHasSeenNothingYetHasMissedAll) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  lose(anna);
  tell("team", "1");
  come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n",1])"});
}

TEST_F(Recovery, QuietClientsOutliveWhatOthersAreSent) {
  Visitor anna;
  Visitor boris{.user = "boris"};
  come(anna);
  come(boris);
  socket_of(anna)->emit("n", "0");
  take(anna);
  socket_of(boris)->join("team");
  for (int i = 0; i < 100; ++i) tell("team", "1");
  lose(anna);
  come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(take(anna), Texts{});
}

TEST_F(Recovery, AttachmentsComeAgain) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  lose(anna);
  const Texts bytes{"one", "two"};
  server.emit({.nsp = "/call", .room = "team"}, "b", R"({"_placeholder":true,"num":0},{"_placeholder":true,"num":1})",
              bytes);
  come(anna);
  EXPECT_EQ(take(anna), (Texts{R"(452-/call,["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])",
                               "b:one", "b:two"}));
  EXPECT_EQ(bytes.size(), 2U);
}

TEST_F(Recovery, VolatileEventsAndQuestionsAreNotKept) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  socket_of(anna)->emit_volatile("v", "1");
  EXPECT_EQ(take(anna), Texts{R"(42/call,["v",1])"}) << "with an offset";
  ASSERT_TRUE(anna.offset);
  socket_of(anna)->emit_with_ack("q", "\"text\"");
  EXPECT_EQ(scene.take_sent(anna.connection), Texts{R"(42/call,0["q","text"])"}) << "without one";
  tell("team", "2");
  socket_of(anna)->emit_volatile("v", "3");
  socket_of(anna)->emit_with_ack("q");
  scene.take_sent(anna.connection);
  lose(anna);
  EXPECT_EQ(tell("team", "4", Delivery::Volatile), 0U);
  come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n",2])"});
}

TEST_F(Recovery, EncodedOnceForManyOfEitherKind) {
  Visitor anna;
  Visitor boris{.user = "boris"};
  come(anna);
  come(boris);
  socket_of(anna)->emit_encoded(socketio::encode_event("/call", "news"));
  EXPECT_EQ(take(anna), Texts{R"(42/call,["news"])"});
  EXPECT_TRUE(anna.offset);
  lose(boris);
  come(boris);
  EXPECT_EQ(take(boris), Texts{});
}

// ---- no way back ---------------------------------------------------------------------------------------------------

TEST_F(Recovery, TooLateIsTooLate) {
  Visitor anna;
  come(anna);
  const std::string id = anna.id;
  socket_of(anna)->join("team");
  lose(anna);
  scene.advance(kAwayMax);
  EXPECT_EQ(counters().away, 0U) << "by itself, when its time is over";
  EXPECT_EQ(counters().of(Forgotten::Expired), 1U);
  EXPECT_EQ(tell("team", "1"), 0U);
  come(anna);
  EXPECT_FALSE(anna.recovered);
  EXPECT_NE(anna.id, id);
  EXPECT_EQ(socket_of(anna)->rooms(), Texts{});
  EXPECT_EQ(counters().of(NotRecovered::UnknownSession), 1U);
  EXPECT_EQ(counters().bytes, 0U);
}

TEST_F(Recovery, WhoLeavesOrIsPutOutDoesNotComeBackToIt) {
  Visitor anna;
  come(anna);
  scene.say(anna.connection, "41/call,");
  lose(anna);
  come(anna);
  EXPECT_FALSE(anna.recovered);
  socket_of(anna)->join("team");
  socket_of(anna)->disconnect();
  EXPECT_EQ(tell("team", "1"), 0U);
  lose(anna);
  come(anna);
  EXPECT_FALSE(anna.recovered);
  scene.say(anna.connection, "4{");
  EXPECT_TRUE(scene.is_closed(anna.connection));
  come(anna);
  EXPECT_FALSE(anna.recovered) << "nor who breaks the protocol";
  scene.hub.shut_down();
  EXPECT_EQ(counters().away, 0U);
}

TEST_F(Recovery, EveryLossIsOne) {
  Visitor anna;
  come(anna);
  const auto comes_back = [&](std::string_view reason) {
    EXPECT_EQ(call.heard, Texts{std::string{reason}});
    call.heard.clear();
    come(anna);
    EXPECT_TRUE(anna.recovered) << reason;
  };
  scene.say(anna.connection, "1");
  comes_back("client_closed");
  scene.advance(seconds{45});
  comes_back("ping_timeout");
  socket_of(anna)->close_connection(scene.now);
  comes_back("connection_closed");
}

TEST_F(Recovery, NobodyElseGetsIt) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  tell("team", "1");
  take(anna);
  lose(anna);
  tell("team", "2");
  Visitor mallory = anna;
  mallory.user = "mallory";
  come(mallory);
  EXPECT_FALSE(mallory.recovered);
  EXPECT_NE(mallory.id, anna.id);
  EXPECT_NE(mallory.pid, anna.pid);
  EXPECT_EQ(take(mallory), Texts{});
  EXPECT_EQ(socket_of(mallory)->rooms(), Texts{});
  EXPECT_EQ(counters().of(NotRecovered::OtherOwner), 1U);
  come(anna);
  EXPECT_TRUE(anna.recovered) << "and she loses nothing by it";
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n",2])"});
  Visitor thief = anna;
  thief.user = "mallory";
  come(thief);
  EXPECT_FALSE(thief.recovered);
  EXPECT_NE(socket_of(anna), nullptr) << "nor is she cut off while she is here";
}

TEST_F(Recovery, SecretIsNoAdmission) {
  Visitor anna;
  come(anna);
  lose(anna);
  const ConnectionId client = scene.websocket();
  scene.take_sent(client);
  scene.say(client, R"(40/call,{"user":"nobody","pid":")" + anna.pid + "\"}");
  EXPECT_EQ(scene.take_sent(client), Texts{R"(44/call,{"message":"Unauthorized"})"});
  come(anna);
  EXPECT_TRUE(anna.recovered);
}

TEST_F(Recovery, SessionBelongsToItsNamespace) {
  Visitor anna;
  come(anna);
  lose(anna);
  Visitor elsewhere = anna;
  come(elsewhere, "/other");
  EXPECT_FALSE(elsewhere.recovered);
  come(anna);
  EXPECT_TRUE(anna.recovered);
}

TEST_F(Recovery, OffsetOfNobodysIsUnknown) {
  for (const std::string_view offset :
       {"", "x", "1", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}) {
    Visitor anna;
    come(anna);
    lose(anna);
    anna.offset = offset;
    come(anna);
    EXPECT_FALSE(anna.recovered) << offset;
    lose(anna);
  }
  EXPECT_EQ(counters().of(NotRecovered::UnknownOffset), 4U);
  Visitor anna;
  come(anna);
  socket_of(anna)->emit("n");
  take(anna);
  for (const std::string_view more : {"0", "!", "-", " "}) {
    Visitor liar = anna;
    liar.user = "anna";
    *liar.offset += more;
    come(liar);
    EXPECT_FALSE(liar.recovered) << *liar.offset;
  }
}

TEST_F(Recovery, OffsetOfAnotherServerSaysThatNothingOfThisOneWasSeen) {
  Visitor anna;
  come(anna);
  socket_of(anna)->emit("n");
  take(anna);
  ReturnsScene after{{.away_max = kAwayMax}, 4};
  after.come(anna);
  EXPECT_FALSE(anna.recovered) << "its session is not known";
  Visitor boris{.user = "boris"};
  after.come(boris);
  for (int i = 0; i < 3; ++i) after.socket_of(boris)->emit("n");
  after.socket_of(anna)->emit("n", "1");  // lost on the way, so that her offset is the one from before
  after.lose(anna);
  after.come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(after.scene.take_sent(anna.connection).size(), 1U) << "what she has missed";
}

TEST_F(Recovery, OffsetNullIsNone) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  lose(anna);
  tell("team", "1");
  const ConnectionId back = scene.websocket();
  scene.take_sent(back);
  scene.say(back, R"(40/call,{"user":"anna","pid":")" + anna.pid + R"(","offset":null})");
  EXPECT_TRUE(server.find(call.sockets.back())->is_recovered());
  EXPECT_EQ(scene.take_sent(back).size(), 2U);
}

// ---- limits --------------------------------------------------------------------------------------------------------

TEST_F(Recovery, WhoHasMissedTooMuchBeginsAnew) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  lose(anna);
  for (int i = 0; i < 4; ++i) tell("team", "1");
  Visitor same = anna;
  tell("team", "1");
  EXPECT_EQ(counters().events_forgotten, 1U);
  come(same);
  EXPECT_FALSE(same.recovered);
  EXPECT_EQ(counters().of(NotRecovered::MissedTooMuch), 1U);
  EXPECT_EQ(counters().of(Forgotten::MissedTooMuch), 1U) << "nobody will ask for it any more";
  EXPECT_EQ(counters().away, 0U);
  EXPECT_EQ(counters().bytes, 0U);
}

TEST_F(Recovery, BytesAreBoundedForEachAndForAll) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  const std::string large = '"' + std::string(900, 'x') + '"';
  tell("team", large);
  take(anna);
  tell("team", large);
  tell("team", "1");
  EXPECT_EQ(counters().events_forgotten, 1U);
  lose(anna);
  come(anna);
  EXPECT_TRUE(anna.recovered) << "she has had what is forgotten";
  EXPECT_EQ(take(anna).size(), 2U);
  Visitor boris{.user = "boris"};
  Visitor clara{.user = "clara"};
  for (Visitor* visitor : {&boris, &clara}) {
    come(*visitor);
    socket_of(*visitor)->emit("n", large);
    socket_of(*visitor)->emit("n", large);
  }
  EXPECT_LE(counters().bytes, 3000U);
  lose(clara);
  come(clara);
  EXPECT_FALSE(clara.recovered);
}

TEST_F(Recovery, WhatAPongShowsToHaveArrivedIsNotKept) {
  Visitor anna;
  come(anna);
  for (int i = 0; i < 3; ++i) socket_of(anna)->emit("n");
  take(anna);
  EXPECT_GT(counters().bytes, 0U);
  for (int i = 0; i < 2; ++i) {
    scene.advance(seconds{25});
    EXPECT_EQ(scene.take_sent(anna.connection), Texts{"2"});
    scene.say(anna.connection, "3");
  }
  EXPECT_EQ(counters().bytes, 0U);
  EXPECT_EQ(counters().events_forgotten, 0U) << "not before their time";
  lose(anna);
  come(anna);
  EXPECT_TRUE(anna.recovered);
}

TEST_F(Recovery, PongOfAnOldConnectionSaysNothingOfTheNewOne) {
  Visitor anna;
  come(anna);
  socket_of(anna)->emit("n", "1");
  scene.advance(seconds{25});
  scene.say(anna.connection, "3");
  lose(anna);
  scene.take_sent(anna.connection);
  come(anna);
  scene.take_sent(anna.connection);  // sent again, and lost again
  scene.advance(seconds{25});
  scene.say(anna.connection, "3");
  lose(anna);
  come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n",1])"});
}

TEST_F(Recovery, WhoIsAwayIsBoundedForEachOwnerAndForAll) {
  std::vector<Visitor> annas(3);
  for (Visitor& anna : annas) come(anna);
  for (Visitor& anna : annas) lose(anna);
  EXPECT_EQ(counters().of(Forgotten::TooManyOfOwner), 1U);
  EXPECT_EQ(counters().away, 2U);
  come(annas[0]);
  EXPECT_FALSE(annas[0].recovered) << "the one that left first";
  come(annas[1]);
  EXPECT_TRUE(annas[1].recovered);
  std::vector<Visitor> others(6);
  for (std::size_t i = 0; i < others.size(); ++i) {
    others[i].user = "user" + std::to_string(i);
    come(others[i]);
    lose(others[i]);
  }
  EXPECT_EQ(counters().of(Forgotten::TooMany), 1U);
  EXPECT_EQ(counters().away, 6U);
  come(annas[2]);
  EXPECT_FALSE(annas[2].recovered);
}

TEST_F(Recovery, RoomsAndDataAreBounded) {
  Visitor anna;
  come(anna);
  socketio::Socket& socket = *socket_of(anna);
  for (const std::string_view room : {"a", "b", "c"}) EXPECT_TRUE(socket.join(room));
  EXPECT_FALSE(socket.join("a"));
  EXPECT_EQ(server.counters().of(Drop::TooManyRooms), 0U);
  EXPECT_FALSE(socket.join("d"));
  EXPECT_EQ(server.counters().of(Drop::TooManyRooms), 1U);
  EXPECT_TRUE(socket.leave_room("b"));
  EXPECT_FALSE(socket.leave_room("b"));
  EXPECT_TRUE(socket.join("d"));
  EXPECT_EQ(socket.rooms(), (Texts{"a", "c", "d"}));
  EXPECT_TRUE(socket.set_data("twenty bytes, and no"));
  EXPECT_FALSE(socket.set_data("twenty bytes, and one"));
  EXPECT_EQ(server.counters().of(Drop::DataTooBig), 1U);
}

// ---- connections that only look alive ------------------------------------------------------------------------------

TEST_F(Recovery, OldConnectionThatLooksAliveIsReplaced) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  tell("team", "1");
  take(anna);
  const Visitor old = anna;
  tell("team", "2");  // into a network that is gone
  come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n",2])"});
  EXPECT_TRUE(scene.is_closed(old.connection));
  EXPECT_EQ(call.heard, Texts{"replaced"});
  scene.drop(old.connection);
  tell("team", "3");
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n",3])"});
  lose(anna);
  come(anna);
  EXPECT_TRUE(anna.recovered) << "the late death of the old one disturbs nothing";
}

TEST_F(Recovery, HandlerMayTalkWhileOneIsReplaced) {
  Visitor anna;
  Visitor boris{.user = "boris"};
  come(anna);
  come(boris);
  socket_of(anna)->join("team");
  socket_of(boris)->join("team");
  call.on_leave = [this](socketio::Socket&) { tell("team", "\"left\""); };
  come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(take(anna), Texts{R"(42/call,["n","left"])"});
  EXPECT_EQ(take(boris), Texts{R"(42/call,["n","left"])"});
}

TEST_F(Recovery, HandlerMaySendTheOtherAwayWhileOneIsReplaced) {
  Visitor anna;
  come(anna);
  const Visitor old = anna;
  call.on_leave = [this, first = true](socketio::Socket& socket) mutable {
    if (!std::exchange(first, false)) return;
    for (const auto number : call.sockets) {
      if (socketio::Socket* const other = server.find(number)) {
        if (other != &socket) other->close_connection(scene.now);
      }
    }
  };
  const ConnectionId client = scene.websocket();
  scene.take_sent(client);
  scene.say(client, R"(40/call,{"user":"anna","pid":")" + old.pid + "\"}");
  EXPECT_TRUE(scene.is_closed(client));
  EXPECT_EQ(scene.take_sent(client), Texts{});
  anna.connection = {};
  come(anna);
  EXPECT_TRUE(anna.recovered);
}

TEST_F(Recovery, WhatWasSaidWhileItWasDecidedComesBehindWhatWasMissed) {
  Visitor anna;
  come(anna);
  socket_of(anna)->join("team");
  lose(anna);
  tell("team", "1");
  call.before_accept = [](socketio::Socket& socket) { socket.emit("held", "2"); };
  come(anna);
  EXPECT_EQ(take(anna), (Texts{R"(42/call,["n",1])", R"(42/call,["held",2])"}));
  call.before_accept = [](socketio::Socket&) {};
  lose(anna);
  come(anna);
  EXPECT_TRUE(anna.recovered);
  EXPECT_EQ(take(anna), Texts{}) << "it had an offset, too";
}

TEST_F(Recovery, VolatileEventInTheMiddleOfABroadcastHidesNothing) {
  EngineScene polls{server, {.queue_bytes_max = 200}};
  const std::string sid = polls.open();
  polls.post(sid, {R"(40/call,{"user":"anna"})"});
  Visitor anna{.socket = call.sockets.back()};
  Visitor boris{.user = "boris"};
  come(boris);
  socket_of(anna)->join("team");
  socket_of(boris)->join("team");
  call.on_leave = [this](socketio::Socket&) { tell("team", "\"left\"", Delivery::Volatile); };
  tell("team", '"' + std::string(300, 'x') + '"');
  auto sent = scene.take_sent(boris.connection);
  ASSERT_EQ(sent.size(), 2U);
  ReturnsScene::see(boris, sent[0]);  // and the second one is lost with the connection
  EXPECT_EQ(sent[0], R"(42/call,["n","left"])");
  call.on_leave = [](socketio::Socket&) {};
  lose(boris);
  come(boris);
  EXPECT_TRUE(boris.recovered);
  EXPECT_EQ(take(boris).size(), 1U) << "the one behind the volatile one";
}

TEST_F(Recovery, EventInTheMiddleOfABroadcastKeepsTheOrder) {
  // Anna's queue is full, so she is lost in the middle of the broadcast, and her handler tells Boris before his turn.
  EngineScene polls{server, {.queue_bytes_max = 200}};
  const std::string sid = polls.open();
  polls.post(sid, {R"(40/call,{"user":"anna"})"});
  Visitor anna{.socket = call.sockets.back()};
  Visitor boris{.user = "boris"};
  come(boris);
  socket_of(anna)->join("team");
  socket_of(boris)->join("team");
  call.on_leave = [this](socketio::Socket&) { tell("team", "\"left\""); };
  tell("team", '"' + std::string(300, 'x') + '"');
  const Texts got = take(boris);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0], R"(42/call,["n","left"])");
  call.on_leave = [](socketio::Socket&) {};
  lose(boris);
  come(boris);
  EXPECT_TRUE(boris.recovered);
  EXPECT_EQ(take(boris), Texts{}) << "nothing twice";
}

TEST(RecoveryOff, NothingShowsThatThereIsSuchAThing) {
  ReturnsScene s{{}};
  Visitor anna;
  s.come(anna);
  EXPECT_EQ(anna.pid, "");
  s.socket_of(anna)->join("team");
  s.tell("team", "1");
  EXPECT_EQ(s.scene.take_sent(anna.connection), Texts{R"(42/call,["n",1])"});
  s.lose(anna);
  EXPECT_EQ(s.tell("team", "2"), 0U);
  EXPECT_EQ(s.counters().away, 0U);
}

TEST(RecoveryOn, IsOnlyForWhomTheNamespaceOffersIt) {
  ReturnsScene s{{.away_max = kAwayMax}};
  Visitor anna;
  s.call.before_accept = [](socketio::Socket& socket) { socket.accept(); };
  s.come(anna);
  EXPECT_EQ(anna.pid, "");
  s.socket_of(anna)->join("team");
  s.tell("team", "1");
  EXPECT_EQ(s.scene.take_sent(anna.connection), Texts{R"(42/call,["n",1])"});
}

}  // namespace
}  // namespace zvonok::test
