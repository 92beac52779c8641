// The provider of external tunnels with a real server and real clients: v2ray, started by the test on loopback with the
// configurations that we print and send. A client gets through to an echo behind the server, or does not.
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapter/tunnel_xray/server_config.h"
#include "adapter/tunnel_xray/xray_provider.h"
#include "signal/tunnel/client_config.h"
#include "support/free_port.h"

namespace zvonok::tunnel_xray {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_{fd} {}
  Socket(Socket&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A listening socket on a port of the system's choice.
std::pair<Socket, std::uint16_t> listen_anywhere() {
  Socket socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(socket.fd(), 64), 0);
  EXPECT_EQ(::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return {std::move(socket), ntohs(address.sin_port)};
}

using test::free_port;

Socket dial(std::uint16_t port) {
  Socket socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const sockaddr_in address = loopback(port);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Socket{};
  return socket;
}

/// What comes within the time, up to so many bytes; less when the other side closes.
std::string read_some(const Socket& socket, std::size_t bytes, std::chrono::milliseconds patience) {
  std::string got;
  const auto end = SteadyClock::now() + patience;
  while (got.size() < bytes) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now()).count();
    pollfd ready{.fd = socket.fd(), .events = POLLIN, .revents = 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) break;
    std::array<char, 16384> buffer{};
    const ssize_t count = ::recv(socket.fd(), buffer.data(), std::min(buffer.size(), bytes - got.size()), 0);
    if (count <= 0) break;
    got.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return got;
}

void write_all(const Socket& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

/// Sends back five bytes, one connection after the other; and those who ask for more may send and get much.
class Echo {
 public:
  static constexpr std::string_view kMore = "MORE!";
  static constexpr std::size_t kMuch = 1'000'000;
  Echo() {
    std::tie(listener_, port_) = listen_anywhere();
    thread_ = std::jthread{[this](const std::stop_token& stop) { serve(stop); }};
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd ready{.fd = listener_.fd(), .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 50) <= 0) continue;
      const Socket client{::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
      const std::string greeting = read_some(client, 5, 2000ms);
      write_all(client, greeting);
      if (greeting == kMore) take_and_give(client);
    }
  }
  /// Takes so many bytes more and gives half as many back.
  static void take_and_give(const Socket& client) {
    std::size_t left = kMuch;
    while (left > 0) {
      const std::string got = read_some(client, std::min<std::size_t>(left, 65536), 5000ms);
      if (got.empty()) return;
      left -= got.size();
    }
    write_all(client, std::string(kMuch / 2, 'y'));
  }
  Socket listener_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

/// Asks again and again, until it is so or it has taken too long.
template <class Question>
bool until(std::chrono::milliseconds patience, Question question) {
  for (const auto end = SteadyClock::now() + patience; SteadyClock::now() < end;) {
    if (question()) return true;
    std::this_thread::sleep_for(20ms);
  }
  return question();
}

class V2ray {
 public:
  V2ray(const fs::path& file, const std::string& config, std::uint16_t ready_port) {
    std::ofstream{file} << config;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    std::string program = "v2ray";
    std::string flag = "-config";
    std::string path = file.string();
    std::array<char*, 4> arguments{program.data(), flag.data(), path.data(), nullptr};
    const int result = ::posix_spawnp(&pid_, "v2ray", &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(result, 0) << "v2ray has to be installed";
    EXPECT_TRUE(until(15s, [&] { return dial(ready_port).fd() >= 0; })) << config;
  }
  V2ray(const V2ray&) = delete;
  V2ray& operator=(const V2ray&) = delete;
  ~V2ray() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
};

/// A connection through a SOCKS proxy; that there is one says nothing of what is behind it.
Socket dial_through(std::uint16_t proxy, std::uint16_t target) {
  Socket socket = dial(proxy);
  if (socket.fd() < 0) return socket;
  write_all(socket, std::string_view{"\x05\x01\x00", 3});
  if (read_some(socket, 2, 2000ms).size() != 2) return Socket{};
  std::string request{"\x05\x01\x00\x01\x7F\x00\x00\x01", 8};
  request.push_back(static_cast<char>(target >> 8));
  request.push_back(static_cast<char>(target & 0xFF));
  write_all(socket, request);
  if (read_some(socket, 10, 2000ms).size() != 10) return Socket{};
  return socket;
}

bool is_answered(const Socket& socket) {
  if (socket.fd() < 0) return false;
  write_all(socket, "hello");
  return read_some(socket, 5, 1500ms) == "hello";
}

/// Whether the echo answers through a SOCKS proxy.
bool gets_through(std::uint16_t proxy, std::uint16_t target) {
  return is_answered(dial_through(proxy, target));
}

class SeededEntropy final : public Entropy {
 public:
  void fill(MutableBytes out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
  }

 private:
  std::mt19937_64 random_{11};
};

class ExternalV2ray : public ::testing::Test {
 protected:
  ExternalV2ray() {
    std::string pattern = (fs::temp_directory_path() / "zvonok-v2ray-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    server_config_.flavour = Flavour::V2ray;
    server_config_.api_port = free_port();
    server_config_.port = free_port();
    server_config_.media = {.ip = IpAddress::v4(0x7F000001), .port = media_.port()};
  }
  ~ExternalV2ray() override {
    provider_.reset();
    server_.reset();
    fs::remove_all(folder_);
  }

  void start_server() {
    server_.reset();
    server_ = std::make_unique<V2ray>(folder_ / "server.json", server_text_(print_server_config(server_config_)),
                                      server_config_.api_port);
  }
  [[nodiscard]] XrayProvider::Options options() const {
    XrayProvider::Options options;
    options.channel.address = "127.0.0.1:" + std::to_string(server_config_.api_port);
    options.api = {.flavour = Flavour::V2ray, .inbound = server_config_.inbound};
    options.keeper.prefix = "zvonok.test";
    options.keeper.check_interval = milliseconds{200};
    options.keeper.open_timeout = seconds{8};
    options.keeper.sweep_gap = 32;
    options.media_endpoint = server_config_.media.to_text();
    return options;
  }
  void start_provider(XrayProvider::Options options) {
    auto made = XrayProvider::create(std::move(options), {.post =
                                                              [this](std::move_only_function<void()> task) {
                                                                const std::lock_guard lock{mutex_};
                                                                posted_.push_back(std::move(task));
                                                                wake_.notify_one();
                                                              },
                                                          .entropy = entropy_,
                                                          .log = log_});
    ASSERT_TRUE(made) << made.error();
    provider_ = std::move(*made);
  }
  /// Opens, and is the control thread until there is an answer.
  Result<port::TunnelAccesses, std::string> open(const std::string& call) {
    std::optional<Result<port::TunnelAccesses, std::string>> answer;
    provider_->open(CallId{call}, [&](auto accesses) { answer = std::move(accesses); });
    control_until([&] { return answer.has_value(); });
    if (!answer) return fail(std::string{"no answer at all"});
    return std::move(*answer);
  }
  using Sides = std::optional<std::array<call::TunnelTraffic, 2>>;
  /// Closes, and waits for what was used; nothing at all when there is no answer.
  std::optional<Sides> close(const std::string& call) {
    std::optional<Sides> used;
    provider_->close(CallId{call}, [&](Sides sides) { used = sides; });
    control_until([&] { return used.has_value(); });
    return used;
  }
  template <class Question>
  void control_until(Question is_done) {
    const auto end = SteadyClock::now() + 20s;
    while (!is_done()) {
      std::unique_lock lock{mutex_};
      if (!wake_.wait_until(lock, end, [this] { return !posted_.empty(); })) break;
      auto task = std::move(posted_.front());
      posted_.pop_front();
      lock.unlock();
      task();
    }
  }
  /// A client with the configuration that this side of the call is sent; its proxy's port is `proxy_`.
  std::unique_ptr<V2ray> client(const port::TunnelAccess& access) {
    signal::tunnel::ClientConfig config;
    config.server = "127.0.0.1";
    config.port = server_config_.port;
    config.user = access.user;
    config.security = signal::tunnel::Security::None;
    config.socks_port = proxy_ = free_port();
    std::string text;
    signal::tunnel::append_client_config(text, config);
    return std::make_unique<V2ray>(folder_ / ("client" + std::to_string(proxy_) + ".json"), text, proxy_);
  }

  fs::path folder_;
  Echo media_;
  ServerConfig server_config_;
  std::function<std::string(std::string)> server_text_ = [](std::string text) { return text; };
  std::unique_ptr<V2ray> server_;
  SeededEntropy entropy_;
  NullLogger log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> posted_;
  std::unique_ptr<XrayProvider> provider_;
  std::uint16_t proxy_ = 0;
};

TEST_F(ExternalV2ray, BothSidesGetThroughToTheMediaAndNowhereElseUntilTheCallEnds) {
  start_server();
  start_provider(options());
  const auto opened = open("call");
  ASSERT_TRUE(opened) << opened.error();
  EXPECT_NE((*opened)[0].user, (*opened)[1].user);
  EXPECT_EQ((*opened)[0].peer_endpoint, server_config_.media.to_text());
  const Echo elsewhere;
  std::vector<std::unique_ptr<V2ray>> clients;
  std::vector<std::uint16_t> proxies;
  for (const port::TunnelAccess& access : *opened) {
    clients.push_back(client(access));
    proxies.push_back(proxy_);
    EXPECT_TRUE(gets_through(proxy_, media_.port()));
    EXPECT_FALSE(gets_through(proxy_, elsewhere.port()));
  }
  (void)close("call");
  for (const std::uint16_t proxy : proxies) {
    EXPECT_TRUE(until(5s, [&] { return !gets_through(proxy, media_.port()); }));
  }
}

TEST_F(ExternalV2ray, UsersArePutBackWhenTheServerHasRestarted) {
  start_server();
  start_provider(options());
  const auto opened = open("call");
  ASSERT_TRUE(opened) << opened.error();
  const auto ended = open("another");
  ASSERT_TRUE(ended) << ended.error();
  const auto theirs = client((*opened)[0]);
  const std::uint16_t proxy = proxy_;
  const auto others = client((*ended)[0]);
  ASSERT_TRUE(gets_through(proxy, media_.port()));
  ASSERT_TRUE(gets_through(proxy_, media_.port()));
  server_.reset();
  provider_->close(CallId{"another"}, [](const Sides&) {});  // while it is away
  start_server();
  EXPECT_TRUE(until(20s, [&] { return gets_through(proxy, media_.port()); }));
  EXPECT_FALSE(gets_through(proxy_, media_.port()));
  EXPECT_EQ(provider_->counters().restarts, 1U);
}

/// Sends and gets much through a proxy. Whether all of it came.
bool exchange_much(std::uint16_t proxy, std::uint16_t target) {
  const Socket socket = dial_through(proxy, target);
  if (socket.fd() < 0) return false;
  write_all(socket, Echo::kMore);
  if (read_some(socket, Echo::kMore.size(), 2000ms) != Echo::kMore) return false;
  write_all(socket, std::string(Echo::kMuch, 'x'));
  return read_some(socket, Echo::kMuch / 2, 10'000ms).size() == Echo::kMuch / 2;
}

constexpr auto kSent = static_cast<std::int64_t>(Echo::kMuch + Echo::kMore.size());
constexpr auto kGot = static_cast<std::int64_t>(Echo::kMuch / 2 + Echo::kMore.size());

TEST_F(ExternalV2ray, ACallIsToldToTheByteWhatItsSidesSentAndGot) {
  start_server();
  start_provider(options());
  const auto opened = open("call");
  ASSERT_TRUE(opened) << opened.error();
  const auto caller = client((*opened)[0]);
  ASSERT_TRUE(exchange_much(proxy_, media_.port()));
  const auto callee = client((*opened)[1]);
  ASSERT_TRUE(gets_through(proxy_, media_.port()));
  const auto used = close("call");
  ASSERT_TRUE(used && *used);
  EXPECT_EQ((**used)[0], (call::TunnelTraffic{.bytes_sent = kSent, .bytes_received = kGot}));
  EXPECT_EQ((**used)[1], (call::TunnelTraffic{.bytes_sent = 5, .bytes_received = 5}));
  // The next call of nobody who sends: other emails, and zero is what is told.
  ASSERT_TRUE(open("next"));
  const auto silent = close("next");
  ASSERT_TRUE(silent && *silent);
  EXPECT_EQ((**silent)[0], call::TunnelTraffic{});
  EXPECT_TRUE(until(5s, [&] { return provider_->counters().traffic.counted == 2; }));
}

TEST_F(ExternalV2ray, WhatWasReadBeforeARestartIsNotLost) {
  start_server();
  XrayProvider::Options often = options();
  often.keeper.meter.interval = milliseconds{100};
  start_provider(std::move(often));
  const auto opened = open("call");
  ASSERT_TRUE(opened) << opened.error();
  const auto caller = client((*opened)[0]);
  const std::uint16_t proxy = proxy_;
  ASSERT_TRUE(exchange_much(proxy, media_.port()));
  const std::uint64_t readings = provider_->counters().traffic.readings;
  ASSERT_TRUE(until(5s, [&] { return provider_->counters().traffic.readings > readings + 1; }));
  server_.reset();
  start_server();
  std::int64_t tries = 0;
  ASSERT_TRUE(until(20s, [&] { return ++tries, gets_through(proxy, media_.port()); }));
  const auto used = close("call");
  ASSERT_TRUE(used && *used);
  EXPECT_GE((**used)[0].bytes_sent, kSent + 5);
  EXPECT_LE((**used)[0].bytes_sent, kSent + 5 * tries);
  EXPECT_GE((**used)[0].bytes_received, kGot + 5);
  EXPECT_LE((**used)[0].bytes_received, kGot + 5 * tries);
}

/// The configuration of those who have not printed it anew.
TEST_F(ExternalV2ray, CallsGoThroughAServerWithoutStatisticsAndAreToldNothing) {
  server_text_ = [](std::string text) {
    for (const std::string_view part : {R"(,"StatsService")", R"("stats":{},)"}) {
      text.erase(text.find(part), part.size());
    }
    return text;
  };
  start_server();
  start_provider(options());
  const auto opened = open("call");
  ASSERT_TRUE(opened) << opened.error();
  const auto caller = client((*opened)[0]);
  EXPECT_TRUE(gets_through(proxy_, media_.port()));
  const auto used = close("call");
  ASSERT_TRUE(used.has_value()) << "at once";
  EXPECT_FALSE(*used);
  EXPECT_TRUE(until(5s, [&] { return provider_->counters().traffic.failures == 1; }));
}

TEST_F(ExternalV2ray, AServerWhosePolicyCountsNobodyIsNotTakenForSilence) {
  server_text_ = [](std::string text) {
    const std::string_view part = R"("statsUserUplink":true,"statsUserDownlink":true)";
    return text.replace(text.find(part), part.size(), R"("statsUserUplink":false)");
  };
  start_server();
  start_provider(options());
  const auto opened = open("call");
  ASSERT_TRUE(opened) << opened.error();
  const auto caller = client((*opened)[0]);
  EXPECT_TRUE(gets_through(proxy_, media_.port()));
  const auto used = close("call");
  ASSERT_TRUE(used.has_value());
  EXPECT_FALSE(*used);
  constexpr auto kNobody = static_cast<std::size_t>(Uncounted::NoCounters);
  EXPECT_TRUE(until(5s, [&] { return provider_->counters().traffic.uncounted[kNobody] == 1; }));
}

TEST_F(ExternalV2ray, CountersOutliveTheirUserAndAreZeroAfterTheEnd) {
  start_server();
  start_provider(options());
  const auto opened = open("call");
  ASSERT_TRUE(opened) << opened.error();
  const auto caller = client((*opened)[0]);
  const Socket stays = dial_through(proxy_, media_.port());
  ASSERT_TRUE(is_answered(stays));
  ASSERT_TRUE(close("call"));
  auto channel = GrpcChannel::create(options().channel);
  ASSERT_TRUE(channel) << channel.error();
  GrpcUserApi api{std::move(*channel), options().api};
  const auto sum = [&] {
    const TrafficAnswer answer = api.traffic("zvonok.test.0c", Reset::No);
    EXPECT_EQ(answer.status, ApiStatus::Done) << answer.detail;
    EXPECT_EQ(answer.counters.size(), 2U);
    std::int64_t bytes = 0;
    for (const TrafficCounter& counter : answer.counters) bytes += counter.bytes;
    return bytes;
  };
  ASSERT_TRUE(until(5s, [&] { return provider_->counters().removed == 2; }));
  EXPECT_EQ(sum(), 10);
  provider_.reset();
  EXPECT_EQ(sum(), 0);
}

TEST_F(ExternalV2ray, ACallIsRefusedWhenTheServerCantBeReached) {
  XrayProvider::Options impatient = options();
  impatient.keeper.open_timeout = seconds{1};
  start_provider(std::move(impatient));
  const auto started = SteadyClock::now();
  const auto opened = open("call");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().find("connect"), std::string::npos) << opened.error();
  EXPECT_LT(SteadyClock::now() - started, 10s);
}

TEST_F(ExternalV2ray, ACallWaitsForAServerThatIsJustStarting) {
  start_provider(options());
  std::jthread later{[this] { start_server(); }};
  const auto opened = open("call");
  later.join();
  EXPECT_TRUE(opened) << opened.error();
}

TEST_F(ExternalV2ray, WrongSettingsAreNamedInTheRefusal) {
  start_server();
  XrayProvider::Options wrong = options();
  wrong.keeper.open_timeout = seconds{1};
  wrong.api.inbound = "no-such-inbound";
  start_provider(wrong);
  const auto no_inbound = open("call");
  ASSERT_FALSE(no_inbound);
  EXPECT_NE(no_inbound.error().find("XRAY_INBOUND"), std::string::npos) << no_inbound.error();
  wrong.api = {.flavour = Flavour::Xray, .inbound = server_config_.inbound};
  start_provider(wrong);
  const auto no_method = open("call");
  ASSERT_FALSE(no_method);
  EXPECT_NE(no_method.error().find("VPN_PROVIDER"), std::string::npos) << no_method.error();
}

TEST_F(ExternalV2ray, UsersOfAnEarlierLifeAreRemovedAtTheStartAndNoneAreLeftAtTheEnd) {
  start_server();
  auto channel = GrpcChannel::create(options().channel);
  ASSERT_TRUE(channel) << channel.error();
  GrpcUserApi api{std::move(*channel), options().api};
  const auto user = [this](const std::string& email) {
    return TunnelUser{.email = email, .id = Private<std::string>{make_uuid(entropy_)}};
  };
  const TunnelUser left_over = user("zvonok.test.3c");
  ASSERT_EQ(api.add(user("zvonok.test.sentinel")).status, ApiStatus::Done);
  ASSERT_EQ(api.add(left_over).status, ApiStatus::Done);
  ASSERT_EQ(api.add(left_over).status, ApiStatus::AlreadyExists);
  start_provider(options());
  ASSERT_TRUE(open("call"));
  EXPECT_EQ(provider_->counters().left_over, 1U);
  EXPECT_EQ(api.remove(left_over.email).status, ApiStatus::NotFound);
  EXPECT_EQ(api.remove("zvonok.test.0c").status, ApiStatus::Done);  // of the call
  provider_.reset();
  for (const char* email : {"zvonok.test.0c", "zvonok.test.0p", "zvonok.test.sentinel"}) {
    EXPECT_EQ(api.remove(email).status, ApiStatus::NotFound) << email;
  }
}

}  // namespace
}  // namespace zvonok::tunnel_xray
