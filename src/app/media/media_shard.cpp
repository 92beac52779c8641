#include "app/media/media_shard.h"

#include <array>
#include <ctime>
#include <mutex>
#include <optional>
#include <utility>

#include <sys/epoll.h>

#include "media/shedding.h"
#include "net/clock.h"
#include "net/thread_priority.h"

namespace zvonok::app {
namespace {

// Batches read in one turn before timers and commands have their turn.
constexpr int kBatchesPerTurn = 16;
constexpr Duration kCountersInterval = seconds{1};
// A shard at work for a third of the time forwards a packet for three quarters of the CPU with it (10 rooms of 9 who
// all speak). A jitter buffer is ten times as long at least.
constexpr Duration kTurnGapMax = microseconds{1500};
// The rest of a frame that was sent at once comes within this.
constexpr Duration kBurstMax = microseconds{300};
// Of a turn, for handshakes that were put off: what media waits for them at most.
constexpr Duration kHandshakeTime = milliseconds{1};

// Paths inside the tunnel have numbers of their own, which begin again at 1: this tells them from those of ICE-TCP.
constexpr std::uint64_t kInTunnel = std::uint64_t{1} << 63;

bool is_in_tunnel(const ice::Path& path) {
  return (path.connection & kInTunnel) != 0;
}
ice::Path with_mark(ice::Path path) {
  path.connection |= kInTunnel;
  return path;
}
ice::Path without_mark(ice::Path path) {
  path.connection &= ~kInTunnel;
  return path;
}

/// Of the thread that calls.
double cpu_seconds() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

}  // namespace

/// What lives on the shard's thread.
class MediaShard::Core final : public net::ReadyHandler, public net::FramedTcpHandler, public media::PacketSink {
 public:
  Core(net::Loop& loop, net::UdpSocket socket, dtls::Context context, Options options)
      : loop_{loop},
        socket_{std::move(socket)},
        context_{std::move(context)},
        options_{std::move(options)},
        engine_{context_, entropy_, *this},
        phone_{loop_, engine_, [this](ParticipantId telephone, char digit) { tell_digit(telephone, digit); }} {}

  [[nodiscard]] bool start() {
    loop_.set_turn_end([this] { end_turn(); });
    loop_.moderate_turns(kTurnGapMax, 0, kBurstMax);
    return loop_.add(socket_.fd(), EPOLLIN, *this);
  }
  [[nodiscard]] const SocketAddress& local() const { return socket_.local(); }

  void handle(const media::Command& command) { engine_.handle(command, loop_.now().mono); }
  [[nodiscard]] PhoneLegs& phone() { return phone_; }

  void on_ready(std::uint32_t) override {
    const TimePoint now = loop_.now().mono;
    for (int i = 0; i < kBatchesPerTurn; ++i) {
      const auto& batch = socket_.receive();
      for (const net::UdpSocket::Datagram& datagram : batch) {
        const ice::Path path{.protocol = ice::Protocol::Udp,
                             .local = {.ip = datagram.to, .port = socket_.local().port},
                             .remote = datagram.from,
                             .connection = 0};
        engine_.on_datagram(now, path, datagram.bytes);
      }
      received_ = received_ || !batch.empty();
      if (batch.size() < net::UdpSocket::kBatch) return;
    }
    left_ = media::Shedding::Left::Some;
  }

  MutableBytes claim(const ice::Path& path) override {
    if (is_in_tunnel(path)) return tunnel_packet_;
    return path.protocol == ice::Protocol::Tcp ? tcp_->claim(path) : socket_.claim();
  }
  void commit(const ice::Path& path, std::size_t size) override {
    if (is_in_tunnel(path)) return note(to_tunnel_.push(without_mark(path), Bytes{tunnel_packet_}.first(size)));
    if (path.protocol == ice::Protocol::Udp) return socket_.commit(path.remote, path.local.ip, size);
    tcp_->confirm(path);  // nobody is answered who does not know a participant's password
    tcp_->commit(path, size);
  }

  void between_receivers() override { socket_.flush_much(); }

  void release(const ice::Path& path) override {
    if (is_in_tunnel(path)) return note(to_tunnel_.end(without_mark(path)));
    if (path.protocol == ice::Protocol::Tcp) tcp_->release(path);
  }

  [[nodiscard]] Result<void, std::string> listen_tcp(std::uint16_t wanted) {
    net::FramedTcp::Options options;
    if (!options_.address.ip.is_unspecified()) options.address = options_.address.ip.to_text();
    options.port = wanted != 0 ? wanted : socket_.local().port;
    auto listener = net::FramedTcp::create(loop_, *this, options);
    if (!listener && wanted == 0) {
      options.port = 0;
      listener = net::FramedTcp::create(loop_, *this, options);
    }
    if (!listener) return fail(std::move(listener.error()));
    tcp_ = std::move(*listener);
    return {};
  }
  [[nodiscard]] std::optional<std::uint16_t> tcp_port() const {
    return tcp_ ? std::optional{tcp_->port()} : std::nullopt;
  }
  void on_frame(const ice::Path& path, MutableBytes packet) override {
    engine_.on_datagram(loop_.now().mono, path, packet);
  }
  void on_closed(const ice::Path& path) override { engine_.on_path_closed(loop_.now().mono, path); }

  [[nodiscard]] MediaCounters counters() const {
    MediaCounters counters;
    {
      const std::lock_guard lock{mutex_};
      counters = published_;
    }
    counters.from_tunnel = from_tunnel_.counters();
    counters.to_tunnel = to_tunnel_.counters();
    return counters;
  }

  // From the control thread.
  [[nodiscard]] PacketLane& from_tunnel() { return from_tunnel_; }
  void tell_tunnel() {
    TunnelDoor& door = *options_.tunnel;
    to_tunnel_.take([&](const ice::Path& path, Bytes packet) { door.send_to_tunnel(path, packet); },
                    [&](const ice::Path& path) { door.release_in_tunnel(path); });
    door.end_of_batch();
  }

  /// What came through the tunnel.
  void take_from_tunnel() {
    const TimePoint now = loop_.now().mono;
    from_tunnel_.take(
        [&](const ice::Path& path, MutableBytes packet) {
          engine_.on_datagram(now, with_mark(path), packet);
          received_ = true;
        },
        [&](const ice::Path& path) { engine_.on_path_closed(now, with_mark(path)); });
  }

 private:
  void note(PacketLane::Wake wake) { tunnel_waits_ = tunnel_waits_ || wake == PacketLane::Wake::Yes; }

  void tell_digit(ParticipantId telephone, char digit) {
    if (!options_.on_phone_digit) return;
    options_.control->post([tell = &options_.on_phone_digit, telephone, digit] { (*tell)(telephone, digit); });
  }

  void end_turn() {
    const TimePoint now = loop_.now().mono;
    if (engine_.next_timeout() <= now) engine_.handle_timeout(now);
    engine_.end_turn(now);
    flush();
    if (std::exchange(received_, false)) {
      const Duration waited = loop_.held_back() + (net::read_clocks().mono - now);
      forwarding_.observe(std::chrono::duration<double>(waited).count());
    }
    const auto left = std::exchange(left_, media::Shedding::Left::Nothing);
    const double spent = cpu_seconds();
    const Duration worked{static_cast<Duration::rep>((spent - std::exchange(cpu_seconds_, spent)) * 1e9)};
    if (shedding_.on_turn(now, worked, left)) engine_.set_shedding(shedding_.level());
    serve_put_off(now);
    if (auto events = engine_.take_events(); !events.empty()) {
      options_.control->post(
          [tell = &options_.on_events, events = std::move(events)]() mutable { (*tell)(std::move(events)); });
    }
    if (std::exchange(tunnel_waits_, false)) options_.control->post([this] { tell_tunnel(); });
    publish(now);
    arm(now);
  }

  void flush() {
    socket_.flush();
    if (tcp_) tcp_->flush();
  }

  void serve_put_off(TimePoint now) {
    if (!engine_.has_put_off()) return;
    const TimePoint until = net::read_clocks().mono + kHandshakeTime;
    do {
      engine_.serve_put_off(now);
    } while (engine_.has_put_off() && net::read_clocks().mono < until);
    engine_.end_turn(now);
    flush();
  }

  void arm(TimePoint now) {
    if (engine_.has_put_off()) {  // after a look at the socket
      if (timer_) loop_.cancel(*timer_);
      timer_ = loop_.schedule(now, [this] { timer_.reset(); });
      return;
    }
    const TimePoint next = std::max(engine_.next_timeout(), now + milliseconds{1});
    if (timer_ && timer_->first <= next) return;
    if (timer_) loop_.cancel(*timer_);
    timer_.reset();
    if (engine_.next_timeout() == TimePoint::max()) return;
    timer_ = loop_.schedule(next, [this] { timer_.reset(); });  // the turn's end does the work
  }

  void publish(TimePoint now) {
    if (now < publish_at_) {
      // What there is when the last packet has come is to be seen as well.
      if (!publish_timer_) publish_timer_ = loop_.schedule(publish_at_, [this] { publish_timer_.reset(); });
      return;
    }
    publish_at_ = now + kCountersInterval;
    const std::lock_guard lock{mutex_};
    published_ = {.udp = socket_.counters(),
                  .tcp = tcp_ ? tcp_->counters() : net::FramedTcpCounters{},
                  .engine = engine_.counters(),
                  .peers = engine_.peer_count(),
                  .totals = engine_.totals(),
                  .forwarding = forwarding_,
                  .cpu_seconds = cpu_seconds(),
                  .from_tunnel = {},
                  .to_tunnel = {},
                  .phone = phone_.counters()};
  }

  net::Loop& loop_;
  net::UdpSocket socket_;
  net::SystemEntropy entropy_;
  dtls::Context context_;
  Options options_;
  media::Engine engine_;
  PhoneLegs phone_;
  std::unique_ptr<net::FramedTcp> tcp_;  // null when there is no ICE-TCP
  PacketLane from_tunnel_;
  PacketLane to_tunnel_;
  bool tunnel_waits_ = false;                                // has to be told of what is in `to_tunnel_`
  std::array<std::uint8_t, kDatagramRoom> tunnel_packet_{};  // the one that was claimed
  std::optional<net::Loop::TimerKey> timer_;
  TimePoint publish_at_{};
  std::optional<net::Loop::TimerKey> publish_timer_;
  bool received_ = false;  // datagrams, in this turn
  media::Shedding shedding_;
  double cpu_seconds_ = 0;                                       // of the thread, when its last turn ended
  media::Shedding::Left left_ = media::Shedding::Left::Nothing;  // unread, in this turn
  decltype(MediaCounters::forwarding) forwarding_ = MediaCounters{}.forwarding;
  mutable std::mutex mutex_;  // guards the copy below, which another thread reads once in a while
  MediaCounters published_;
};

Result<std::unique_ptr<MediaShard>, std::string> MediaShard::create(Options options) {
  auto socket = net::UdpSocket::open({.address = options.address});
  if (!socket) return fail(std::move(socket.error()));
  auto context = dtls::Context::create(*options.certificate);
  if (!context) return fail(std::move(context.error()));
  auto loop = net::Loop::create();
  if (!loop) return fail(std::move(loop.error()));
  std::unique_ptr<MediaShard> shard{new MediaShard};
  shard->loop_ = std::move(*loop);
  const std::optional<std::uint16_t> tcp_port = options.tcp_port;
  const std::size_t index = options.index;
  shard->small_buffers_ = socket->small_buffers();
  shard->core_ = std::make_unique<Core>(*shard->loop_, std::move(*socket), std::move(*context), std::move(options));
  shard->port_ = shard->core_->local().port;
  if (tcp_port) {
    if (auto listening = shard->core_->listen_tcp(*tcp_port); !listening) return fail(std::move(listening.error()));
  }
  shard->tcp_port_ = shard->core_->tcp_port();
  if (!shard->core_->start()) return fail(std::string{"the system is out of descriptors"});
  const std::string name = "media-" + std::to_string(index);
  shard->thread_ = std::jthread{[loop = shard->loop_.get(), name] {
    net::prefer_this_thread(name.c_str());
    loop->run();
  }};
  return shard;
}

MediaShard::~MediaShard() {
  if (loop_ == nullptr) return;
  loop_->stop();
  if (thread_.joinable()) thread_.join();
  loop_->discard_posted();
  core_.reset();
}

void MediaShard::post(media::Command command) {
  loop_->post([core = core_.get(), command = std::move(command)] { core->handle(command); });
}

void MediaShard::with_phone(PhoneTask task) {
  loop_->post([core = core_.get(), task = std::move(task)]() mutable { task(core->phone()); });
}

void MediaShard::deliver(const ice::Path& path, Bytes packet) {
  wake(core_->from_tunnel().push(path, packet));
}

void MediaShard::close_path(const ice::Path& path) {
  wake(core_->from_tunnel().end(path));
}

void MediaShard::wake(PacketLane::Wake wake) {
  if (wake == PacketLane::Wake::Yes) loop_->post([core = core_.get()] { core->take_from_tunnel(); });
}

MediaCounters MediaShard::counters() const {
  return core_->counters();
}

}  // namespace zvonok::app
