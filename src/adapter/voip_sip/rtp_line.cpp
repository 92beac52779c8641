#include "adapter/voip_sip/rtp_line.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "net/sockaddr.h"

namespace zvonok::voip_sip {
namespace {

constexpr int kReceiveBufferBytes = 64 * 1024;  // more than a second of sound
constexpr int kDatagramsPerTurn = 32;
constexpr std::size_t kDatagramMax = 2048;
constexpr int kExpedited = 46 << 2;  // DSCP EF (RFC 4594 section 4.1)

Result<net::Fd, int> bind_udp(const IpAddress& ip, std::uint16_t port) {
  net::Fd fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.valid()) return fail(errno);
  const int off = 0;
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  ::setsockopt(fd.get(), IPPROTO_IP, IP_TOS, &kExpedited, sizeof kExpedited);
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_TCLASS, &kExpedited, sizeof kExpedited);
  sockaddr_in6 address = net::to_sockaddr({.ip = ip, .port = port});
  if (ip == IpAddress{}) address.sin6_addr = in6addr_any;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail(errno);
  return fd;
}

void send_to(const net::Fd& fd, const SocketAddress& to, Bytes datagram) {
  const sockaddr_in6 address = net::to_sockaddr(to);
  // What can't be sent now is late: dropped, as the network would.
  (void)!::sendto(fd.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

void for_each_counter(RtpCounters& to, const RtpCounters& from, auto&& change) {
  for (const auto field :
       {&RtpCounters::received, &RtpCounters::sent, &RtpCounters::tones_heard, &RtpCounters::tones_sent,
        &RtpCounters::comfort_noise, &RtpCounters::no_agreement, &RtpCounters::strangers, &RtpCounters::malformed,
        &RtpCounters::unsealed, &RtpCounters::unknown_type, &RtpCounters::on_hold, &RtpCounters::other_sources,
        &RtpCounters::not_listening, &RtpCounters::wrong_law, &RtpCounters::late, &RtpCounters::digits_dropped}) {
    change(to.*field, from.*field);
  }
}

}  // namespace

// ---- ports ---------------------------------------------------------------------------------------------------------

Result<RtpPorts, std::string> RtpPorts::open(const IpAddress& bind, PortRange range, Entropy& entropy) {
  const unsigned first = (range.first + 1U) / 2 * 2;
  const unsigned pairs = range.last > first ? (range.last + 1U - first) / 2 : 0;
  const unsigned begin = pairs == 0 ? 0 : random_u32(entropy) % pairs;
  int error = 0;
  for (unsigned i = 0; i < pairs; ++i) {
    const auto port = static_cast<std::uint16_t>(first + (begin + i) % pairs * 2);
    auto rtp = bind_udp(bind, port);
    if (!rtp) {
      error = rtp.error();
      if (error == EADDRINUSE || error == EACCES) continue;
      break;
    }
    auto rtcp = bind_udp(bind, static_cast<std::uint16_t>(port + 1));
    if (rtcp) return RtpPorts{std::move(*rtp), std::move(*rtcp), port};
    error = rtcp.error();
  }
  return fail("no pair of UDP ports is free in " + std::to_string(range.first) + "-" + std::to_string(range.last) +
              (error != 0 ? std::string{": "} + std::strerror(error) : std::string{}));
}

void LineTotals::add(const RtpCounters& since_last) {
  const std::lock_guard lock{mutex_};
  for_each_counter(sum_, since_last, [](std::uint64_t& to, std::uint64_t from) { to += from; });
}

RtpCounters LineTotals::read() const {
  const std::lock_guard lock{mutex_};
  return sum_;
}

// ---- the way to a line ---------------------------------------------------------------------------------------------

void LineLink::post(Task task, const std::shared_ptr<LineLink>& self) {
  const std::lock_guard lock{mutex_};
  if (tasks_.size() >= kWaitingMax) return;  // nobody takes the line
  tasks_.push_back(std::move(task));
  // The loop outlives its lines, and a line takes itself out of here before it goes.
  if (loop_ != nullptr && tasks_.size() == 1) {
    loop_->post([self] { self->run(); });
  }
}

void LineLink::run() {
  std::vector<Task> tasks;
  RtpLine* line = nullptr;
  {
    const std::lock_guard lock{mutex_};
    tasks.swap(tasks_);
    line = line_;  // stays: lines go on this thread
  }
  if (line == nullptr) return;
  const Now& now = line->loop_->now();
  for (Task& task : tasks) task(*line->session_, now);
  line->session_->poll(now);
  line->arm();
}

void LineLink::on_silence(net::Loop& control, std::function<void()> tell) {
  const std::lock_guard lock{mutex_};
  control_ = tell ? &control : nullptr;
  on_silence_ = std::move(tell);
}

void LineLink::tell_silence(const std::shared_ptr<LineLink>& self) {
  const std::lock_guard lock{self->mutex_};
  if (self->control_ == nullptr) return;
  self->control_->post([self] {
    std::function<void()> tell;
    {
      const std::lock_guard again{self->mutex_};
      tell = self->on_silence_;
    }
    if (tell) tell();
  });
}

// ---- the line ------------------------------------------------------------------------------------------------------

class RtpLine::Port final : public net::ReadyHandler {
 public:
  Port(RtpLine& line, const net::Fd& fd) : line_{&line}, fd_{fd.get()} {}
  void forget() { line_ = nullptr; }

  void on_ready(std::uint32_t /*events*/) override {
    std::array<std::uint8_t, kDatagramMax> buffer;
    for (int i = 0; i < kDatagramsPerTurn && line_ != nullptr; ++i) {
      sockaddr_in6 from{};
      socklen_t size = sizeof from;
      const ssize_t count =
          ::recvfrom(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
      if (count < 0) {
        if (errno == ECONNREFUSED || errno == EINTR) continue;  // of what was sent before
        return;
      }
      line_->on_datagram(*this, net::to_address(from), MutableBytes{buffer}.first(static_cast<std::size_t>(count)));
    }
  }

 private:
  RtpLine* line_;
  int fd_;
};

RtpLine::RtpLine(RtpPorts ports, RtpSession::Start start, std::shared_ptr<LineLink> link,
                 std::shared_ptr<LineTotals> totals)
    : ports_{std::move(ports)}, start_{std::move(start)}, link_{std::move(link)}, totals_{std::move(totals)} {}

RtpLine::~RtpLine() {
  {
    const std::lock_guard lock{link_->mutex_};
    link_->loop_ = nullptr;
    link_->line_ = nullptr;
    link_->tasks_.clear();
  }
  if (loop_ == nullptr) return;
  session_->end(loop_->now());
  tell_totals();
  if (timer_) loop_->cancel(*timer_);
  // Events of this turn may still name them.
  for (auto* port : {&rtp_, &rtcp_}) {
    (*port)->forget();
    loop_->remove((port == &rtp_ ? ports_.rtp_ : ports_.rtcp_).get());
    loop_->discard(std::move(*port));
  }
}

port::G711 RtpLine::law() const {
  return session_ ? session_->law() : port::G711::Ulaw;
}

void RtpLine::start(net::Loop& loop, port::PhoneEars& ears) {
  ZVONOK_CHECK(loop_ == nullptr);
  loop_ = &loop;
  session_.emplace(start_, *this, ears);
  rtp_ = std::make_unique<Port>(*this, ports_.rtp_);
  rtcp_ = std::make_unique<Port>(*this, ports_.rtcp_);
  // Without them it is deaf, and says so by its silence: there is nobody to tell here.
  (void)!loop.add(ports_.rtp_.get(), EPOLLIN, *rtp_);
  (void)!loop.add(ports_.rtcp_.get(), EPOLLIN, *rtcp_);
  {
    const std::lock_guard lock{link_->mutex_};
    link_->loop_ = &loop;
    link_->line_ = this;
  }
  link_->run();
}

void RtpLine::send(TimePoint now, const port::PhoneSound& sound) {
  session_->send(now, sound);
}

void RtpLine::send_digit(TimePoint now, char digit) {
  session_->add_digits(now, {&digit, 1});
  session_->poll({.mono = now, .wall = loop_->now().wall});
  arm();
}

void RtpLine::on_datagram(const Port& port, const SocketAddress& from, MutableBytes datagram) {
  if (&port == rtp_.get()) {
    session_->on_rtp(loop_->now().mono, from, datagram);
  } else {
    session_->on_rtcp(loop_->now().mono, from, datagram);
  }
}

void RtpLine::send_rtp(const SocketAddress& to, Bytes datagram) {
  send_to(ports_.rtp_, to, datagram);
}

void RtpLine::send_rtcp(const SocketAddress& to, Bytes datagram) {
  send_to(ports_.rtcp_, to, datagram);
}

/// Only ever brought forward: to wake up early does no harm, and packets don't cost a change of timers each.
void RtpLine::on_silence() {
  LineLink::tell_silence(link_);
}

void RtpLine::arm() {
  const TimePoint next = session_->next_timeout();
  if (next == TimePoint::max() || (timer_ && timer_->first <= next)) return;
  if (timer_) loop_->cancel(*timer_);
  timer_ = loop_->schedule(next, [this] {
    timer_.reset();
    session_->poll(loop_->now());
    tell_totals();
    arm();
  });
}

void RtpLine::tell_totals() {
  RtpCounters since = session_->counters();
  for_each_counter(since, told_, [](std::uint64_t& to, std::uint64_t from) { to -= from; });
  told_ = session_->counters();
  totals_->add(since);
}

}  // namespace zvonok::voip_sip
