// Calls come and go, and with them their users.
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/tunnel/harness.h"

namespace zvonok::tunnel {

std::ostream& operator<<(std::ostream& out, const UserEvent& event) {
  return out << event.call << " " << event.user << " " << static_cast<int>(event.kind);
}

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
using Kind = UserEvent::Kind;

const CallId kCall{"call"};

TEST(TunnelCall, NeedsAnIdAndKeysOfItsOwn) {
  Options options = test::generous();
  options.calls_max = 2;
  World world{options};
  const auto add = [&](const NewCall& call) {
    const auto added = world.tunnel.add_call(call, world.now);
    return added ? std::string{"added"} : "error " + std::to_string(static_cast<int>(added.error()));
  };
  const auto error = [](AddError which) { return "error " + std::to_string(static_cast<int>(which)); };
  EXPECT_EQ(add(test::call_of("call", kAlice, kBob)), "added");
  EXPECT_EQ(add(test::call_of("call", test::key_of(1), test::key_of(2))), error(AddError::IdTaken));
  EXPECT_EQ(add(test::call_of("2", kAlice, test::key_of(2))), error(AddError::KeyTaken));
  EXPECT_EQ(add(test::call_of("2", test::key_of(1), kAlice)), error(AddError::KeyTaken));
  EXPECT_EQ(add(test::call_of("2", test::key_of(1), test::key_of(1))), error(AddError::KeyTaken));
  NewCall clash = test::call_of("2", test::key_of(1), test::key_of(2));
  clash.sfu = clash.users[1].peer;
  EXPECT_EQ(add(clash), error(AddError::SameAddress));
  EXPECT_EQ(add(test::call_of("2", test::key_of(1), test::key_of(2))), "added");
  EXPECT_EQ(add(test::call_of("3", test::key_of(3), test::key_of(4))), error(AddError::Full));
  EXPECT_TRUE(world.tunnel.remove_call(kCall, world.now));
  EXPECT_FALSE(world.tunnel.remove_call(kCall, world.now));
  EXPECT_FALSE(world.tunnel.usage(kCall));
  EXPECT_EQ(add(test::call_of("3", kAlice, kBob)), "added");
  EXPECT_EQ(world.tunnel.call_count(), 2U);
}

TEST(TunnelCall, ItsEndCutsAllOfItsStreamsAtOnceAndNoOthers) {
  World world;
  world.add_call();
  ASSERT_TRUE(world.tunnel.add_call(test::call_of("other", test::key_of(1), test::key_of(2)), world.now));
  std::vector<Client> clients;
  clients.emplace_back(world, kAlice, Command::Udp, kPeerOfAlice);
  clients.emplace_back(world, kBob, Command::Udp, kPeerOfBob);
  clients.emplace_back(world, kAlice, Command::Tcp, kPeerOfAlice);
  clients.emplace_back(world, kBob, Command::Tcp, kPeerOfBob);
  clients.emplace_back(world, kAlice, Command::Tcp, kPeerOfAlice);  // waits
  clients.emplace_back(world, kAlice, Command::Tcp, kSfu);
  clients.emplace_back(world, kBob, Command::Mux);
  clients[5].datagram("media");
  clients[6].open_session(1, Network::Udp, kSfu, "media");
  clients[6].open_session(2, Network::Tcp, kPeerOfBob, "joined");
  clients[1].line().room = 0;
  clients[0].datagram("waits in a queue");
  Client other{world, test::key_of(1), Command::Udp, kPeerOfAlice};
  const StreamId waiting = world.open();

  const auto usage = world.tunnel.remove_call(kCall, world.now);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->at(0).up.packets, 2U);
  for (Client& client : clients) EXPECT_EQ(client.line().closed, Ending::Cut);
  EXPECT_EQ(world.ended(StreamEnd::CallEnded), clients.size());
  EXPECT_EQ(world.door.closed.size(), 2U);
  EXPECT_FALSE(other.closed());
  EXPECT_FALSE(world.edge.lines[waiting].closed);
  EXPECT_EQ(world.tunnel.stream_count(), 2U);

  const std::size_t came = world.door.packets.size();
  for (Client& client : clients) {
    client.datagram("too late");
    client.drain();
    client.leave();
  }
  world.tunnel.send(world.door.packets.front().first, as_bytes("too late"), world.now);
  EXPECT_EQ(world.door.packets.size(), came);
  world.send(waiting, test::request_bytes(kAlice, Command::Udp, kPeerOfAlice));
  EXPECT_EQ(world.refused(Refusal::UnknownUser), 1U) << "its keys are good no more";
}

TEST(TunnelCall, MayBeAddedAgainWithTheSameKeys) {
  World world;
  world.add_call();
  Client before{world, kAlice, Command::Udp, kPeerOfAlice};
  before.datagram("old");
  EXPECT_TRUE(world.tunnel.remove_call(kCall, world.now));
  world.add_call();
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  EXPECT_TRUE(bob.take_datagrams().empty());
  EXPECT_EQ(world.tunnel.usage(kCall)->at(0), Usage{});
}

TEST(TunnelCall, AKeyThatNobodyUsesIsForgotten) {
  World world;
  world.add_call();
  world.pass(seconds{59});
  Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  world.pass(seconds{1});
  EXPECT_EQ(world.tunnel.counters().expired_users, 1U);
  Client late{world, kBob, Command::Udp, kPeerOfBob};
  EXPECT_EQ(world.refused(Refusal::UnknownUser), 1U);
  EXPECT_FALSE(alice.closed());
  EXPECT_EQ(world.tunnel.take_events(),
            (std::vector<UserEvent>{{kCall, 0, Kind::Connected}, {kCall, 1, Kind::Expired}}));
  // Somebody else may have it now, and keeps it when the call ends.
  ASSERT_TRUE(world.tunnel.add_call(test::call_of("other", test::key_of(1), kBob), world.now));
  EXPECT_TRUE(world.tunnel.remove_call(kCall, world.now));
  const Client bob{world, kBob, Command::Udp, kPeerOfBob};
  EXPECT_EQ(world.tunnel.counters().admitted, 2U);
}

TEST(TunnelCall, AnEarlierCallOfTheSameIdDoesNotExpireALaterOne) {
  World world;
  world.add_call();
  world.pass(seconds{30});
  EXPECT_TRUE(world.tunnel.remove_call(kCall, world.now));
  world.add_call();
  world.pass(seconds{59});
  EXPECT_EQ(world.tunnel.counters().expired_users, 0U);
  world.pass(seconds{1});
  EXPECT_EQ(world.tunnel.counters().expired_users, 2U);
}

TEST(TunnelCall, TellsWhenAUserComesAndGoes) {
  World world;
  world.add_call();
  Client first{world, kBob, Command::Udp, kPeerOfBob};
  Client second{world, kBob, Command::Mux};
  first.leave();
  EXPECT_EQ(world.tunnel.take_events(), (std::vector<UserEvent>{{kCall, 1, Kind::Connected}}));
  second.leave();
  const Client third{world, kBob, Command::Mux};
  EXPECT_EQ(world.tunnel.take_events(),
            (std::vector<UserEvent>{{kCall, 1, Kind::Disconnected}, {kCall, 1, Kind::Connected}}));
}

TEST(TunnelCall, KeysAreFoundAmongMany) {
  World world;
  for (std::uint16_t i = 0; i < 2000; ++i) {
    vless::UserKey alice = test::key_of(1);
    store_be16(alice.bytes.data() + 7, i);
    vless::UserKey bob = alice;
    bob.bytes[0] = 2;
    ASSERT_TRUE(world.tunnel.add_call(test::call_of(std::to_string(i), alice, bob), world.now));
  }
  for (std::uint16_t i = 0; i < 2000; i = static_cast<std::uint16_t>(i + 97)) {
    vless::UserKey alice = test::key_of(1);
    store_be16(alice.bytes.data() + 7, i);
    Client client{world, alice, Command::Udp, kPeerOfAlice};
    client.datagram("x");
    EXPECT_EQ(world.tunnel.usage(CallId{std::to_string(i)})->at(0).up.packets, 1U);
    client.leave();
  }
}

}  // namespace
}  // namespace zvonok::tunnel
