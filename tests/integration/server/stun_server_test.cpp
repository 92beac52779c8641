// Our own STUN server, over loopback sockets. That something is not answered is seen by the answer to what comes
// behind.
#include "app/media/stun_server.h"

#include <array>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/fd.h"
#include "net/loop.h"
#include "net/sockaddr.h"
#include "net/stun_query.h"
#include "net/system_entropy.h"
#include "proto/stun/binding.h"
#include "proto/stun/writer.h"
#include "support/tcp_client.h"

namespace zvonok::app {
namespace {

using Datagram = std::vector<std::uint8_t>;

stun::TransactionId transaction(std::uint8_t number) {
  stun::TransactionId id{};
  id.fill(number);
  return id;
}

/// Twenty bytes: the shortest request there is.
Datagram bare_request(std::uint8_t number, stun::MessageClass message_class = stun::MessageClass::Request,
                      std::uint16_t method = stun::kBinding) {
  Datagram out(stun::kBindingBytesMax);
  stun::MessageWriter writer{out,
                             {.message_class = message_class, .method = method, .transaction = transaction(number)}};
  out.resize(writer.finish());
  return out;
}

class Client {
 public:
  Client(const IpAddress& server, std::uint16_t port, const IpAddress& source)
      : fd_{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    const int off = 0;
    ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_in6 from = net::to_sockaddr({.ip = source, .port = 0});
    const sockaddr_in6 to = net::to_sockaddr({.ip = server, .port = port});
    usable_ = ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
              ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    socklen_t size = sizeof from;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&from), &size);
    address_ = net::to_address(from);
  }
  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  void send(const Datagram& bytes) {
    ASSERT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  Datagram receive() {
    pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, std::chrono::milliseconds{test::kPatience}.count()) != 1) return {};
    Datagram out(2048);
    const ssize_t got = ::recv(fd_.get(), out.data(), out.size(), 0);
    out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return out;
  }

 private:
  net::Fd fd_;
  SocketAddress address_;
  bool usable_ = false;
};

class StunServerTest : public testing::Test {
 protected:
  void start(StunServer::Options options = {}) {
    loop_ = std::move(*net::Loop::create());
    server_ = std::move(*StunServer::create(*loop_, options));
    thread_ = std::thread{[this] { loop_->run(); }};
  }
  void TearDown() override {
    if (loop_) loop_->stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  Client client(const char* source = "127.0.0.1") {
    const IpAddress from = *IpAddress::parse(source);
    return {from.is_v4() ? IpAddress::v4(0x7F000001) : from, server_->port(), from};
  }
  StunCounters counters() {
    std::promise<StunCounters> counters;
    loop_->post([&] { counters.set_value(server_->counters()); });
    return counters.get_future().get();
  }

  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<StunServer> server_;
  std::thread thread_;
};

TEST_F(StunServerTest, TellsTheAddressThatItSeesInTheShortestAnswer) {
  start();
  for (const char* source : {"127.0.0.1", "127.0.0.77", "::1"}) {
    SCOPED_TRACE(source);
    Client asking = client(source);
    if (!asking.usable()) continue;  // no IPv6 on this machine
    asking.send(bare_request(1));
    const Datagram answer = asking.receive();
    const auto message = stun::parse(answer);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->message_class, stun::MessageClass::Success);
    EXPECT_EQ(message->transaction, transaction(1));
    EXPECT_EQ(message->mapped_address, asking.address());
    EXPECT_FALSE(message->fingerprint_at) << "nobody asked for it";
    EXPECT_LE(answer.size(), stun::kHeaderBytes + (asking.address().ip.is_v4() ? 12U : 24U));
  }
}

TEST_F(StunServerTest, SignsWhatCameSigned) {
  start();
  Client asking = client();
  Datagram request(stun::kBindingBytesMax);
  request.resize(stun::write_binding_request(request, {.transaction = transaction(1)}, nullptr));
  asking.send(request);
  const Datagram answer = asking.receive();
  const auto message = stun::parse(answer);
  ASSERT_TRUE(message);
  EXPECT_TRUE(stun::has_fingerprint(*message));
}

TEST_F(StunServerTest, IsSilentToEverythingElse) {
  start();
  Client asking = client();
  Datagram check(stun::kBindingBytesMax);
  stun::IntegrityKey key{"a password"};
  check.resize(stun::write_binding_request(check, {.transaction = transaction(2), .username = "a:b"}, &key));
  Datagram wrong_print(stun::kBindingBytesMax);
  wrong_print.resize(stun::write_binding_request(wrong_print, {.transaction = transaction(3)}, nullptr));
  wrong_print.back() ^= 1;
  Datagram must_understand(100);
  stun::MessageWriter writer{must_understand, {.transaction = transaction(4)}};
  writer.attribute(static_cast<stun::Attribute>(0x0003), std::array<std::uint8_t, 4>{});  // CHANGE-REQUEST of RFC 3489
  must_understand.resize(writer.finish());
  Datagram no_cookie = bare_request(5);
  no_cookie[4] ^= 1;
  Datagram cut = bare_request(6);
  cut.pop_back();
  Datagram longer = bare_request(7);
  longer.push_back(0);
  const std::vector<Datagram> unanswered{
      check,
      wrong_print,
      must_understand,
      no_cookie,
      cut,
      longer,
      {},
      {0},
      Datagram(1200, 'x'),
      bare_request(8, stun::MessageClass::Indication),
      bare_request(9, stun::MessageClass::Success),  // or two servers could talk for ever
      bare_request(10, stun::MessageClass::Error),
      bare_request(11, stun::MessageClass::Request, 0x003),  // Allocate
  };
  for (const Datagram& bytes : unanswered) asking.send(bytes);
  asking.send(bare_request(99));
  const Datagram answer = asking.receive();
  const auto message = stun::parse(answer);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->transaction, transaction(99)) << "something before it was answered";
  const StunCounters counted = counters();
  EXPECT_EQ(counted.received, unanswered.size() + 1);
  EXPECT_EQ(counted.malformed + counted.refused, unanswered.size());
  EXPECT_EQ(counted.answered, 1U);
}

TEST_F(StunServerTest, AnswersAnAddressSoOftenAndOthersStill) {
  start({.address = {}, .per_address = {.burst = 5, .per_second = 0}});
  Client flooding = client();
  for (std::uint8_t i = 0; i < 50; ++i) flooding.send(bare_request(i));
  Client same = client();  // of the same address, by another port
  same.send(bare_request(50));
  Client other = client("127.0.0.2");
  other.send(bare_request(51));
  const Datagram answer = other.receive();
  const auto message = stun::parse(answer);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->transaction, transaction(51));
  EXPECT_EQ(counters().limited, 46U);
  EXPECT_EQ(counters().answered, 6U);
}

TEST_F(StunServerTest, LimitsAllTogether) {
  start({.address = {}, .altogether = {.burst = 3, .per_second = 0}});
  for (int i = 1; i <= 10; ++i) {
    Client asking = client(("127.0.1." + std::to_string(i)).c_str());
    asking.send(bare_request(1));
  }
  StunCounters counted = counters();
  const auto end = std::chrono::steady_clock::now() + test::kPatience;
  while (counted.received < 10 && std::chrono::steady_clock::now() < end) counted = counters();
  EXPECT_EQ(counted.answered, 3U);
  EXPECT_EQ(counted.limited, 7U);
}

TEST_F(StunServerTest, IsUnderstoodByOurOwnQuestion) {
  start();
  net::SystemEntropy entropy;
  const net::StunQuery query{.server = {.ip = IpAddress::v4(0x7F000001), .port = server_->port()}};
  const auto answer = net::ask_stun(query, entropy);
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(answer->seen_at.ip, IpAddress::v4(0x7F000001));
  EXPECT_NE(answer->seen_at.port, 0);
}

TEST(AskStun, GivesUpOnSilence) {
  // Bound, and never read.
  const net::Fd fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in6 at = net::to_sockaddr({.ip = IpAddress::v6(0, 0), .port = 0});
  const int off = 0;
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  socklen_t size = sizeof at;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size);
  net::SystemEntropy entropy;
  const auto answer = net::ask_stun({.server = {.ip = IpAddress::v4(0x7F000001), .port = ntohs(at.sin6_port)},
                                     .attempt_timeout = milliseconds{20},
                                     .attempts = 2},
                                    entropy);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().find("no STUN answer"), std::string::npos);
}

}  // namespace
}  // namespace zvonok::app
