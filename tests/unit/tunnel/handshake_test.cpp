// How a stream becomes somebody's, and that nothing can be learned from one that does not.
#include <algorithm>
#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/tunnel/harness.h"

namespace zvonok::tunnel {
namespace {

using test::Buffer;
using test::Client;
using test::kAlice;
using test::kBob;
using test::kPeerOfAlice;
using test::kPeerOfBob;
using test::kSfu;
using test::World;
using vless::Command;

SocketAddress at(const char* text) {
  return *SocketAddress::parse(text);
}

TEST(TunnelHandshake, ARequestCutAtAnyByteIsAnsweredAndItsPayloadGoesOn) {
  struct Case {
    std::string name;
    Buffer stream;
    std::size_t request_bytes;
  };
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, Buffer request, const Buffer& payload) {
    const std::size_t size = request.size();
    test::add(request, payload);
    cases.push_back({name, std::move(request), size});
  };
  const Buffer datagram = test::framed(test::bytes_of("hello"));
  add("UDP", test::request_bytes(kAlice, Command::Udp, kPeerOfAlice), datagram);
  add("UDP to media", test::request_bytes(kAlice, Command::Udp, kSfu), datagram);
  add("TCP to media", test::request_bytes(kAlice, Command::Tcp, kSfu), datagram);
  add("TCP", test::request_bytes(kAlice, Command::Tcp, kPeerOfAlice), test::bytes_of("hello"));
  add("Mux", test::request_bytes(kAlice, Command::Mux),
      test::mux_bytes({.session = 0, .status = vless::mux::Status::New, .address = kPeerOfAlice}, as_bytes("hello")));
  for (const Case& c : cases) {
    for (std::size_t cut = 0; cut <= c.stream.size(); ++cut) {
      World world;
      world.add_call();
      const StreamId id = world.open();
      world.send(id, Bytes{c.stream}.first(cut));
      EXPECT_EQ(world.edge.lines[id].messages.size(), cut >= c.request_bytes ? 1U : 0U) << c.name << " at " << cut;
      world.send(id, Bytes{c.stream}.subspan(cut));
      ASSERT_EQ(world.edge.lines[id].messages, (std::vector<Buffer>{{0, 0}})) << c.name << " at " << cut;
      EXPECT_EQ(world.tunnel.usage(CallId{"call"})->at(0).up.bytes, 5U) << c.name << " at " << cut;
      EXPECT_EQ(world.tunnel.waiting_count(), 0U);
    }
  }
}

/// All that can be seen from outside of what a stream's client did: when anything was sent or closed, and how.
struct Timeline {
  std::vector<std::string> events;
  friend bool operator==(const Timeline&, const Timeline&) = default;
};
std::ostream& operator<<(std::ostream& out, const Timeline& timeline) {
  for (const std::string& event : timeline.events) out << event << "; ";
  return out;
}

/// Opens a stream, sends those chunks 100 ms apart, and watches for ten seconds.
Timeline watch(const std::vector<Buffer>& chunks, World& world) {
  Timeline timeline;
  const StreamId id = world.open();
  const TimePoint start = world.now;
  const auto note = [&] {
    const test::FakeEdge::Line& line = world.edge.lines[id];
    const auto ms = std::chrono::duration_cast<milliseconds>(world.now - start).count();
    std::string seen = std::to_string(line.messages.size()) + " messages";
    if (line.closed) seen += *line.closed == Ending::Finish ? ", finished" : ", cut";
    if (line.reading == Reading::Off) seen += ", paused";
    if (timeline.events.empty() || !timeline.events.back().ends_with(seen)) {
      timeline.events.push_back(std::to_string(ms) + " ms: " + seen);
    }
  };
  note();
  for (const Buffer& chunk : chunks) {
    world.send(id, chunk);
    note();
    world.pass(milliseconds{100});
    note();
  }
  // Nothing happens by itself between two timeouts.
  const TimePoint end = start + seconds{10};
  while (world.now < end) {
    world.pass(std::clamp<Duration>(world.tunnel.next_timeout() - world.now, milliseconds{1}, end - world.now));
    note();
  }
  return timeline;
}

struct Wrong {
  std::string name;
  Buffer bytes;
  Refusal reason;
};

Buffer with_name(Buffer request, std::string_view name) {
  request.resize(request.size() - 5);
  request.push_back(2);
  request.push_back(static_cast<std::uint8_t>(name.size()));
  test::add(request, as_bytes(name));
  return request;
}

std::vector<Wrong> wrong_requests() {
  vless::UserKey near = kAlice;
  near.bytes.back() ^= 1;
  Buffer version = test::request_bytes(kAlice, Command::Udp, kPeerOfAlice);
  version[0] = 1;
  Buffer reverse = test::request_bytes(kAlice, Command::Mux);
  reverse.back() = 4;
  Buffer flow = test::request_bytes(kAlice, Command::Mux);
  flow.insert(flow.begin() + 18, {0x0A, 1, 'x'});
  flow[17] = 3;
  Buffer kind = test::request_bytes(kAlice, Command::Tcp, kPeerOfAlice);
  kind[21] = 9;
  Buffer partial = test::request_bytes(kAlice, Command::Tcp, kPeerOfAlice);
  partial.pop_back();
  return {
      {"garbage", Buffer(40, 'x'), Refusal::Version},
      {"HTTP", test::bytes_of("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), Refusal::Version},
      {"another version", version, Refusal::Version},
      {"an unknown key", test::request_bytes(test::key_of(7), Command::Udp, kPeerOfAlice), Refusal::UnknownUser},
      {"a key wrong in its last bit", test::request_bytes(near, Command::Tcp, kPeerOfAlice), Refusal::UnknownUser},
      {"an unknown key with Mux", test::request_bytes(test::key_of(7), Command::Mux), Refusal::UnknownUser},
      {"a foreign address", test::request_bytes(kAlice, Command::Tcp, at("127.0.0.1:80")), Refusal::Foreign},
      {"a foreign address by UDP", test::request_bytes(kAlice, Command::Udp, at("8.8.8.8:53")), Refusal::Foreign},
      {"a name", with_name(test::request_bytes(kAlice, Command::Tcp, kPeerOfAlice), "198.18.0.2"), Refusal::Name},
      {"the reverse proxy", reverse, Refusal::Command},
      {"a flow", flow, Refusal::Addons},
      {"an unknown kind of address", kind, Refusal::AddressKind},
      {"a request without its last byte", partial, Refusal::Silence},
      {"nothing", {}, Refusal::Silence},
  };
}

TEST(TunnelHandshake, WhateverIsWrongLooksTheSameFromOutside) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    World silent{test::generous(), seed};
    silent.add_call();
    const Timeline expected = watch({}, silent);
    for (const Wrong& wrong : wrong_requests()) {
      World world{test::generous(), seed};
      world.add_call();
      EXPECT_EQ(watch({wrong.bytes}, world), expected) << wrong.name << ", seed " << seed;
      EXPECT_EQ(world.refused(wrong.reason), 1U) << wrong.name;
      EXPECT_EQ(world.ended(StreamEnd::NotAdmitted), 1U) << wrong.name;
      EXPECT_EQ(world.tunnel.stream_count(), 0U) << wrong.name;
      EXPECT_EQ(world.tunnel.counters().admitted, 0U) << wrong.name;
    }
  }
}

TEST(TunnelHandshake, WhateverIsWrongLooksTheSameWhateverFollowsIt) {
  const std::vector<std::vector<std::size_t>> sizes{{100}, {10, 10, 10}, {4096}, {5000}, {3000, 3000}, {1, 4095, 1}};
  for (const auto& following : sizes) {
    std::optional<Timeline> expected;
    for (const Wrong& wrong : wrong_requests()) {
      if (wrong.reason == Refusal::Silence) continue;  // more bytes would make it something else
      World world;
      world.add_call();
      std::vector<Buffer> chunks;
      Buffer first = wrong.bytes;
      first.resize(64, 'y');
      chunks.push_back(first);
      for (const std::size_t size : following) chunks.emplace_back(size, 'z');
      const Timeline seen = watch(chunks, world);
      if (!expected) expected = seen;
      EXPECT_EQ(seen, *expected) << wrong.name << ", first following " << following.front();
    }
  }
}

TEST(TunnelHandshake, AWrongStreamThatTalksTooMuchIsClosedAtOnce) {
  World world;
  const StreamId id = world.open();
  world.send(id, Buffer(4096, 'x'));
  EXPECT_FALSE(world.edge.lines[id].closed);
  world.send(id, Buffer(1, 'x'));
  EXPECT_EQ(world.edge.lines[id].closed, Ending::Finish);
  EXPECT_EQ(world.ended(StreamEnd::TooMuch), 1U);
  world.send(id, Buffer(1, 'x'));  // it is forgotten
}

TEST(TunnelHandshake, TheWaitIsRandomBetweenItsBounds) {
  World world;
  std::vector<Duration> waits;
  for (int i = 0; i < 200; ++i) {
    const StreamId id = world.open();
    waits.push_back(world.tunnel.next_timeout() - world.now);
    EXPECT_GE(waits.back(), seconds{4});
    EXPECT_LE(waits.back(), seconds{8});
    world.tunnel.on_closed(id, world.now);
  }
  const auto [least, most] = std::ranges::minmax(waits);
  EXPECT_LT(least, milliseconds{4200});
  EXPECT_GT(most, milliseconds{7800});
}

/// Addresses that must lead nowhere, however they are written.
const std::vector<const char*> kForeign{
    "127.0.0.1:40000",
    "0.0.0.0:40000",
    "10.0.0.1:40000",
    "172.16.0.1:40000",
    "192.168.0.1:40000",
    "100.64.0.1:40000",
    "169.254.169.254:80",
    "224.0.0.1:40000",
    "255.255.255.255:40000",
    "8.8.8.8:53",
    "198.18.0.2:40001",
    "198.18.0.2:0",
    "198.18.0.3:40001",
    "198.18.0.3:40000",
    "198.18.0.1:40000",
    "198.18.0.4:40000",
    "2.0.18.198:40000",
    "[::]:40000",
    "[::1]:40000",
    "[fe80::1]:40000",
    "[fc00::1]:40000",
    "[ff02::1]:40000",
    "[::ffff:127.0.0.1]:40000",
    "[::ffff:10.0.0.1]:40000",
    "[::198.18.0.2]:40000",
    "[::ffff:0:198.18.0.2]:40000",
    "[64:ff9b::198.18.0.2]:40000",
    "[2002:c612:2::]:40000",
    "[2001::198.18.0.2]:40000",
    "[::ffff:198.18.0.3]:40001",
    "[::ffff:169.254.169.254]:80",
};

/// That address in its sixteen-byte form, as a client may write it.
Buffer as_v6(Buffer request, const SocketAddress& target) {
  request.resize(18 + 1);
  request.push_back(static_cast<std::uint8_t>(target.port >> 8));
  request.push_back(static_cast<std::uint8_t>(target.port));
  request.push_back(3);
  test::add(request, target.ip.v6_bytes());
  return request;
}

TEST(TunnelHandshake, LeadsNowhereButToTheCallsOwnAddresses) {
  for (const char* const text : kForeign) {
    for (const Command command : {Command::Tcp, Command::Udp}) {
      World world;
      world.add_call();
      const Buffer plain = test::request_bytes(kAlice, command, at(text));
      world.send(world.open(), plain);
      world.send(world.open(), as_v6(plain, at(text)));
      EXPECT_EQ(world.refused(Refusal::Foreign), 2U) << text;
      EXPECT_EQ(world.tunnel.counters().admitted, 0U) << text;
      EXPECT_TRUE(world.door.packets.empty());
    }
  }
}

TEST(TunnelHandshake, MuxSessionsLeadNowhereElseEither) {
  for (const char* const text : kForeign) {
    World world;
    world.add_call();
    Client bob{world, kBob, Command::Udp, kPeerOfBob};
    Client alice{world, kAlice, Command::Mux};
    alice.open_session(1, vless::mux::Network::Tcp, at(text), "to nowhere");
    EXPECT_EQ(alice.take_ends(), std::vector<int>{-1}) << text;
    EXPECT_EQ(world.dropped(Drop::SessionForeign), 1U) << text;
    alice.open_session(2, vless::mux::Network::Udp, at(text), "to nowhere");
    EXPECT_EQ(world.dropped(Drop::Foreign), 1U) << text;
    alice.keep(2, "no target of its own");
    EXPECT_EQ(world.dropped(Drop::NoTarget), 1U) << text;
    alice.open_session(3, vless::mux::Network::Udp, kPeerOfAlice, "good");
    alice.keep(3, "to nowhere", at(text));
    EXPECT_EQ(world.dropped(Drop::Foreign), 2U) << text;
    alice.keep(3, "good again");
    EXPECT_EQ(bob.take_datagrams(),
              (test::Datagrams{{kPeerOfBob.to_text(), "good"}, {kPeerOfBob.to_text(), "good again"}}))
        << text;
    EXPECT_TRUE(world.door.packets.empty()) << text;
  }
}

TEST(TunnelHandshake, NamesAreRefusedInEveryFrame) {
  World world;
  world.add_call();
  Client bob{world, kBob, Command::Udp, kPeerOfBob};
  Client alice{world, kAlice, Command::Mux};
  const Buffer tcp{0, 13, 0, 1, 1, 0, 1, 0x9C, 0x40, 2, 4, 'h', 'o', 's', 't'};
  world.send(alice.id(), tcp);
  EXPECT_EQ(alice.take_ends(), std::vector<int>{-1});
  const Buffer udp{0, 13, 0, 2, 1, 1, 2, 0x9C, 0x40, 2, 4, 'h', 'o', 's', 't', 0, 1, 'x'};
  world.send(alice.id(), udp);
  EXPECT_EQ(world.dropped(Drop::Name), 1U);
  Buffer keep = udp;
  keep[4] = 2;
  world.send(alice.id(), keep);
  EXPECT_EQ(world.dropped(Drop::Name), 2U);
  EXPECT_TRUE(bob.take_datagrams().empty());
  EXPECT_FALSE(alice.closed());
}

TEST(TunnelHandshake, TheSameAddressInIpv6ClothesIsTheSameAddress) {
  World world;
  world.add_call();
  const Buffer plain = test::request_bytes(kAlice, Command::Udp, kPeerOfAlice);
  world.send(world.open(), as_v6(plain, kPeerOfAlice));
  EXPECT_EQ(world.tunnel.counters().admitted, 1U);
}

TEST(TunnelHandshake, OneUsersAddressIsNotTheOthers) {
  World world;
  world.add_call();
  world.send(world.open(), test::request_bytes(kAlice, Command::Udp, kPeerOfBob));
  world.send(world.open(), test::request_bytes(kBob, Command::Udp, kPeerOfAlice));
  EXPECT_EQ(world.refused(Refusal::Foreign), 2U);
}

TEST(TunnelHandshake, WithoutAMediaPlaneThereIsNoWayToIt) {
  World world;
  NewCall call = test::call_of("call", kAlice, kBob);
  call.sfu.reset();
  ASSERT_TRUE(world.tunnel.add_call(call, world.now));
  world.send(world.open(), test::request_bytes(kAlice, Command::Tcp, kSfu));
  EXPECT_EQ(world.refused(Refusal::Foreign), 1U);
}

TEST(TunnelHandshake, OfOneAddressOnlySoManyWaitAndTheOldestGivesWay) {
  Options options = test::generous();
  options.waiting_per_address_max = 3;
  World world{options};
  world.add_call();
  std::vector<StreamId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(world.open("2001:db8::1"));
  const StreamId other = world.open("2001:db8:0:1::1");
  const Client good{world, kAlice, Command::Udp, kPeerOfAlice};
  ids.push_back(world.open("2001:db8::2"));  // of the same /64
  EXPECT_EQ(world.edge.lines[ids[0]].closed, Ending::Finish);
  ids.push_back(world.open("2001:db8::3"));
  EXPECT_EQ(world.edge.lines[ids[1]].closed, Ending::Finish);
  EXPECT_FALSE(world.edge.lines[ids[2]].closed || world.edge.lines[other].closed);
  EXPECT_EQ(world.ended(StreamEnd::GaveWay), 2U);
  EXPECT_EQ(world.tunnel.waiting_count(), 4U);
  EXPECT_EQ(world.tunnel.stream_count(), 5U);
}

TEST(TunnelHandshake, OfAllOnlySoManyWait) {
  Options options = test::generous();
  options.waiting_max = 10;
  World world{options};
  for (int i = 0; i < 50; ++i) static_cast<void>(world.open("192.0.2." + std::to_string(i)));
  EXPECT_EQ(world.tunnel.waiting_count(), 10U);
  EXPECT_EQ(world.ended(StreamEnd::GaveWay), 40U);
  EXPECT_TRUE(world.edge.lines[StreamId{40}].closed);
  EXPECT_FALSE(world.edge.lines[StreamId{41}].closed);
}

TEST(TunnelHandshake, BeyondAllStreamsNoneIsOpened) {
  Options options = test::generous();
  options.streams_max = 2;
  World world{options};
  world.add_call();
  const Client alice{world, kAlice, Command::Udp, kPeerOfAlice};
  const Client bob{world, kBob, Command::Udp, kPeerOfBob};
  EXPECT_EQ(world.opened, Tunnel::Opened::Yes);
  const StreamId third = world.open();
  EXPECT_EQ(world.opened, Tunnel::Opened::TooMany);
  world.send(third, test::request_bytes(kAlice, Command::Mux));
  EXPECT_EQ(world.tunnel.counters().turned_away, 1U);
  EXPECT_EQ(world.tunnel.counters().admitted, 2U);
}

}  // namespace
}  // namespace zvonok::tunnel
