// Engine.IO and Socket.IO as the server speaks them, with nothing behind: the program that conformance suites and
// benchmarks run against.
//
//   /socket.io/  namespaces "/" (echoes) and "/custom" (says `auth` only)
//   /engine.io/  raw Engine.IO: every message goes back
//
// Usage: socketio_echo [--port 3000] [--ping-interval 300] [--ping-timeout 200] [--max-payload 1000000]
//                      [--connect-timeout 1000]          times in milliseconds, sizes in bytes
//                      [--recovery-max 0] [--recovery-events 1000]
//
// --recovery-max: how long a client may be away and come back to its session; 0 for never, and then nothing shows that
// there is such a thing. With it "/" has rooms, and more events for tests: join, leave, say, say-volatile, remember,
// who, put-me-out, drop-me (echo.cpp).
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "echo.h"
#include "net/engineio_edge.h"
#include "net/loop.h"
#include "net/server.h"
#include "net/system_entropy.h"
#include "proto/socketio/server.h"

namespace zvonok::echo {
namespace {

struct Flags {
  long port = 3000;
  long ping_interval = 300;
  long ping_timeout = 200;
  long max_payload = 1'000'000;
  long connect_timeout = 1000;
  long recovery_max = 0;
  long recovery_events = 1000;
};

struct FlagName {
  std::string_view name;
  long Flags::* value;
};
constexpr std::array<FlagName, 7> kFlags{{{"--port", &Flags::port},
                                          {"--ping-interval", &Flags::ping_interval},
                                          {"--ping-timeout", &Flags::ping_timeout},
                                          {"--max-payload", &Flags::max_payload},
                                          {"--connect-timeout", &Flags::connect_timeout},
                                          {"--recovery-max", &Flags::recovery_max},
                                          {"--recovery-events", &Flags::recovery_events}}};

/// `--name value` or `--name=value`.
std::optional<Flags> parse_flags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    std::string_view text = equals == std::string_view::npos ? std::string_view{} : argument.substr(equals + 1);
    if (equals == std::string_view::npos && i + 1 < argc) text = argv[++i];
    bool known = false;
    for (const FlagName& flag : kFlags) {
      if (flag.name != name) continue;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), flags.*flag.value);
      known = error == std::errc{} && end == text.data() + text.size() && flags.*flag.value >= 0;
    }
    if (!known) {
      std::fprintf(stderr, "socketio_echo: bad argument: %s\n", argv[i]);
      return std::nullopt;
    }
  }
  return flags;
}

constexpr double kNoLimit = 1e12;

net::ServerOptions server_options(const Flags& flags) {
  const auto payload = static_cast<std::size_t>(flags.max_payload);
  net::ServerOptions options;
  options.port = static_cast<std::uint16_t>(flags.port);
  options.connections_per_address_max = options.connections_max;
  options.http.body_bytes_max = std::max(options.http.body_bytes_max, payload);
  options.ws.fragments_max = 4096;
  options.ws.send_queue_bytes_max = 16 * payload + 1024 * 1024;
  options.ws.messages_burst = options.ws.messages_per_second = kNoLimit;
  options.ws.bytes_burst = options.ws.bytes_per_second = kNoLimit;
  return options;
}

net::EngineIoEdge::Options edge_options(const Flags& flags) {
  net::EngineIoEdge::Options options;
  options.engine.ping_interval = milliseconds{flags.ping_interval};
  options.engine.ping_timeout = milliseconds{flags.ping_timeout};
  options.engine.payload_bytes_max = static_cast<std::size_t>(flags.max_payload);
  options.engine.queue_bytes_max = 16 * options.engine.payload_bytes_max + 1024 * 1024;
  options.engine.posted_packets_burst = options.engine.posted_packets_per_second = kNoLimit;
  options.engine.sessions_per_address_max = options.engine.sessions_max;
  options.origin_rule = [](const HttpRequest&) { return net::OriginRule::Wildcard; };
  return options;
}

socketio::Options socket_options(const Flags& flags) {
  socketio::Options options;
  options.connect_timeout = milliseconds{flags.connect_timeout};
  options.packet_bytes_max = 16 * static_cast<std::size_t>(flags.max_payload);
  options.recovery.away_max = milliseconds{flags.recovery_max};
  options.recovery.replay.events_max = static_cast<std::size_t>(flags.recovery_events);
  return options;
}

class Routes final : public net::HttpHandler {
 public:
  void mount(net::EngineIoEdge& engine, net::EngineIoEdge& socket) {
    engine_ = &engine;
    socket_ = &socket;
  }
  void on_request(HttpRequest request, net::Responder respond) override {
    if (net::EngineIoEdge* const edge = edge_of(request.path)) {
      edge->handle(std::move(request), std::move(respond));
      return;
    }
    HttpResponse response;
    response.status = 404;
    response.ends_connection = request.is_websocket;
    respond.send(std::move(response));
  }
  net::BodyRules on_body(const net::RequestHead& head, ConnectionId connection) override {
    net::EngineIoEdge* const edge = edge_of(head.path);
    return edge == nullptr ? net::BodyRules{} : edge->body_rules(head, connection);
  }
  void on_body_refused(const net::RequestHead& head, HttpResponse& response) override {
    if (const net::EngineIoEdge* const edge = edge_of(head.path)) edge->add_cors_to_refusal(head, response);
  }

 private:
  [[nodiscard]] net::EngineIoEdge* edge_of(std::string_view path) const {
    if (path == "/engine.io/" || path == "/engine.io") return engine_;
    if (path == "/socket.io/" || path == "/socket.io") return socket_;
    return nullptr;
  }
  net::EngineIoEdge* engine_ = nullptr;
  net::EngineIoEdge* socket_ = nullptr;
};

/// SIGINT and SIGTERM end the loop.
class StopSignals final : public net::ReadyHandler {
 public:
  explicit StopSignals(net::Loop& loop) : loop_{loop} {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_ = net::Fd{::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC)};
    watched_ = fd_.valid() && loop_.add(fd_.get(), EPOLLIN, *this);
  }
  [[nodiscard]] bool watched() const { return watched_; }
  void on_ready(std::uint32_t) override { loop_.stop(); }

 private:
  net::Loop& loop_;
  net::Fd fd_;
  bool watched_ = false;
};

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Flags& flags) {
  auto loop = net::Loop::create();
  if (!loop) {
    std::fprintf(stderr, "socketio_echo: %s\n", loop.error().c_str());
    return 1;
  }
  const StopSignals signals{**loop};
  if (!signals.watched()) return 1;
  net::SystemEntropy entropy;
  NullLogger log;
  Routes routes;
  auto server =
      net::Server::create(server_options(flags), {.loop = **loop, .handler = routes, .entropy = entropy, .log = log});
  if (!server) {
    std::fprintf(stderr, "socketio_echo: %s\n", server.error().c_str());
    return 1;
  }
  AuthEcho custom{**loop};
  MessageEcho main{**loop};
  socketio::Server sockets{socket_options(flags), entropy};
  if (flags.recovery_max > 0) main.offer_rooms(sockets);
  sockets.add_namespace("/", main);
  sockets.add_namespace("/custom", custom);
  RawEcho raw;
  net::EngineIoEdge engine_edge{**server, raw, edge_options(flags)};
  net::EngineIoEdge socket_edge{**server, sockets, edge_options(flags)};
  routes.mount(engine_edge, socket_edge);
  std::printf("socketio_echo: listening on port %u\n", static_cast<unsigned>((*server)->port()));
  std::fflush(stdout);
  (*loop)->moderate_server_turns();
  (*loop)->run();
  (*server)->close_all();
  (*loop)->discard_posted();
  return 0;
}

}  // namespace
}  // namespace zvonok::echo

int main(int argc, char** argv) {
  const auto flags = zvonok::echo::parse_flags(argc, argv);
  if (!flags) return 2;
  zvonok::echo::raise_descriptor_limit();
  return zvonok::echo::run(*flags);
}
