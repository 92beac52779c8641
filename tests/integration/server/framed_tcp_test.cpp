// The listener of ICE-TCP against clients that mean no good, over loopback sockets. Limits are short here, and nothing
// waits for time to pass: the server's end of a connection is what is waited for.
#include "net/framed_tcp.h"

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/byte_io.h"
#include "net/loop.h"
#include "proto/stun/binding.h"
#include "support/tcp_client.h"

namespace zvonok::net {
namespace {

using test::TcpClient;
using Reason = FramedTcpClose;

std::string framed(std::string_view packet) {
  std::string out;
  out.push_back(static_cast<char>(packet.size() >> 8));
  out.push_back(static_cast<char>(packet.size() & 0xFF));
  return out.append(packet);
}

std::string stun_request() {
  std::array<std::uint8_t, stun::kBindingBytesMax> buffer{};
  const std::size_t size = stun::write_binding_request(buffer, {.username = "here:there"}, nullptr);
  return {reinterpret_cast<const char*>(buffer.data()), size};
}

std::string read_frame(TcpClient& client) {
  const std::string head = client.read_exactly(2);
  if (head.size() < 2) return {};
  return client.read_exactly(static_cast<std::size_t>(static_cast<unsigned char>(head[0])) * 256 +
                             static_cast<unsigned char>(head[1]));
}

/// A listener on a loop of its own. What comes in is handed to `behaviour`, on the loop's thread.
class Listener final : public FramedTcpHandler {
 public:
  using Behaviour = std::function<void(FramedTcp&, const ice::Path&, std::string_view)>;

  explicit Listener(const FramedTcp::Options& options = {}, Behaviour behaviour = wanted_echo())
      : behaviour_{std::move(behaviour)} {
    loop_ = std::move(*Loop::create());
    tcp_ = std::move(*FramedTcp::create(*loop_, *this, options));
    loop_->set_turn_end([this] { tcp_->flush(); });
    port_ = tcp_->port();
    thread_ = std::thread{[this] { loop_->run(); }};
  }
  ~Listener() override { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    loop_->stop();
    thread_.join();
    tcp_.reset();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  template <class Task>
  auto on_loop(Task task) {
    std::promise<decltype(task(*tcp_))> done;
    auto answer = done.get_future();
    loop_->post([&] { done.set_value(task(*tcp_)); });
    return answer.get();
  }
  FramedTcpCounters counters() {
    return on_loop([](FramedTcp& tcp) { return tcp.counters(); });
  }
  /// Waits for the counter, which follows what the client sees by a turn at most.
  FramedTcpCounters await(const std::function<bool(const FramedTcpCounters&)>& done) {
    const auto end = std::chrono::steady_clock::now() + test::kPatience;
    for (;;) {
      const FramedTcpCounters now = counters();
      if (done(now) || std::chrono::steady_clock::now() > end) return now;
      std::this_thread::yield();
    }
  }
  FramedTcpCounters await_closed(Reason reason, std::uint64_t count = 1) {
    return await([=](const FramedTcpCounters& now) { return now.of(reason) >= count; });
  }

  /// Every packet is a participant's, and comes back.
  static Behaviour wanted_echo() {
    return [](FramedTcp& tcp, const ice::Path& path, std::string_view packet) {
      tcp.confirm(path);
      send(tcp, path, packet);
    };
  }
  static void send(FramedTcp& tcp, const ice::Path& path, std::string_view packet) {
    const MutableBytes room = tcp.claim(path);
    std::ranges::copy(packet, room.begin());
    tcp.commit(path, packet.size());
  }

  void on_frame(const ice::Path& path, MutableBytes packet) override {
    paths.push_back(path);
    behaviour_(*tcp_, path, {reinterpret_cast<const char*>(packet.data()), packet.size()});
  }
  void on_closed(const ice::Path& path) override { closed.push_back(path); }

  // Of the loop's thread.
  std::vector<ice::Path> paths;
  std::vector<ice::Path> closed;

 private:
  Behaviour behaviour_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<FramedTcp> tcp_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

void nobody_wants(FramedTcp&, const ice::Path&, std::string_view) {}

TEST(FramedTcp, CutsTheStreamIntoPacketsHoweverItArrives) {
  Listener listener;
  TcpClient client{listener.port()};
  const std::vector<std::string> packets{stun_request(), std::string(1, 'a'), std::string(1400, 'b'),
                                         std::string(2048, 'c')};
  std::string glued;
  for (const std::string& packet : packets) glued += framed(packet);
  ASSERT_TRUE(client.send(glued));
  for (const std::string& packet : packets) EXPECT_EQ(read_frame(client), packet);
  for (const char byte : framed(packets[0])) ASSERT_TRUE(client.send({&byte, 1}));
  EXPECT_EQ(read_frame(client), packets[0]);
  const FramedTcpCounters counters = listener.counters();
  EXPECT_EQ(counters.received, 5U);
  EXPECT_EQ(counters.sent, 5U);
}

TEST(FramedTcp, SendsThePacketsOfOneTurnWithOneWrite) {
  Listener listener{{}, [](FramedTcp& tcp, const ice::Path& path, std::string_view) {
                      tcp.confirm(path);
                      for (char c = 'a'; c < 'k'; ++c) Listener::send(tcp, path, std::string(700, c));
                    }};
  TcpClient client{listener.port()};
  ASSERT_TRUE(client.send(framed(stun_request())));
  for (char c = 'a'; c < 'k'; ++c) EXPECT_EQ(read_frame(client), std::string(700, c));
  EXPECT_EQ(listener.counters().send_calls, 1U);
}

TEST(FramedTcp, TellsThePathAndItsEnd) {
  Listener listener;
  {
    TcpClient client{listener.port(), {.source_address = "127.0.0.7"}};
    ASSERT_TRUE(client.send(framed(stun_request())));
    EXPECT_EQ(read_frame(client), stun_request());
  }
  listener.await_closed(Reason::PeerClosed);
  const auto path = listener.on_loop([&](FramedTcp&) { return listener.paths.at(0); });
  EXPECT_EQ(path.protocol, ice::Protocol::Tcp);
  EXPECT_EQ(path.remote.ip, IpAddress::v4(0x7F000007));
  EXPECT_EQ(path.local, (SocketAddress{.ip = IpAddress::v4(0x7F000001), .port = listener.port()}));
  EXPECT_GT(path.connection, 0U);
  EXPECT_THAT(listener.on_loop([&](FramedTcp&) { return listener.closed; }), testing::ElementsAre(path));
  // What is still sent to it goes nowhere and is counted.
  listener.on_loop([&](FramedTcp& tcp) { return (Listener::send(tcp, path, "late"), 0); });
  EXPECT_EQ(listener.counters().send_gone, 1U);
}

TEST(FramedTcp, ServesIpv6) {
  Listener listener;
  const Fd fd{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  address.sin6_port = htons(listener.port());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    GTEST_SKIP() << "no IPv6 on this machine";
  }
  const std::string hello = framed(stun_request());
  ASSERT_EQ(::send(fd.get(), hello.data(), hello.size(), MSG_NOSIGNAL), static_cast<ssize_t>(hello.size()));
  std::string echo(hello.size(), '\0');
  ASSERT_EQ(::recv(fd.get(), echo.data(), echo.size(), MSG_WAITALL), static_cast<ssize_t>(hello.size()));
  EXPECT_EQ(echo, hello);
  const auto path = listener.on_loop([&](FramedTcp&) { return listener.paths.at(0); });
  EXPECT_EQ(path.remote.ip, IpAddress::v6(0, 1));
  EXPECT_EQ(path.local.ip, IpAddress::v6(0, 1));
}

struct Hostile {
  const char* what;
  std::string bytes;
  Reason reason;
};
class FramedTcpHostile : public testing::TestWithParam<Hostile> {};

TEST_P(FramedTcpHostile, IsClosedAndCounted) {
  const auto unless = [](Reason reason, Duration time) { return GetParam().reason == reason ? time : seconds{30}; };
  Listener listener{{.first_frame_timeout = unless(Reason::FirstFrameTimeout, milliseconds{300}),
                     .confirm_timeout = unless(Reason::ConfirmTimeout, milliseconds{600})},
                    nobody_wants};
  TcpClient client{listener.port()};
  client.send(GetParam().bytes);
  EXPECT_EQ(client.read_all(), "") << "nothing is answered";
  const FramedTcpCounters counters = listener.await_closed(GetParam().reason);
  EXPECT_EQ(counters.of(GetParam().reason), 1U);
  EXPECT_EQ(counters.connections, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All, FramedTcpHostile,
    testing::Values(Hostile{"nothing", "", Reason::FirstFrameTimeout},
                    Hostile{"half_a_length", std::string(1, '\0'), Reason::FirstFrameTimeout},
                    Hostile{"half_a_frame", framed(stun_request()).substr(0, 15), Reason::FirstFrameTimeout},
                    Hostile{"frame_of_nothing", std::string(2, '\0'), Reason::FrameEmpty},
                    Hostile{"longest_frame", std::string(2, '\xFF'), Reason::FrameTooLong},
                    Hostile{"one_byte_too_long", std::string{"\x08\x01"} + stun_request(), Reason::FrameTooLong},
                    Hostile{"http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", Reason::FrameTooLong},
                    Hostile{"rtp_first", framed("\x80" + std::string(40, 'x')), Reason::NotStun},
                    Hostile{"stun_without_cookie", framed(std::string(20, '\0')), Reason::NotStun},
                    Hostile{"stun_that_nobody_wants", framed(stun_request()), Reason::ConfirmTimeout},
                    Hostile{"nothing_behind_stun", framed(stun_request()) + std::string(2, '\0'), Reason::FrameEmpty},
                    Hostile{"too_long_behind_stun", framed(stun_request()) + "\xFF\xFF", Reason::FrameTooLong}),
    [](const auto& test) { return std::string{test.param.what}; });

TEST(FramedTcp, ClosesWhoSendsByteByByteWithoutEnd) {
  Listener listener{{.first_frame_timeout = milliseconds{200}}};
  TcpClient client{listener.port()};
  // One length that promises 2,000 bytes, which drip in for as long as the server bears it.
  ASSERT_TRUE(client.send("\x07\xD0"));
  constexpr int kDripMilliseconds = 10;
  pollfd ended{.fd = client.fd(), .events = POLLIN, .revents = 0};
  int sent = 0;
  while (::poll(&ended, 1, kDripMilliseconds) == 0 && client.send("x")) ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, 2'000);
  EXPECT_EQ(listener.await_closed(Reason::FirstFrameTimeout).of(Reason::FirstFrameTimeout), 1U);
}

TEST(FramedTcp, NoticesResets) {
  Listener listener;
  TcpClient client{listener.port()};
  ASSERT_TRUE(client.send(framed(stun_request())));
  EXPECT_EQ(read_frame(client), stun_request());
  client.reset();
  EXPECT_EQ(listener.await_closed(Reason::PeerReset).of(Reason::PeerReset), 1U);
}

TEST(FramedTcp, ClosesWhatNothingIsSentOnAnyMore) {
  Listener listener{{.idle_timeout = milliseconds{300}}};
  TcpClient client{listener.port()};
  ASSERT_TRUE(client.send(framed(stun_request())));
  EXPECT_EQ(read_frame(client), stun_request());
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(listener.await_closed(Reason::Idle).of(Reason::Idle), 1U);
}

TEST(FramedTcp, KeepsParticipantsWhileStrangersFloodIt) {
  Listener listener{{.unconfirmed_max = 8}};
  TcpClient participant{listener.port()};
  ASSERT_TRUE(participant.send(framed(stun_request())));
  EXPECT_EQ(read_frame(participant), stun_request());
  std::vector<TcpClient> strangers;
  for (int i = 0; i < 100; ++i) strangers.emplace_back(listener.port());
  const FramedTcpCounters counters = listener.await([](const FramedTcpCounters& now) { return now.accepted == 101; });
  EXPECT_EQ(counters.accepted, 101U);
  EXPECT_EQ(counters.connections, 9U);
  EXPECT_EQ(counters.of(Reason::Evicted), 92U);
  ASSERT_TRUE(participant.send(framed("still here")));
  EXPECT_EQ(read_frame(participant), "still here");
  // The youngest stranger has his turn still.
  ASSERT_TRUE(strangers.back().send(framed(stun_request())));
  EXPECT_EQ(read_frame(strangers.back()), stun_request());
}

TEST(FramedTcp, LimitsTheConnectionsOfOneAddress) {
  Listener listener{{.connections_per_address_max = 3}};
  std::vector<TcpClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(listener.port());
    ASSERT_TRUE(clients.back().send(framed(stun_request())));
    EXPECT_EQ(read_frame(clients.back()), stun_request());
  }
  TcpClient fourth{listener.port()};
  EXPECT_EQ(fourth.read_all(), "");
  EXPECT_EQ(listener.await_closed(Reason::Refused).of(Reason::Refused), 1U);
  TcpClient elsewhere{listener.port(), {.source_address = "127.0.0.9"}};
  ASSERT_TRUE(elsewhere.send(framed(stun_request())));
  EXPECT_EQ(read_frame(elsewhere), stun_request());
}

/// Commits `count` packets of `bytes`, numbered, on the only path, a few each turn.
void flood(Listener& listener, int count, std::size_t bytes) {
  constexpr int kPerTurn = 50;
  for (int from = 0; from < count; from += kPerTurn) {
    listener.on_loop([&](FramedTcp& tcp) {
      const ice::Path path = listener.paths.at(0);
      for (int i = from; i < from + kPerTurn; ++i) {
        std::string packet = std::to_string(i);
        packet.resize(bytes, '.');
        Listener::send(tcp, path, packet);
      }
      return 0;
    });
  }
}

TEST(FramedTcp, DropsWholePacketsForAReaderThatDoesNotKeepUp) {
  Listener listener{{.send_bytes_max = 64 * 1024}};
  TcpClient reader{listener.port(), {.tls = false, .source_address = {}, .receive_buffer = 4096}};
  ASSERT_TRUE(reader.send(framed(stun_request())));
  EXPECT_EQ(read_frame(reader), stun_request());
  constexpr int kCount = 5'000;
  flood(listener, kCount, 1200);
  const FramedTcpCounters counters = listener.counters();
  EXPECT_GT(counters.send_full, 0U);
  EXPECT_EQ(counters.sent + counters.send_full, kCount + 1U);
  // What does arrive is whole and in order.
  int last = -1;
  for (std::uint64_t i = 1; i < counters.sent; ++i) {
    const std::string packet = read_frame(reader);
    ASSERT_EQ(packet.size(), 1200U);
    const int number = std::stoi(packet);
    ASSERT_GT(number, last);
    last = number;
  }
  // And with the room come new ones.
  flood(listener, 50, 100);
  EXPECT_EQ(std::stoi(read_frame(reader)), 0);
}

TEST(FramedTcp, ClosesAReaderThatTakesNothingAndServesTheOthersMeanwhile) {
  Listener listener{{.send_bytes_max = 64 * 1024, .stall_timeout = milliseconds{300}}};
  TcpClient reader{listener.port(), {.tls = false, .source_address = {}, .receive_buffer = 4096}};
  ASSERT_TRUE(reader.send(framed(stun_request())));
  EXPECT_EQ(read_frame(reader), stun_request());
  TcpClient other{listener.port()};
  ASSERT_TRUE(other.send(framed(stun_request())));
  EXPECT_EQ(read_frame(other), stun_request());
  flood(listener, 5'000, 1200);
  ASSERT_TRUE(other.send(framed("and I?")));
  EXPECT_EQ(read_frame(other), "and I?");
  EXPECT_EQ(listener.await_closed(Reason::WriteStalled).of(Reason::WriteStalled), 1U);
  EXPECT_EQ(listener.counters().connections, 1U);
}

TEST(FramedTcp, SurvivesAReaderThatIsGoneInTheMiddleOfATurn) {
  Listener listener;
  auto reader = std::make_unique<TcpClient>(listener.port());
  ASSERT_TRUE(reader->send(framed(stun_request())));
  EXPECT_EQ(read_frame(*reader), stun_request());
  listener.on_loop([&](FramedTcp& tcp) {
    reader->reset();
    // The end of it has not been read yet, and there is something to send.
    for (int i = 0; i < 100; ++i) {
      Listener::send(tcp, listener.paths.at(0), std::string(1200, 'x'));
      tcp.flush();
    }
    return 0;
  });
  const FramedTcpCounters counters = listener.await([](const FramedTcpCounters& now) { return now.connections == 0; });
  EXPECT_EQ(counters.connections, 0U);
  EXPECT_EQ(counters.of(Reason::PeerReset) + counters.of(Reason::PeerClosed), 1U);
  EXPECT_EQ(listener.on_loop([&](FramedTcp&) { return listener.closed.size(); }), 1U);
}

TEST(FramedTcp, ClosesEverythingAtTheEnd) {
  Listener listener;
  TcpClient client{listener.port()};
  ASSERT_TRUE(client.send(framed(stun_request())));
  EXPECT_EQ(read_frame(client), stun_request());
  TcpClient silent{listener.port()};
  listener.await([](const FramedTcpCounters& now) { return now.connections == 2; });
  listener.stop();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_THROW(TcpClient{listener.port()}, std::runtime_error);
}

}  // namespace
}  // namespace zvonok::net
