// What spreads rooms over media threads and carries packets between them and the tunnel, without a thread.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "app/media/media_ports.h"
#include "app/media/media_shards.h"
#include "app/media/packet_lane.h"
#include "app/media/placement.h"

namespace zvonok::app {
namespace {

TEST(Placement, TakesTheThreadWithTheLeastToDo) {
  struct Case {
    const char* what;
    std::vector<ShardLoad> loads;
    std::size_t expected;
  };
  for (const Case& one : {
           Case{"one alone", {{.busy = 1, .rooms = 9, .participants = 9}}, 0},
           Case{"of equals the first", {{}, {}, {}}, 0},
           Case{"the idle one", {{.rooms = 1, .participants = 1}, {}, {}}, 1},
           Case{"fewer participants", {{.rooms = 1, .participants = 9}, {.rooms = 1, .participants = 2}}, 1},
           Case{"fewer rooms", {{.rooms = 3, .participants = 6}, {.rooms = 1, .participants = 6}}, 1},
           Case{"busy with few", {{.busy = 0.7, .rooms = 1, .participants = 4}, {.rooms = 20, .participants = 60}}, 1},
           Case{"many who say little", {{.busy = 0.1, .rooms = 50, .participants = 500}, {.busy = 0.5}}, 1},
       }) {
    EXPECT_EQ(least_loaded(one.loads), one.expected) << one.what;
    EXPECT_EQ(least_loaded(one.loads), least_loaded(one.loads)) << one.what;
  }
}

TEST(Placement, SpreadsWhatBeginsAtOnceBeforeAnyProcessorWasMeasured) {
  std::vector<ShardLoad> loads(4);
  for (int i = 0; i < 40; ++i) {
    ShardLoad& chosen = loads[least_loaded(loads)];
    ++chosen.rooms;
    ++chosen.participants;
  }
  for (const ShardLoad& load : loads) EXPECT_EQ(load.rooms, 10U);
}

TEST(MediaPorts, AreToldAsRanges) {
  EXPECT_EQ(port_ranges({}), "");
  EXPECT_EQ(port_ranges({10000}), "10000");
  EXPECT_EQ(port_ranges({10000, 10001, 10002}), "10000-10002");
  EXPECT_EQ(port_ranges({10000, 10002, 10003, 5}), "10000,10002-10003,5");
  EXPECT_EQ(port_of_thread(10000, 3), 10003);
  EXPECT_EQ(port_of_thread(0, 3), 0) << "any";
}

ice::Path path(std::uint64_t number) {
  return {.protocol = ice::Protocol::Udp, .local = kSfuInTunnel, .remote = {}, .connection = number};
}

/// What a lane gives, as text: "1:abc" for a packet, "1 ends" for an end.
std::vector<std::string> taken(PacketLane& lane) {
  std::vector<std::string> out;
  lane.take(
      [&](const ice::Path& from, MutableBytes packet) {
        out.push_back(std::to_string(from.connection) + ":" + std::string{as_text(packet)});
        if (!packet.empty()) packet[0] = 'X';  // it is the taker's to change
      },
      [&](const ice::Path& of) { out.push_back(std::to_string(of.connection) + " ends"); });
  return out;
}

TEST(PacketLane, GivesAllInOrderAndWakesOnce) {
  using Wake = PacketLane::Wake;
  PacketLane lane;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(lane.push(path(1), as_bytes("abc")), Wake::Yes) << "nobody was told yet";
    EXPECT_EQ(lane.push(path(2), as_bytes("")), Wake::No);
    EXPECT_EQ(lane.end(path(1)), Wake::No);
    EXPECT_EQ(lane.push(path(1), as_bytes("de")), Wake::No);
    EXPECT_EQ(taken(lane), (std::vector<std::string>{"1:abc", "2:", "1 ends", "1:de"}));
    EXPECT_TRUE(taken(lane).empty());
  }
  EXPECT_EQ(lane.end(path(3)), Wake::Yes);
  EXPECT_EQ(lane.counters().packets, 9U);
  EXPECT_EQ(lane.counters().bytes, 15U);
  EXPECT_EQ(lane.counters().dropped, 0U);
}

TEST(PacketLane, DropsPacketsBeyondItsLimitsAndCountsThemButNoEnds) {
  PacketLane by_bytes{{.bytes_max = 10, .packets_max = 100}};
  EXPECT_EQ(by_bytes.push(path(1), as_bytes("12345678")), PacketLane::Wake::Yes);
  EXPECT_EQ(by_bytes.push(path(1), as_bytes("too much")), PacketLane::Wake::No);
  EXPECT_EQ(by_bytes.push(path(1), as_bytes("90")), PacketLane::Wake::No) << "what fits still does";
  EXPECT_EQ(by_bytes.counters().dropped, 1U);
  EXPECT_EQ(taken(by_bytes), (std::vector<std::string>{"1:12345678", "1:90"}));
  PacketLane by_packets{{.bytes_max = 100, .packets_max = 2}};
  for (int i = 0; i < 5; ++i) std::ignore = by_packets.push(path(1), as_bytes("x"));
  std::ignore = by_packets.end(path(1));
  EXPECT_EQ(by_packets.counters().dropped, 3U);
  EXPECT_EQ(taken(by_packets), (std::vector<std::string>{"1:x", "1:x", "1 ends"}));
}

}  // namespace
}  // namespace zvonok::app
