// Whatever clients do on polls, POSTs and WebSockets: no request is answered twice, nothing is sent to what was closed,
// every wake-up that is needed was asked for, and when the clients have gone everything ends by itself.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "fuzz/input.h"
#include "proto/engineio/hub.h"
#include "proto/socketio/server.h"
#include "proto/websocket/frame.h"
#include "support/seeded_entropy.h"

using namespace zvonok;

namespace {

std::string take_text(fuzz::Input& input, std::size_t size) {
  std::string text;
  while (text.size() < size && !input.rest().empty()) text.push_back(static_cast<char>(input.byte()));
  return text;
}

class World final : private engineio::Wire, private socketio::Handler {
 public:
  World() { server_.add_namespace("/", *this); }

  void run(fuzz::Input& input) {
    while (!input.rest().empty()) step(input);
    // Whoever is left is silent from now on.
    for (int i = 0; i < 4; ++i) advance(seconds{60});
    ZVONOK_CHECK(hub_.size() == 0 && server_.counters().sockets == 0);
    const socketio::RecoveryCounters& recovery = server_.counters().recovery;
    ZVONOK_CHECK(recovery.away == 0 && recovery.bytes == 0);
    ZVONOK_CHECK(server_.emit({.nsp = "/", .room = "0"}, "nobody") == 0);
    ZVONOK_CHECK(hub_.next_timeout() == TimePoint::max());
    ZVONOK_CHECK(waiting_.empty());
    std::uint64_t opened = 0;
    std::uint64_t closed = 0;
    for (const std::uint64_t count : hub_.counters().opened) opened += count;
    for (const std::uint64_t count : hub_.counters().closed) closed += count;
    ZVONOK_CHECK(opened == closed);
    ZVONOK_CHECK(connected_ == disconnected_ + server_.counters().refused);
  }

 private:
  void step(fuzz::Input& input) {
    const std::uint8_t action = input.byte();
    switch (action % 9) {
      case 0: send(Method::Get, {}, {}); return;
      case 1: send(Method::Get, sid(input), {}); return;
      case 2: send(Method::Post, sid(input), take_text(input, input.byte())); return;
      case 3: open_websocket(action > 128 ? sid(input) : std::string{}); return;
      case 4: say(input); return;
      case 5: leave(input); return;
      case 6: advance(milliseconds{input.byte() * 100}); return;
      case 7: begin_post(sid(input)); return;
      case 8: act(input); return;
    }
  }

  std::string sid(fuzz::Input& input) const {
    return sids_.empty() ? std::string{} : sids_[input.byte() % sids_.size()];
  }
  static HttpRequest request(Method method, std::string_view transport, std::string_view sid) {
    HttpRequest http;
    http.method = method;
    http.query = "EIO=4&transport=" + std::string{transport} + "&sid=" + std::string{sid};
    return http;
  }

  void send(Method method, std::string_view sid, std::string body) {
    HttpRequest http = request(method, "polling", sid);
    http.body = std::move(body);
    const engineio::Request parsed = engineio::read_request(http);
    if (hub_.verify(parsed, {})) return;
    const ConnectionId connection{++last_};
    waiting_.insert(connection);
    hub_.handle_request(http, parsed, connection, now_);
    ZVONOK_CHECK(method == Method::Get || !waiting_.contains(connection));
  }

  void open_websocket(std::string_view sid) {
    HttpRequest http = request(Method::Get, "websocket", sid);
    http.is_websocket = true;
    const engineio::Request parsed = engineio::read_request(http);
    if (hub_.verify(parsed, {})) return;
    const ConnectionId connection{++last_};
    sockets_.push_back(connection);
    open_.insert(connection);
    hub_.handle_ws_open(http, parsed, connection, now_);
  }

  void say(fuzz::Input& input) {
    if (sockets_.empty()) return;
    const ConnectionId connection = sockets_[input.byte() % sockets_.size()];
    const std::uint8_t kind = input.byte();
    const std::string text = kind == 255 ? return_of_one(input) : take_text(input, kind / 2);
    if ((kind % 2 == 0 || kind == 255) && websocket::is_valid_utf8(text)) {
      hub_.handle_ws_text(connection, text, now_);
    } else {
      hub_.handle_ws_binary(connection, text, now_);
    }
  }

  /// A CONNECT of a client that has been here, or says so.
  std::string return_of_one(fuzz::Input& input) const {
    if (pids_.empty()) return "40";
    std::string packet = R"(40{"pid":")" + pids_[input.byte() % pids_.size()] + '"';
    const std::uint8_t seen = input.byte();
    if (seen % 4 != 0 && !offsets_.empty()) packet += R"(,"offset":")" + offsets_[seen % offsets_.size()] + '"';
    if (seen % 4 == 3) packet += take_text(input, 8);
    return packet + "}";
  }
  static std::string_view owner(std::uint8_t number) {
    return std::string_view{"ab"}.substr(number % 3 / 2, number % 2);
  }

  void leave(fuzz::Input& input) {
    const std::uint8_t which = input.byte();
    if (which % 2 == 0 && !sockets_.empty()) {
      const ConnectionId connection = sockets_[which / 2 % sockets_.size()];
      open_.erase(connection);
      hub_.handle_ws_closed(connection, now_);
    } else if (!waiting_.empty()) {
      const ConnectionId connection = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      hub_.handle_client_gone(connection, now_);
    }
  }

  void begin_post(std::string_view sid) {
    const engineio::Request parsed = engineio::read_request(request(Method::Post, "polling", sid));
    const ConnectionId connection{++last_};
    if (hub_.handle_post_begun(parsed, connection) && last_ % 2 == 0) hub_.handle_post_refused(connection);
  }

  /// The application, of its own accord.
  void act(fuzz::Input& input) {
    socketio::Socket* const socket = server_.find(socketio::SocketId{input.byte()});
    if (socket == nullptr) return;
    ZVONOK_CHECK(server_.counters().recovery.bytes <= 4000);
    switch (input.byte() % 9) {
      case 0: socket->emit("news", "1"); return;
      case 1: socket->emit_with_ack("question"); return;
      case 2: socket->disconnect(); return;
      case 3: socket->close_connection(now_); return;
      case 4: socket->accept(); return;
      case 5: socket->accept_recoverable(owner(input.byte()), now_); return;
      case 6: socket->join(std::to_string(input.byte() % 3)); return;
      case 7: server_.emit({.nsp = "/", .room = std::to_string(input.byte() % 3)}, "said", "1"); return;
      case 8: socket->emit_volatile("mood"); return;
    }
  }

  void advance(Duration duration) {
    const TimePoint end = now_ + duration;
    ZVONOK_CHECK(hub_.next_timeout() >= armed_ || hub_.next_timeout() == TimePoint::max());
    int turns = 0;
    while (armed_ <= end) {
      ZVONOK_CHECK(++turns < 100'000);
      now_ = std::max(now_, armed_);
      armed_ = TimePoint::max();
      hub_.handle_timeout(now_);
    }
    now_ = end;
  }

  // ---- Wire
  void answer(ConnectionId connection, const engineio::Answer& answer) override {
    ZVONOK_CHECK(waiting_.erase(connection) == 1);
    remember_sid(answer.body);
  }
  bool ws_text(ConnectionId connection, std::string_view text) override {
    ZVONOK_CHECK(open_.contains(connection) && !text.empty() && text != "6");
    ZVONOK_CHECK(websocket::is_valid_utf8(text));
    remember_sid(text);
    return true;
  }
  bool ws_binary(ConnectionId connection, std::string_view) override {
    ZVONOK_CHECK(open_.contains(connection));
    return true;
  }
  void ws_close(ConnectionId connection) override { ZVONOK_CHECK(open_.erase(connection) == 1); }
  void arm(TimePoint at) override { armed_ = at; }

  void remember_sid(std::string_view packet) {
    constexpr std::string_view kOpen = R"(0{"sid":")";
    if (packet.starts_with(kOpen)) sids_.emplace_back(packet.substr(kOpen.size(), 24));
    constexpr std::string_view kPid = R"(","pid":")";
    if (const std::size_t at = packet.find(kPid); packet.starts_with("40{") && at != std::string_view::npos) {
      pids_.emplace_back(packet.substr(at + kPid.size(), 32));
    }
    if (packet.starts_with("42[") && packet.size() > 16) {
      offsets_.emplace_back(packet.substr(packet.rfind(",\"") + 2, packet.size() - packet.rfind(",\"") - 4));
    }
  }

  // ---- Handler
  void on_connect(socketio::Socket& socket, std::string_view auth) override {
    ++connected_;
    if (auth.size() % 3 == 2) socket.refuse("no");
    if (auth.size() % 3 == 0) socket.accept_recoverable(owner(static_cast<std::uint8_t>(auth.size() / 3)), now_);
  }
  void on_event(socketio::Socket& socket, const socketio::Event& event) override {
    ZVONOK_CHECK(socket.is_joined());
    if (event.name == "close") socket.close_connection(now_);
    if (event.name == "leave") socket.disconnect();
    socket.emit("back", event.args, event.attachments);
    if (event.ack) socket.acknowledge(*event.ack, event.args, event.attachments);
  }
  void on_disconnect(socketio::Socket& socket, socketio::DisconnectReason reason) override {
    ++disconnected_;
    if (reason == socketio::DisconnectReason::Replaced) server_.emit({.nsp = "/", .room = "0"}, "replaced", "2");
    ZVONOK_CHECK(!socket.emit("late"));
  }

  test::SeededEntropy entropy_{1};
  socketio::Server server_{{.packet_bytes_max = 2000,
                            .held_bytes_max = 1000,
                            .open_acks_max = 5,
                            .rooms_max = 2,
                            .recovery = {.away_max = seconds{20},
                                         .away_clients_max = 5,
                                         .away_per_owner_max = 2,
                                         .replay = {.events_max = 6, .bytes_max = 2000},
                                         .bytes_max = 4000}},
                           entropy_};
  engineio::Hub hub_{{.queue_bytes_max = 2000}, {.wire = *this, .acceptor = server_, .entropy = entropy_}};
  TimePoint now_{hours{1}};
  TimePoint armed_ = TimePoint::max();
  std::uint64_t last_ = 0;
  std::uint64_t connected_ = 0;
  std::uint64_t disconnected_ = 0;
  std::vector<std::string> sids_;
  std::vector<std::string> pids_;
  std::vector<std::string> offsets_;
  std::vector<ConnectionId> sockets_;
  std::set<ConnectionId> waiting_;
  std::set<ConnectionId> open_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  World{}.run(input);
  return 0;
}
