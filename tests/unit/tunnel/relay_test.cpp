// What passes between the two sides of a call.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/tunnel/harness.h"

namespace zvonok::tunnel {
namespace {

using test::Client;
using test::Datagrams;
using test::kAlice;
using test::kBob;
using test::kPeerOfAlice;
using test::kPeerOfBob;
using test::World;
using vless::Command;
using vless::mux::Network;

const std::string kFromAlice = kPeerOfBob.to_text();  // as Bob sees it
const std::string kFromBob = kPeerOfAlice.to_text();

struct Fixture : testing::Test {
  Fixture() { world.add_call(); }
  World world;
};
using TunnelDatagrams = Fixture;
using TunnelConnections = Fixture;

/// One user's way to speak datagrams.
struct Speaker {
  Client client;
  bool mux;
  Speaker(World& world, const vless::UserKey& key, bool by_mux, const SocketAddress& to)
      : client{world, key, by_mux ? Command::Mux : Command::Udp, by_mux ? std::nullopt : std::optional{to}},
        mux{by_mux} {
    if (mux) client.open_session(0, Network::Udp, to);
  }
  void say(std::string_view text) { mux ? client.keep(0, text) : client.datagram(text); }
};

TEST(TunnelRelay, DatagramsPassBothWaysWhateverTheSidesSpeak) {
  for (const bool alice_mux : {false, true}) {
    for (const bool bob_mux : {false, true}) {
      World world;
      world.add_call();
      Speaker alice{world, kAlice, alice_mux, kPeerOfAlice};
      Speaker bob{world, kBob, bob_mux, kPeerOfBob};
      const std::string large(9000, 'l');
      alice.say("one");
      alice.say(large);
      bob.say("two");
      EXPECT_EQ(bob.client.take_datagrams(), (Datagrams{{kFromAlice, "one"}, {kFromAlice, large}}));
      EXPECT_EQ(alice.client.take_datagrams(), (Datagrams{{kFromBob, "two"}}));
      const auto usage = world.tunnel.usage(CallId{"call"});
      ASSERT_TRUE(usage);
      EXPECT_EQ(usage->at(0), (Usage{.up = {9003, 2}, .down = {3, 1}}));
      EXPECT_EQ(usage->at(1), (Usage{.up = {3, 1}, .down = {9003, 2}}));
      EXPECT_EQ(world.tunnel.counters().traffic, (Usage{.up = {9006, 3}, .down = {9006, 3}}));
    }
  }
}

TEST_F(TunnelDatagrams, GoToTheStreamThatSpokeLast) {
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  Client first{world, kBob, Command::Udp, kPeerOfBob};
  Client second{world, kBob, Command::Mux};
  second.open_session(5, Network::Udp, kPeerOfBob, "hello");
  EXPECT_EQ(alice.take_datagrams(), (Datagrams{{kFromBob, "hello"}}));
  alice.datagram("to the second");
  first.datagram("now I");
  alice.datagram("to the first");
  first.leave();
  alice.datagram("to the second again");
  second.end_session(5);
  alice.datagram("kept for later");
  EXPECT_EQ(second.take_datagrams(), (Datagrams{{kFromAlice, "to the second"}, {kFromAlice, "to the second again"}}));
  EXPECT_EQ(first.take_datagrams(), (Datagrams{{kFromAlice, "to the first"}}));
  Client third{world, kBob, Command::Udp, kPeerOfBob};
  EXPECT_EQ(third.take_datagrams(), (Datagrams{{kFromAlice, "kept for later"}}));
}

TEST_F(TunnelDatagrams, BeforeTheOtherSideHasSpokenTheYoungestAreKeptForAMoment) {
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  alice.datagram("too old");
  world.pass(milliseconds{1500});
  for (int i = 0; i < 40; ++i) alice.datagram(std::string(1000, 'a') + std::to_string(i));
  world.pass(seconds{1});
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  const Datagrams got = bob.take_datagrams();
  ASSERT_EQ(got.size(), 30U);  // 32 KiB of them, with what each costs besides its bytes
  EXPECT_EQ(got.front().text, std::string(1000, 'a') + "10");
  EXPECT_EQ(got.back().text, std::string(1000, 'a') + "39");
  EXPECT_EQ(world.dropped(Drop::NoListener), 11U);
  bob.leave();
  alice.datagram("late");
  world.pass(seconds{3});
  Client again{world, kBob, Command::Udp, kPeerOfBob};
  EXPECT_TRUE(again.take_datagrams().empty());
  EXPECT_EQ(world.dropped(Drop::EarlyStale), 1U);
}

TEST_F(TunnelDatagrams, OfOneCallDoNotReachAnother) {
  const auto carol = test::key_of(0xCA);
  const auto dave = test::key_of(0xDA);
  ASSERT_TRUE(world.tunnel.add_call(test::call_of("other", carol, dave), world.now));
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client of_carol{world, carol, Command::Udp, kPeerOfAlice};
  Client of_dave{world, dave, Command::Udp, kPeerOfBob};
  alice.datagram("for bob");
  of_carol.datagram("for dave");
  EXPECT_EQ(bob.take_datagrams(), (Datagrams{{kFromAlice, "for bob"}}));
  EXPECT_EQ(of_dave.take_datagrams(), (Datagrams{{kFromAlice, "for dave"}}));
  EXPECT_TRUE(alice.take_datagrams().empty());
  EXPECT_TRUE(of_carol.take_datagrams().empty());
}

TEST_F(TunnelDatagrams, OneSessionMaySpeakToThePeerAndToTheMediaPlane) {
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Mux};
  alice.open_session(0, Network::Udp, test::kSfu, "to media");
  alice.keep(0, "to bob", kPeerOfAlice);
  alice.keep(0, "to media again");
  bob.datagram("to alice");
  EXPECT_EQ(bob.take_datagrams(), (Datagrams{{kFromAlice, "to bob"}}));
  ASSERT_EQ(world.door.packets.size(), 2U);
  EXPECT_EQ(world.door.packets[0].first, world.door.packets[1].first);
  world.tunnel.send(world.door.packets[0].first, as_bytes("from media"), world.now);
  EXPECT_EQ(alice.take_datagrams(), (Datagrams{{kFromBob, "to alice"}, {test::kSfu.to_text(), "from media"}}));
}

TEST_F(TunnelDatagrams, ASessionThatBeganWithAForeignAddressMayStillSpeakToThePeer) {
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Mux};
  alice.open_session(0, Network::Udp, *SocketAddress::parse("192.0.2.9:3478"), "a STUN server somewhere");
  alice.keep(0, "hello", kPeerOfAlice);
  bob.datagram("hi");
  EXPECT_EQ(bob.take_datagrams(), (Datagrams{{kFromAlice, "hello"}}));
  EXPECT_EQ(alice.take_datagrams(), (Datagrams{{kFromBob, "hi"}}));
  EXPECT_TRUE(alice.take_ends().empty());
}

TEST_F(TunnelDatagrams, EmptyOnesAreSkipped) {
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  alice.datagram("");
  alice.datagram("x");
  Client by_mux{world, kAlice, Command::Mux};
  by_mux.open_session(0, Network::Udp, kPeerOfAlice, "");
  by_mux.keep(0, "");
  by_mux.keep(0, "y");
  EXPECT_EQ(bob.take_datagrams(), (Datagrams{{kFromAlice, "x"}, {kFromAlice, "y"}}));
}

TEST_F(TunnelDatagrams, AMessageMayHoldSeveralAndPartsOfThem) {
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  test::Buffer stream = test::framed(as_bytes("one"));
  test::add(stream, test::framed(as_bytes("two")));
  test::add(stream, test::framed(as_bytes("three")));
  world.send(alice.id(), Bytes{stream}.first(12));
  EXPECT_EQ(bob.take_datagrams(), (Datagrams{{kFromAlice, "one"}, {kFromAlice, "two"}}));
  world.send(alice.id(), Bytes{stream}.subspan(12));
  EXPECT_EQ(bob.take_datagrams(), (Datagrams{{kFromAlice, "three"}}));
}

// ---- Mux itself -----------------------------------------------------------------------------------------------------

using TunnelMux = Fixture;

TEST_F(TunnelMux, AnUnknownSessionIsEndedAndTheStreamLivesOn) {
  Client alice{world, kAlice, Command::Mux};
  alice.keep(7, "who am I");
  EXPECT_EQ(alice.take_ends(), std::vector<int>{7});
  EXPECT_FALSE(alice.closed());
  alice.end_session(8);
  alice.mux({.session = 0, .status = vless::mux::Status::KeepAlive}, "padding");
  EXPECT_TRUE(alice.take_ends().empty());
  EXPECT_EQ(world.dropped(Drop::UnknownSession), 1U);
}

TEST_F(TunnelMux, WhatIsNoFrameEndsTheStream) {
  Client alice{world, kAlice, Command::Mux};
  world.send(alice.id(), test::Buffer{0, 4, 0, 0, 9, 0});
  EXPECT_EQ(alice.line().closed, Ending::Finish);
  EXPECT_EQ(world.ended(StreamEnd::Malformed), 1U);
}

TEST_F(TunnelMux, ANewSessionOfAnOldNumberTakesItsPlace) {
  Client bob{world, kBob, Command::Tcp, kPeerOfBob};
  Client alice{world, kAlice, Command::Mux};
  alice.open_session(1, Network::Tcp, kPeerOfAlice, "first");
  EXPECT_EQ(bob.take_bytes(), "first");
  alice.open_session(1, Network::Tcp, kPeerOfAlice, "second");
  EXPECT_TRUE(bob.closed());
  Client again{world, kBob, Command::Tcp, kPeerOfBob};
  EXPECT_EQ(again.take_bytes(), "second");
  EXPECT_TRUE(alice.take_ends().empty());
}

TEST_F(TunnelMux, AUserHasOnlySoManySessionsOnAllItsStreams) {
  Client first{world, kAlice, Command::Mux};
  Client second{world, kAlice, Command::Mux};
  for (std::uint16_t i = 1; i <= 8; ++i) {
    first.open_session(i, Network::Tcp, kPeerOfAlice);
    second.open_session(i, Network::Udp, kPeerOfAlice);
  }
  second.open_session(9, Network::Udp, kPeerOfAlice);
  EXPECT_EQ(second.take_ends(), std::vector<int>{-9});
  EXPECT_EQ(world.dropped(Drop::SessionLimit), 1U);
  first.end_session(3);
  second.open_session(10, Network::Udp, kPeerOfAlice);
  EXPECT_TRUE(second.take_ends().empty());
  first.leave();
  for (std::uint16_t i = 11; i <= 17; ++i) second.open_session(i, Network::Udp, kPeerOfAlice);
  EXPECT_TRUE(second.take_ends().empty());
}

TEST_F(TunnelMux, SessionsThatLeadNowhereGiveWay) {
  Client alice{world, kAlice, Command::Mux};
  const SocketAddress foreign = *SocketAddress::parse("192.0.2.9:3478");
  for (std::uint16_t i = 1; i <= 16; ++i) alice.open_session(i, Network::Udp, foreign, "x");
  alice.keep(1, "but I do", kPeerOfAlice);
  alice.open_session(17, Network::Udp, kPeerOfAlice, "hello");
  EXPECT_EQ(alice.take_ends(), std::vector<int>{-2});
  EXPECT_EQ(world.tunnel.usage(CallId{"call"})->at(0).up.packets, 2U);
}

// ---- connections ----------------------------------------------------------------------------------------------------

TEST_F(TunnelConnections, AreJoinedInOrderOfOpening) {
  Client alice_first{world, kAlice, Command::Tcp, kPeerOfAlice};
  Client alice_second{world, kAlice, Command::Tcp, kPeerOfAlice};
  alice_first.bytes("a1");
  alice_second.bytes("a2");
  alice_first.bytes("a3");
  Client bob_first{world, kBob, Command::Tcp, kPeerOfBob};
  Client bob_second{world, kBob, Command::Tcp, kPeerOfBob};
  Client bob_third{world, kBob, Command::Tcp, kPeerOfBob};
  bob_first.bytes("b1");
  bob_second.bytes("b2");
  bob_third.bytes("b3");
  EXPECT_EQ(bob_first.take_bytes(), "a1a3");
  EXPECT_EQ(bob_second.take_bytes(), "a2");
  EXPECT_EQ(alice_first.take_bytes(), "b1");
  EXPECT_EQ(alice_second.take_bytes(), "b2");
  Client alice_third{world, kAlice, Command::Tcp, kPeerOfAlice};
  EXPECT_EQ(alice_third.take_bytes(), "b3");
  EXPECT_EQ(world.tunnel.counters().joined, 3U);
  const auto usage = world.tunnel.usage(CallId{"call"});
  EXPECT_EQ(usage->at(0), (Usage{.up = {6, 0}, .down = {6, 0}}));
}

TEST_F(TunnelConnections, OneThatWaitedAndWentIsNotJoined) {
  Client gone{world, kAlice, Command::Tcp, kPeerOfAlice};
  gone.bytes("never mind");
  gone.leave();
  Client alice{world, kAlice, Command::Tcp, kPeerOfAlice};
  alice.bytes("hello");
  Client bob{world, kBob, Command::Tcp, kPeerOfBob};
  EXPECT_EQ(bob.take_bytes(), "hello");
}

TEST_F(TunnelConnections, PassBetweenMuxAndPlainStreams) {
  Client alice{world, kAlice, Command::Mux};
  Client bob{world, kBob, Command::Tcp, kPeerOfBob};
  alice.open_session(3, Network::Tcp, kPeerOfAlice, "hello");
  alice.keep(3, " bob");
  const std::string large(100'000, 'x');
  bob.bytes(large);
  EXPECT_EQ(bob.take_bytes(), "hello bob");
  EXPECT_EQ(alice.take_session(3), large);
  alice.end_session(3);
  EXPECT_EQ(bob.line().closed, Ending::Finish);
  EXPECT_TRUE(alice.take_ends().empty());
  EXPECT_EQ(world.ended(StreamEnd::PartnerGone), 1U);
  Client again{world, kBob, Command::Tcp, kPeerOfBob};
  alice.open_session(4, Network::Tcp, kPeerOfAlice);
  again.leave();
  EXPECT_EQ(alice.take_ends(), std::vector<int>{4});
  EXPECT_FALSE(alice.closed());
}

TEST_F(TunnelConnections, TheOtherEndIsClosedWhenAllIsSent) {
  Client alice{world, kAlice, Command::Tcp, kPeerOfAlice};
  Client bob{world, kBob, Command::Tcp, kPeerOfBob};
  EXPECT_TRUE(bob.answered());
  bob.line().room = 0;
  alice.bytes("the last words");
  alice.leave();
  EXPECT_FALSE(bob.closed());
  bob.bytes("to nobody");
  bob.drain();
  EXPECT_EQ(bob.take_bytes(), "the last words");
  EXPECT_EQ(bob.line().closed, Ending::Finish);
}

TEST_F(TunnelConnections, AFastSenderIsStoppedForASlowReaderAndGoesOn) {
  Client alice{world, kAlice, Command::Tcp, kPeerOfAlice};
  Client bob{world, kBob, Command::Tcp, kPeerOfBob};
  bob.line().room = 0;
  std::string sent;
  int messages = 0;
  while (!alice.paused()) {
    ASSERT_LT(++messages, 100);
    sent += std::string(8192, static_cast<char>('a' + messages % 26));
    alice.bytes(sent.substr(sent.size() - 8192));
  }
  EXPECT_GT(sent.size(), 60U * 1024);
  EXPECT_LE(sent.size(), 72U * 1024);
  sent += "one that was read already";
  alice.bytes("one that was read already");
  EXPECT_FALSE(alice.closed() || bob.closed());
  bob.drain(8192);  // takes one, and is full
  EXPECT_TRUE(alice.paused());
  std::string got = bob.take_bytes();
  while (got.size() < sent.size()) {
    bob.drain(8192);
    got += bob.take_bytes();
  }
  EXPECT_FALSE(alice.paused());
  EXPECT_EQ(got, sent);
  EXPECT_EQ(world.tunnel.counters().paused, 1U);
}

TEST_F(TunnelConnections, OneThatWaitsForItsOtherEndIsStopped) {
  Client alice{world, kAlice, Command::Tcp, kPeerOfAlice};
  const std::string sent(64 * 1024 + 1, 'x');
  alice.bytes(sent);
  EXPECT_TRUE(alice.paused());
  Client bob{world, kBob, Command::Tcp, kPeerOfBob};
  EXPECT_FALSE(alice.paused());
  EXPECT_EQ(bob.take_bytes(), sent);
}

TEST_F(TunnelConnections, ASessionThatSaysTooMuchBeforeThereIsAnOtherEndIsEndedAlone) {
  Client alice{world, kAlice, Command::Mux};
  alice.open_session(1, Network::Udp, kPeerOfAlice);
  alice.open_session(2, Network::Tcp, kPeerOfAlice);
  alice.keep(2, std::string(40'000, 'x'));
  EXPECT_TRUE(alice.take_ends().empty());
  alice.keep(2, std::string(40'000, 'x'));
  EXPECT_EQ(alice.take_ends(), std::vector<int>{-2});
  EXPECT_FALSE(alice.paused() || alice.closed());
  EXPECT_EQ(world.dropped(Drop::SessionOverrun), 1U);
}

TEST_F(TunnelConnections, ASenderWhoIsNotStoppedIsCut) {
  Client alice{world, kAlice, Command::Tcp, kPeerOfAlice};
  Client bob{world, kBob, Command::Tcp, kPeerOfBob};
  bob.line().room = 0;
  for (int i = 0; i < 5; ++i) alice.bytes(std::string(64 * 1024, 'x'));
  EXPECT_EQ(bob.line().closed, Ending::Cut);
  EXPECT_TRUE(alice.closed());
  EXPECT_EQ(world.ended(StreamEnd::Overrun), 1U);
  Client alone{world, kAlice, Command::Tcp, kPeerOfAlice};
  for (int i = 0; i < 5; ++i) alone.bytes(std::string(64 * 1024, 'x'));
  EXPECT_EQ(alone.line().closed, Ending::Cut);
}

TEST_F(TunnelConnections, ASlowReaderStopsEveryStreamThatFeedsItAndFreesThemAgain) {
  Client bob{world, kBob, Command::Mux};
  bob.open_session(1, Network::Tcp, kPeerOfBob);
  bob.open_session(2, Network::Tcp, kPeerOfBob);
  Client first{world, kAlice, Command::Tcp, kPeerOfAlice};
  Client second{world, kAlice, Command::Tcp, kPeerOfAlice};
  EXPECT_TRUE(bob.answered());
  bob.line().room = 0;
  first.bytes(std::string(70 * 1024, '1'));
  EXPECT_TRUE(first.paused() && second.paused());
  second.bytes("2");
  bob.drain();
  EXPECT_FALSE(first.paused() || second.paused());
  EXPECT_EQ(bob.take_session(1), std::string(70 * 1024, '1'));
  EXPECT_EQ(bob.take_session(2), "2");
}

TEST_F(TunnelConnections, EndingTheSessionThatStoppedAStreamFreesIt) {
  Client alice{world, kAlice, Command::Mux};
  Client bob{world, kBob, Command::Tcp, kPeerOfBob};
  alice.open_session(1, Network::Tcp, kPeerOfAlice);
  bob.line().room = 0;
  alice.keep(1, std::string(60'000, 'x'));
  alice.keep(1, std::string(10'000, 'x'));
  EXPECT_TRUE(alice.paused());
  alice.end_session(1);  // it was in the message that was read already
  EXPECT_FALSE(alice.paused());
}

}  // namespace
}  // namespace zvonok::tunnel
