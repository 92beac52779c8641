// How much a user may send, how much may wait, and how long a stream may be silent.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/tunnel/harness.h"

namespace zvonok::tunnel {
namespace {

using test::Client;
using test::kAlice;
using test::kBob;
using test::kPeerOfAlice;
using test::kPeerOfBob;
using test::kSfu;
using test::World;
using vless::Command;
using vless::mux::Network;

Options with_up(double burst, double per_second) {
  Options options = test::generous();
  options.up = {.burst = burst, .per_second = per_second};
  return options;
}

TEST(TunnelLimits, DatagramsBeyondAUsersShareAreDropped) {
  World world{with_up(10'000, 5000)};
  world.add_call();
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  Client by_mux{world, kAlice, Command::Mux};
  by_mux.open_session(0, Network::Udp, kPeerOfAlice);
  const std::string datagram(1000, 'x');
  for (int i = 0; i < 8; ++i) {
    alice.datagram(datagram);
    by_mux.keep(0, datagram);  // the share is the user's, not the stream's
  }
  EXPECT_EQ(bob.take_datagrams().size(), 10U);
  EXPECT_EQ(world.dropped(Drop::Bandwidth), 6U);
  world.pass(seconds{1});
  for (int i = 0; i < 8; ++i) alice.datagram(datagram);
  EXPECT_EQ(bob.take_datagrams().size(), 5U);
  bob.datagram(datagram);
  EXPECT_EQ(alice.take_datagrams().size(), 1U) << "the other side has a share of its own";
  EXPECT_EQ(world.tunnel.usage(CallId{"call"})->at(0).up.packets, 15U);
}

TEST(TunnelLimits, AConnectionBeyondAUsersShareIsReadLater) {
  for (const SocketAddress& to : {kPeerOfAlice, kSfu}) {
    World world{with_up(10'000, 5000)};
    world.add_call();
    Client alice{world, kAlice, Command::Tcp, to};
    Client bob{world, kBob, Command::Tcp, kPeerOfBob};
    const test::Buffer message = test::framed(as_bytes(std::string(1998, 'x')));
    int sent = 0;
    for (; !alice.paused(); ++sent) world.send(alice.id(), message);
    EXPECT_EQ(sent, 6);
    world.pass(milliseconds{390});
    EXPECT_TRUE(alice.paused());
    world.pass(milliseconds{20});
    EXPECT_FALSE(alice.paused());
    const TimePoint before = world.now;
    while (world.now - before < seconds{20}) {
      while (!alice.paused()) {
        world.send(alice.id(), message);
        ++sent;
      }
      world.pass(milliseconds{10});
    }
    EXPECT_NEAR(sent, 6 + 20 * 5000 / 2000, 2);
    const auto usage = world.tunnel.usage(CallId{"call"});
    EXPECT_EQ(usage->at(0).up.bytes, static_cast<std::uint64_t>(sent) * (to == kSfu ? 1998 : 2000));
  }
}

TEST(TunnelLimits, MediaBeyondAUsersShareIsDropped) {
  Options options = test::generous();
  options.down = {.burst = 3000, .per_second = 1000};
  World world{options};
  world.add_call();
  Client alice{world, kAlice, Command::Udp, kSfu};
  alice.datagram("hello");
  const std::string packet(1000, 'm');
  for (int i = 0; i < 5; ++i) world.tunnel.send(world.door.packets[0].first, as_bytes(packet), world.now);
  EXPECT_EQ(alice.take_datagrams().size(), 3U);
  EXPECT_EQ(world.dropped(Drop::Bandwidth), 2U);
}

TEST(TunnelLimits, WhoFloodsIsNotRead) {
  Options options = test::generous();
  options.raw = {.burst = 10'000, .per_second = 10'000};
  World world{options};
  world.add_call();
  Client alice{world, kAlice, Command::Mux};
  const std::string padding(1000, 'p');
  int sent = 0;
  for (; !alice.paused() && sent < 100; ++sent) {
    alice.mux({.session = 0, .status = vless::mux::Status::KeepAlive}, padding);
  }
  EXPECT_EQ(sent, 10);
  world.pass(milliseconds{100});
  EXPECT_FALSE(alice.paused());
}

TEST(TunnelLimits, OnAStreamThatTakesNothingOldDatagramsGiveWay) {
  Options options = test::generous();
  options.queued_datagram_bytes_max = 10'000;
  World world{options};
  world.add_call();
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  EXPECT_TRUE(bob.answered());
  bob.line().room = 0;
  for (int i = 0; i < 20; ++i) alice.datagram(std::string(1000, 'x') + std::to_string(i));
  EXPECT_EQ(world.dropped(Drop::QueueFull), 11U);
  EXPECT_FALSE(alice.paused());
  bob.drain();
  const auto got = bob.take_datagrams();
  ASSERT_EQ(got.size(), 9U);
  EXPECT_EQ(got.front().text, std::string(1000, 'x') + "11");
  EXPECT_EQ(got.back().text, std::string(1000, 'x') + "19");
}

TEST(TunnelLimits, OnAStreamThatTakesNothingDatagramsGrowTooOld) {
  World world;
  world.add_call();
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  EXPECT_TRUE(bob.answered());
  bob.line().room = 0;
  alice.datagram("old");
  world.pass(milliseconds{200});
  alice.datagram("young");
  world.pass(milliseconds{200});
  bob.drain();
  EXPECT_EQ(bob.take_datagrams(), (test::Datagrams{{kPeerOfBob.to_text(), "young"}}));
  EXPECT_EQ(world.dropped(Drop::QueueStale), 1U);
}

TEST(TunnelLimits, TheServersHeaderComesFirstEvenWhenItHadToWait) {
  World world;
  world.add_call();
  world.edge.lines[StreamId{1}].room = 0;
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  alice.datagram("old");
  world.pass(seconds{1});
  alice.datagram("young");
  EXPECT_FALSE(bob.answered());
  bob.drain();
  EXPECT_EQ(bob.take_datagrams(), (test::Datagrams{{kPeerOfBob.to_text(), "young"}}));
}

TEST(TunnelLimits, ASilentStreamIsClosed) {
  World world;
  world.add_call();
  Client silent{world, kAlice, Command::Udp, kPeerOfAlice};
  Client talker{world, kAlice, Command::Mux};
  Client listener{world, kBob, Command::Udp, kPeerOfBob};
  talker.open_session(0, Network::Udp, kPeerOfAlice);
  for (int i = 0; i < 7; ++i) {
    world.pass(seconds{10} - milliseconds{1});
    EXPECT_EQ(silent.closed(), i >= 6) << i;
    talker.keep(0, "x");
  }
  EXPECT_EQ(silent.line().closed, Ending::Finish);
  EXPECT_FALSE(talker.closed() || listener.closed()) << "who is spoken to is not silent";
  EXPECT_EQ(world.ended(StreamEnd::Idle), 1U);
  world.pass(seconds{60});
  EXPECT_TRUE(talker.closed() && listener.closed());
  EXPECT_EQ(world.tunnel.stream_count(), 0U);
}

TEST(TunnelLimits, AReaderThatTakesNothingForLongIsSilent) {
  World world;
  world.add_call();
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  bob.line().room = 0;
  for (int i = 0; i < 13; ++i) {
    world.pass(seconds{5});
    alice.datagram("x");
  }
  EXPECT_TRUE(bob.closed());
  EXPECT_FALSE(alice.closed());
}

TEST(TunnelLimits, OfTooManyStreamsTheSilentGiveWay) {
  World world;
  world.add_call();
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(world, kAlice, Command::Udp, kPeerOfAlice);
    world.pass(milliseconds{10});
  }
  clients[0].datagram("I am here");
  clients.emplace_back(world, kAlice, Command::Udp, kPeerOfAlice);
  const Client of_bob{world, kBob, Command::Udp, kPeerOfBob};
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i].closed(), i == 1) << i;
  EXPECT_EQ(world.ended(StreamEnd::Superseded), 1U);
}

TEST(TunnelLimits, NothingIsLeftOfWhatHasGone) {
  World world;
  world.add_call();
  for (int i = 0; i < 3; ++i) {
    Client alice{world, kAlice, Command::Mux};
    alice.open_session(1, Network::Tcp, kPeerOfAlice, "x");
    alice.open_session(2, Network::Udp, kSfu, "x");
    alice.leave();
  }
  EXPECT_TRUE(world.tunnel.remove_call(CallId{"call"}, world.now));
  world.pass(seconds{200});
  EXPECT_EQ(world.tunnel.stream_count(), 0U);
  EXPECT_EQ(world.tunnel.call_count(), 0U);
  EXPECT_EQ(world.tunnel.next_timeout(), TimePoint::max());
}

}  // namespace
}  // namespace zvonok::tunnel
