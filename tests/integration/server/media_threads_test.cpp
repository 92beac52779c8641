// Several media threads in one server: rooms are spread over them, each room is on one alone, and its descriptions name
// that one's ports.
#include <map>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "support/room_client.h"
#include "support/test_node.h"

namespace zvonok::test {
namespace {

constexpr const char* kUnknownUfrag = R"(zvonok_media_dropped_total{reason="unknown_ufrag"})";

std::string of_thread(const std::string& name, int thread) {
  return name + "{thread=\"" + std::to_string(thread) + "\"}";
}

std::uint16_t port_of(const RoomClient& client, ice::Protocol protocol) {
  const auto candidate = client.offer().candidate(protocol);
  if (!candidate) throw std::runtime_error{"the offer has no such candidate"};
  return candidate->port;
}

std::string framed(std::string_view packet) {
  std::string out;
  out.push_back(static_cast<char>(packet.size() >> 8));
  out.push_back(static_cast<char>(packet.size() & 0xFF));
  return out.append(packet);
}

bool answers_by_udp(const RoomClient& client, std::uint16_t port) {
  UdpClient udp{port};
  udp.send(ice_check(client.offer()));
  return seen_by_check(client.offer(), udp.receive()).has_value();
}

bool answers_by_tcp(const RoomClient& client, std::uint16_t port) {
  TcpClient tcp{port};
  tcp.send(framed(ice_check(client.offer())));
  const std::string head = tcp.read_exactly(2);
  const std::string packet = tcp.read_exactly(static_cast<std::size_t>(static_cast<unsigned char>(head.at(0))) * 256 +
                                              static_cast<unsigned char>(head.at(1)));
  return seen_by_check(client.offer(), packet).has_value();
}

struct MediaThreads : ::testing::Test {
  MediaThreads() {
    make_group(node, "one", {&alice, &bob});
    make_group(node, "two", {&alice, &carol});
  }
  TestNode node{[](app::Config& config) { config.media_threads = 2; }};
  Person alice = node.person("alice");
  Person bob = node.person("bob");
  Person carol = node.person("carol");
};

TEST_F(MediaThreads, TakeRoomsInTurnAndEachRoomIsOnOne) {
  const RoomClient alice_in_one{node, alice, "group/one", "a1"};
  const RoomClient bob_in_one{node, bob, "group/one", "b1"};
  const RoomClient carol_in_two{node, carol, "group/two", "c2"};
  const RoomClient alice_in_two{node, alice, "group/two", "a2"};
  for (const ice::Protocol protocol : {ice::Protocol::Udp, ice::Protocol::Tcp}) {
    EXPECT_EQ(port_of(alice_in_one, protocol), port_of(bob_in_one, protocol));
    EXPECT_EQ(port_of(carol_in_two, protocol), port_of(alice_in_two, protocol));
    EXPECT_NE(port_of(alice_in_one, protocol), port_of(carol_in_two, protocol));
  }
  for (const RoomClient* const client : {&alice_in_one, &bob_in_one, &carol_in_two, &alice_in_two}) {
    EXPECT_TRUE(answers_by_udp(*client, port_of(*client, ice::Protocol::Udp)));
    EXPECT_TRUE(answers_by_tcp(*client, port_of(*client, ice::Protocol::Tcp)));
  }
  for (const int thread : {0, 1}) {
    EXPECT_EQ(node.metric(of_thread("zvonok_media_thread_rooms", thread)), 1);
    node.await_metric(of_thread("zvonok_media_thread_peers", thread), [](double peers) { return peers == 2; });
  }
  EXPECT_EQ(node.metric("zvonok_media_peers"), 4);
}

TEST_F(MediaThreads, KnowNothingOfEachOthersRooms) {
  const RoomClient in_one{node, alice, "group/one", "a1"};
  const RoomClient in_two{node, carol, "group/two", "c2"};
  UdpClient wrong{port_of(in_two, ice::Protocol::Udp)};
  wrong.send(ice_check(in_one.offer()));
  node.await_metric(kUnknownUfrag, [](double dropped) { return dropped == 1; });
}

TEST_F(MediaThreads, AreFreedByRoomsThatEnd) {
  std::optional<RoomClient> in_one{std::in_place, node, alice, "group/one", "a1"};
  const RoomClient in_two{node, carol, "group/two", "c2"};
  in_one->say("leave");
  node.await_metric(of_thread("zvonok_media_thread_rooms", 0), [](double rooms) { return rooms == 0; });
  const RoomClient again{node, bob, "group/one", "b1"};
  EXPECT_NE(port_of(again, ice::Protocol::Udp), port_of(in_two, ice::Protocol::Udp)) << "the one that is idle";
}

TEST(MediaThreadsPorts, FollowTheOneThatIsSet) {
  std::optional<TestNode> node;
  std::uint16_t first = 0;
  for (int attempt = 0; attempt < 50 && !node; ++attempt) {
    first = static_cast<std::uint16_t>(20000 + (::getpid() * 7 + attempt * 13) % 20000);
    try {
      node.emplace([&](app::Config& config) {
        config.media_threads = 3;
        config.media_udp_port = first;
        config.media_tcp_port = static_cast<std::uint16_t>(first + 100);
      });
    } catch (const std::runtime_error&) {  // somebody has one of these ports
    }
  }
  ASSERT_TRUE(node);
  const std::string udp = std::to_string(first) + "-" + std::to_string(first + 2);
  const std::string tcp = std::to_string(first + 100) + "-" + std::to_string(first + 102);
  EXPECT_NE(node->log().find("udp_ports=" + udp + " tcp_ports=" + tcp), std::string::npos) << node->log();
}

}  // namespace
}  // namespace zvonok::test
