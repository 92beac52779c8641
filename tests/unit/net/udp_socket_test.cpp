// Datagrams over loopback: what is queued in one batch arrives whole and in order at each destination, however it was
// put together for the way.
#include "net/udp_socket.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <poll.h>

namespace zvonok::net {
namespace {

using Blob = std::vector<std::uint8_t>;

UdpSocket open_loopback(UdpSocket::Options options = {}) {
  options.address = {.ip = *IpAddress::parse("127.0.0.1"), .port = 0};
  auto socket = UdpSocket::open(options);
  if (!socket) throw std::runtime_error{socket.error()};
  return std::move(*socket);
}

/// Everything that comes until `count` datagrams are there; fewer when nothing comes for two seconds.
std::vector<Blob> receive(UdpSocket& socket, std::size_t count) {
  std::vector<Blob> all;
  while (all.size() < count) {
    pollfd waiting{.fd = socket.fd(), .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, 2000) <= 0) break;
    for (const UdpSocket::Datagram& datagram : socket.receive()) {
      all.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
    }
  }
  return all;
}

class UdpBatches : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Segments, UdpBatches, testing::Bool());

TEST_P(UdpBatches, ArriveWholeAndInOrderAtEachDestination) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random{seed};
    UdpSocket sender = open_loopback({.address = {}, .send_batch = 64, .segments = GetParam()});
    std::vector<UdpSocket> receivers;
    for (int i = 0; i < 5; ++i) receivers.push_back(open_loopback());
    std::map<std::size_t, std::vector<Blob>> expected;
    for (unsigned n = 0; n < 200; ++n) {
      const std::size_t to = random() % receivers.size();
      // Few sizes, so that there are trains; in between all others.
      const std::size_t size = random() % 4 == 0 ? 1 + random() % 1400 : 100 + 1000 * (random() % 2);
      Blob bytes(size);
      std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
      const MutableBytes room = sender.claim();
      ASSERT_GE(room.size(), bytes.size());
      std::ranges::copy(bytes, room.begin());
      sender.commit(receivers[to].local(), random() % 2 == 0 ? sender.local().ip : IpAddress{}, size);
      expected[to].push_back(std::move(bytes));
      if (random() % 50 == 0) sender.flush();
    }
    sender.flush();
    EXPECT_EQ(sender.counters().sent, 200U) << "seed " << seed;
    EXPECT_EQ(sender.counters().send_failed + sender.counters().send_full, 0U) << "seed " << seed;
    if (!GetParam()) {
      EXPECT_EQ(sender.counters().send_messages, 200U);
    }
    for (std::size_t i = 0; i < receivers.size(); ++i) {
      std::vector<Blob> got = receive(receivers[i], expected[i].size());
      // One destination may have been addressed from two addresses; each of the two keeps its order.
      std::vector<Blob> wanted = expected[i];
      std::ranges::sort(got);
      std::ranges::sort(wanted);
      EXPECT_EQ(got, wanted) << "seed " << seed << " receiver " << i;
    }
  }
}

TEST_P(UdpBatches, KeepTheOrderOfOneWay) {
  UdpSocket sender = open_loopback({.address = {}, .send_batch = 512, .segments = GetParam()});
  UdpSocket receiver = open_loopback();
  std::vector<Blob> expected;
  for (unsigned n = 0; n < 300; ++n) {
    const std::size_t size = n % 7 == 3 ? 60 : n % 11 == 5 ? 1300 : 900;
    Blob bytes(size, static_cast<std::uint8_t>(n));
    std::ranges::copy(bytes, sender.claim().begin());
    sender.commit(receiver.local(), {}, size);
    expected.push_back(std::move(bytes));
  }
  sender.flush();
  EXPECT_EQ(receive(receiver, expected.size()), expected);
  if (GetParam()) {
    EXPECT_LT(sender.counters().send_messages, 150U) << "trains";
  }
}

TEST(UdpSocket, MuchLeavesBeforeTheTurnEndsAndLittleWaits) {
  UdpSocket sender = open_loopback();
  UdpSocket receiver = open_loopback();
  const auto queue = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::ranges::fill(sender.claim().first(1000), std::uint8_t{1});
      sender.commit(receiver.local(), {}, 1000);
    }
    sender.flush_much();
  };
  queue(60);
  EXPECT_EQ(sender.counters().sent, 0U);
  queue(10);
  EXPECT_EQ(sender.counters().sent, 70U);
  EXPECT_EQ(receive(receiver, 70).size(), 70U);
  queue(60);
  EXPECT_EQ(sender.counters().sent, 70U);
}

TEST(UdpSocket, ADestinationThatCanNotBeReachedHarmsNoOther) {
  UdpSocket sender = open_loopback();
  UdpSocket receiver = open_loopback();
  for (int n = 0; n < 3; ++n) {
    sender.claim().front() = 1;
    sender.commit({.ip = *IpAddress::parse("192.0.2.1"), .port = 0}, {}, 1);  // port 0 is no destination
    sender.claim().front() = 2;
    sender.commit(receiver.local(), {}, 1);
  }
  sender.flush();
  EXPECT_EQ(receive(receiver, 3), std::vector<Blob>(3, Blob{2}));
  EXPECT_EQ(sender.counters().send_failed, 3U);
}

}  // namespace
}  // namespace zvonok::net
