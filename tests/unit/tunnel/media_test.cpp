// The way to the media plane and back.
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/tunnel/harness.h"

namespace zvonok::tunnel {
namespace {

using test::Buffer;
using test::Client;
using test::Datagrams;
using test::kAlice;
using test::kBob;
using test::kPeerOfAlice;
using test::kPeerOfBob;
using test::kSfu;
using test::World;
using vless::Command;
using vless::mux::Network;

struct TunnelMedia : testing::Test {
  TunnelMedia() { world.add_call(); }
  /// What came to the door, as text.
  std::vector<std::string> came() {
    std::vector<std::string> texts;
    for (const auto& [path, packet] : world.door.packets) texts.emplace_back(as_text(packet));
    return texts;
  }
  const ice::Path& path(std::size_t which = 0) { return world.door.packets.at(which).first; }
  void answer(std::string_view text, std::size_t which = 0) {
    world.tunnel.send(path(which), as_bytes(text), world.now);
  }
  World world;
};

TEST_F(TunnelMedia, OfDatagramsPassesBothWays) {
  Client alice{world, kAlice, Command::Udp, kSfu};
  alice.datagram("ping");
  alice.datagram("pong");
  EXPECT_EQ(came(), (std::vector<std::string>{"ping", "pong"}));
  EXPECT_EQ(path(0), path(1));
  EXPECT_EQ(path().protocol, ice::Protocol::Udp);
  EXPECT_EQ(path().local, kSfu);
  EXPECT_EQ(path().remote.ip, kPeerOfBob.ip) << "where Bob finds Alice, and not where she is";
  answer("back");
  EXPECT_EQ(alice.take_datagrams(), (Datagrams{{kSfu.to_text(), "back"}}));
  EXPECT_EQ(world.tunnel.usage(CallId{"call"})->at(0), (Usage{.up = {8, 2}, .down = {4, 1}}));
  alice.leave();
  EXPECT_EQ(world.door.closed, std::vector{path()});
  answer("too late");
  EXPECT_EQ(world.dropped(Drop::UnknownPath), 1U);
}

TEST_F(TunnelMedia, OfATcpConnectionIsPacketsBehindTheirLengths) {
  Client alice{world, kAlice, Command::Tcp, kSfu};
  const Buffer stream = [] {
    Buffer bytes = test::framed(as_bytes("stun"));
    test::add(bytes, test::framed(as_bytes("dtls")));
    return bytes;
  }();
  world.send(alice.id(), Bytes{stream}.first(9));
  EXPECT_EQ(came(), (std::vector<std::string>{"stun"}));
  world.send(alice.id(), Bytes{stream}.subspan(9));
  EXPECT_EQ(came(), (std::vector<std::string>{"stun", "dtls"}));
  EXPECT_EQ(path().protocol, ice::Protocol::Tcp);
  answer("back");
  EXPECT_EQ(alice.take_bytes(), std::string("\0\4back", 6));
  alice.leave();
  EXPECT_EQ(world.door.closed, std::vector{path()});
}

TEST_F(TunnelMedia, OfMuxSessionsIsToldApart) {
  Client alice{world, kAlice, Command::Mux};
  alice.open_session(1, Network::Tcp, kSfu, as_text(test::framed(as_bytes("tcp"))));
  alice.open_session(2, Network::Udp, kSfu, "udp");
  alice.open_session(3, Network::Tcp, kSfu);
  EXPECT_EQ(came(), (std::vector<std::string>{"tcp", "udp"}));
  EXPECT_NE(path(0), path(1));
  answer("to tcp", 0);
  answer("to udp", 1);
  EXPECT_EQ(alice.take_session(1), std::string("\0\6to tcp", 8));
  EXPECT_EQ(alice.take_datagrams(), (Datagrams{{kSfu.to_text(), "to udp"}}));
  alice.end_session(1);
  EXPECT_EQ(world.door.closed, std::vector{path(0)});
  alice.leave();
  EXPECT_EQ(world.door.closed, (std::vector{path(0), path(1)})) << "of the third session nothing ever came";
}

TEST(TunnelMediaPorts, AreAPathEachAndNoOtherPortLeadsThere) {
  World world;
  NewCall call = test::call_of("call", kAlice, kBob);
  call.sfu_ports = 3;
  ASSERT_TRUE(world.tunnel.add_call(call, world.now));
  const auto at = [](int after) { return SocketAddress{kSfu.ip, static_cast<std::uint16_t>(kSfu.port + after)}; };
  Client alice{world, kAlice, Command::Mux};
  alice.open_session(1, Network::Udp, at(0), "first");
  alice.keep(1, "third", at(2));
  alice.keep(1, "beyond", at(3));
  alice.keep(1, "before", at(-1));
  alice.keep(1, "first again");
  ASSERT_EQ(world.door.packets.size(), 3U);
  EXPECT_EQ(world.dropped(Drop::Foreign), 2U);
  const ice::Path first = world.door.packets[0].first;
  const ice::Path third = world.door.packets[1].first;
  EXPECT_EQ(first.local, at(0));
  EXPECT_EQ(third.local, at(2));
  EXPECT_NE(first.connection, third.connection);
  EXPECT_EQ(world.door.packets[2].first, first);
  world.tunnel.send(third, as_bytes("back"), world.now);
  EXPECT_EQ(alice.take_datagrams(), (Datagrams{{at(2).to_text(), "back"}}));
  world.tunnel.release(third, world.now);
  Client tcp{world, kAlice, Command::Tcp, at(1)};
  tcp.datagram("tcp");
  EXPECT_EQ(world.door.packets.back().first.local, at(1));
  Client foreign{world, kAlice, Command::Udp, at(3)};
  EXPECT_EQ(world.refused(Refusal::Foreign), 1U);
  world.tunnel.remove_call(CallId{"call"}, world.now);
  EXPECT_EQ(world.door.closed, (std::vector{world.door.packets.back().first, first})) << "the released one is known";
}

TEST(TunnelMediaPorts, HoldNoPeer) {
  World world;
  NewCall call = test::call_of("call", kAlice, kBob);
  call.sfu_ports = 3;
  call.users[1].peer = {kSfu.ip, static_cast<std::uint16_t>(kSfu.port + 2)};
  EXPECT_EQ(world.tunnel.add_call(call, world.now).error(), AddError::SameAddress);
}

TEST_F(TunnelMedia, PathsAreNeverTheSame) {
  std::vector<ice::Path> seen;
  for (int i = 0; i < 20; ++i) {
    for (const auto& key : {kAlice, kBob}) {
      for (const Command command : {Command::Tcp, Command::Udp}) {
        Client client{world, key, command, kSfu};
        client.datagram("x");
        client.leave();
        EXPECT_EQ(std::ranges::count(seen, world.door.packets.back().first), 0);
        seen.push_back(world.door.packets.back().first);
      }
    }
  }
}

TEST_F(TunnelMedia, APathThatIsReleasedClosesItsConnection) {
  Client alice{world, kAlice, Command::Tcp, kSfu};
  alice.datagram("hello");
  world.tunnel.release(path(), world.now);
  EXPECT_EQ(alice.line().closed, Ending::Finish);
  EXPECT_TRUE(world.door.closed.empty()) << "whoever released it knows";
  EXPECT_EQ(world.ended(StreamEnd::MediaReleased), 1U);
  world.tunnel.release(path(), world.now);
  answer("too late");
  Client by_mux{world, kAlice, Command::Mux};
  by_mux.open_session(4, Network::Tcp, kSfu, as_text(test::framed(as_bytes("x"))));
  world.tunnel.release(path(1), world.now);
  EXPECT_EQ(by_mux.take_ends(), std::vector<int>{4});
}

TEST_F(TunnelMedia, ADatagramPathThatIsReleasedIsAnotherOneNextTime) {
  Client alice{world, kAlice, Command::Udp, kSfu};
  alice.datagram("one");
  world.tunnel.release(path(), world.now);
  EXPECT_FALSE(alice.closed());
  alice.datagram("two");
  EXPECT_NE(path(0), path(1));
  answer("back", 1);
  EXPECT_EQ(alice.take_datagrams().size(), 1U);
}

TEST_F(TunnelMedia, MayAnswerFromWithin) {
  Client alice{world, kAlice, Command::Tcp, kSfu};
  world.door.answer = [&](const ice::Path& at, Bytes packet) { world.tunnel.send(at, packet, world.now); };
  alice.datagram("echo");
  alice.datagram("again");
  EXPECT_EQ(alice.take_bytes(), std::string("\0\4echo\0\5again", 13));
}

TEST_F(TunnelMedia, MayEndThingsFromWithin) {
  for (const Command command : {Command::Tcp, Command::Udp, Command::Mux}) {
    for (int what = 0; what < 3; ++what) {
      World of{test::generous()};
      of.add_call();
      Client alice{of, kAlice, command, command == Command::Mux ? std::nullopt : std::optional{kSfu}};
      of.door.answer = [&](const ice::Path& at, Bytes) {
        switch (what) {
          case 0: of.tunnel.release(at, of.now); break;
          case 1: of.tunnel.remove_call(CallId{"call"}, of.now); break;
          case 2: of.tunnel.on_closed(alice.id(), of.now); break;
        }
      };
      Buffer stream = test::framed(as_bytes("one"));
      test::add(stream, test::framed(as_bytes("two")));
      if (command == Command::Mux) {
        Buffer frames = test::mux_bytes(
            {.session = 1, .status = vless::mux::Status::New, .network = Network::Tcp, .address = kSfu}, stream);
        test::add(frames, test::mux_bytes({.session = 1}, Bytes{stream}));
        stream = frames;
      }
      of.send(alice.id(), stream);
      const bool goes_on = command == Command::Udp && what == 0;
      EXPECT_EQ(of.door.packets.size(), goes_on ? 2U : 1U) << what;
      EXPECT_EQ(alice.closed(), !goes_on && what != 2 && !(command == Command::Mux && what == 0)) << what;
    }
  }
}

TEST_F(TunnelMedia, DatagramsLongerThanAnyPacketAreDropped) {
  Client alice{world, kAlice, Command::Udp, kSfu};
  alice.datagram(std::string(kMediaDatagramBytesMax, 'x'));
  alice.datagram(std::string(kMediaDatagramBytesMax + 1, 'x'));
  EXPECT_EQ(world.door.packets.size(), 1U);
  EXPECT_EQ(world.dropped(Drop::TooLong), 1U);
  Client tcp{world, kAlice, Command::Tcp, kSfu};
  tcp.datagram(std::string(kMediaDatagramBytesMax + 1, 'x'));
  EXPECT_EQ(tcp.line().closed, Ending::Finish);
  EXPECT_EQ(world.ended(StreamEnd::Malformed), 1U);
  Client by_mux{world, kAlice, Command::Mux};
  by_mux.open_session(4, Network::Tcp, kSfu, as_text(test::framed(as_bytes(std::string(3000, 'x')))));
  EXPECT_EQ(by_mux.take_ends(), std::vector<int>{-4});
  EXPECT_FALSE(by_mux.closed());
}

}  // namespace
}  // namespace zvonok::tunnel
