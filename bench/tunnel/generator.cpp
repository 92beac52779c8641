#include "generator.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace zvonok::bench {
namespace {

constexpr std::size_t kProbeBytes = 200;
constexpr double kProbeEvery = 0.001;
constexpr std::size_t kDatagramHeadBytes = 2;
constexpr std::size_t kMessageHeadBytes = 4;  // from the server, up to 64 KiB

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "bench_tunnel: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

double clock_seconds() {
  using std::chrono::duration;
  return duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void set_no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int dial(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("connect");
  set_no_delay(fd);
  return fd;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) give_up("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// What comes next; the answers that are waited for come in one piece.
std::string receive_some(int fd) {
  std::string bytes(4096, '\0');
  const ssize_t count = ::recv(fd, bytes.data(), bytes.size(), 0);
  if (count <= 0) give_up("no answer");
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

void append_u16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 255);
}

/// A binary message of a client, with a mask of zeros (RFC 6455 section 5.2).
std::string message_of(std::string_view payload) {
  std::string out{'\x82'};
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += '\xfe';
    append_u16(out, payload.size());
  }
  out.append(4, '\0');
  out += payload;
  return out;
}

std::string request_of(const StreamOfCall& stream) {
  std::string out(1, '\0');
  std::string digits;
  std::ranges::copy_if(stream.uuid, std::back_inserter(digits), [](char c) { return c != '-'; });
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
    out += static_cast<char>(value);
  }
  out += '\0';    // no add-ons
  out += '\x02';  // UDP
  append_u16(out, stream.peer_port);
  out += '\x01';  // IPv4
  in_addr address{};
  if (::inet_pton(AF_INET, stream.peer_address.c_str(), &address) != 1) give_up("bad address of a peer");
  out.append(reinterpret_cast<const char*>(&address), sizeof address);
  return out;
}

int open_stream(std::uint16_t port, const StreamOfCall& stream) {
  const int fd = dial(port);
  send_all(fd,
           "GET /call HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  static_cast<void>(receive_some(fd));
  send_all(fd, message_of(request_of(stream)));
  static_cast<void>(receive_some(fd));  // the head of the answer
  return fd;
}

/// One connection of this process to itself.
void open_bare(int& in, int& out) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    give_up("listen");
  }
  in = dial(ntohs(address.sin_port));
  out = ::accept(listener, nullptr, nullptr);
  ::close(listener);
}

std::string datagram_of(std::size_t bytes) {
  std::string out;
  append_u16(out, bytes);
  out.append(bytes, '\3');
  return out;
}

}  // namespace

Generator::Generator(GeneratorOptions options, const std::vector<StreamOfCall>& streams) : options_{options} {
  if (streams.size() < 2) give_up("too few streams");
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [this](int fd) {
    set_nonblocking(fd);
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll");
  };
  near_ = open_stream(options_.port, streams[0]);
  far_ = open_stream(options_.port, streams[1]);
  open_bare(bare_in_, bare_out_);
  for (std::size_t i = 2; i < streams.size(); ++i) {
    streams_.push_back({.fd = open_stream(options_.port, streams[i]), .pending = {}});
    watch(streams_.back().fd);
  }
  for (const int fd : {near_, bare_in_}) watch(fd);
  for (const int fd : {far_, bare_out_}) set_nonblocking(fd);
  std::string payload;
  for (std::size_t i = 0; i < options_.batch; ++i) payload += datagram_of(options_.datagram_bytes);
  message_ = message_of(payload);
}

Measured Generator::rest() {
  return run(2, Load::Off);
}

Measured Generator::load(void (*on_begin)()) {
  next_message_ = 0;
  static_cast<void>(run(options_.warm_up_seconds, Load::On));
  on_begin();
  next_message_ = 0;
  return run(options_.seconds, Load::On);
}

Measured Generator::run(double seconds, Load load) {
  Measured measured;
  const double begun = clock_seconds();
  next_probe_ = begun;
  double now = begun;
  while (now < begun + seconds) {
    if (load == Load::On) send_due(now, begun, measured);
    if (now >= next_probe_) probe(now);
    double next = std::min(next_probe_, begun + seconds);
    if (load == Load::On) next = std::min(next, due_of(begun));
    receive(next, measured);
    // Each turn, and not when epoll comes to them: what the load costs the generator is no delay of the tunnel's.
    receive_probe(far_, far_buffer_, measured.delays.through, false);
    receive_probe(bare_out_, bare_buffer_, measured.delays.bare, true);
    now = clock_seconds();
  }
  measured.seconds = now - begun;
  return measured;
}

/// When the next message is to leave. The streams take turns, so that messages leave evenly and not all at once.
double Generator::due_of(double begun) const {
  const double message_bytes = static_cast<double>(options_.batch * options_.datagram_bytes);
  const double interval = message_bytes / options_.bytes_per_second / static_cast<double>(streams_.size());
  return begun + static_cast<double>(next_message_) * interval;
}

void Generator::send_due(double now, double begun, Measured& measured) {
  // Not more than so many before it reads again.
  for (int i = 0; i < 8; ++i) {
    const double due = due_of(begun);
    if (due > now) return;
    ++measured.messages;
    if (now - due > 0.001) ++measured.messages_late;
    send(streams_[next_message_ % streams_.size()], measured);
    ++next_message_;
  }
}

void Generator::send(Stream& stream, Measured& measured) {
  std::string& pending = stream.pending;
  if (!pending.empty()) {
    const ssize_t sent = ::send(stream.fd, pending.data(), pending.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) give_up("the server has ended a stream");
    if (sent > 0) pending.erase(0, static_cast<std::size_t>(sent));
    if (!pending.empty()) return;  // the server does not read: this one is not sent
  }
  const ssize_t sent = ::send(stream.fd, message_.data(), message_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return;
  if (sent <= 0) give_up("the server has ended a stream");
  pending.assign(message_, static_cast<std::size_t>(sent));
  measured.bytes_sent += options_.batch * options_.datagram_bytes;
}

void Generator::probe(double now) {
  next_probe_ = std::max(next_probe_ + kProbeEvery, now);
  std::string datagram = datagram_of(kProbeBytes);
  const double sent_at = clock_seconds();
  std::memcpy(datagram.data() + kDatagramHeadBytes, &sent_at, sizeof sent_at);
  const std::string message = message_of(datagram);
  probe_is_bare_ = !probe_is_bare_;
  // A full socket would be the server's word that it is behind; the probe is then simply not sent.
  static_cast<void>(
      ::send(probe_is_bare_ ? bare_in_ : near_, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

void Generator::receive(double until, Measured& measured) {
  std::array<epoll_event, 32> events{};
  const double wait = std::clamp(until - clock_seconds(), 0.0, kProbeEvery / 20);
  const timespec timeout{.tv_sec = 0, .tv_nsec = static_cast<long>(wait * 1e9)};
  const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const int fd = events[static_cast<std::size_t>(i)].data.fd;
    // MSG_TRUNC: counted and thrown away by the kernel (tcp(7)).
    const ssize_t bytes = ::recv(fd, nullptr, 1 << 20, MSG_TRUNC);
    if (bytes == 0 || (bytes < 0 && errno != EAGAIN)) give_up("the server has ended a stream");
    if (bytes < 0) continue;
    // As if each datagram had come in a message of its own: what is claimed is not too much.
    const double share = static_cast<double>(options_.datagram_bytes) /
                         static_cast<double>(options_.datagram_bytes + kDatagramHeadBytes + kMessageHeadBytes);
    measured.bytes_received += static_cast<std::uint64_t>(static_cast<double>(bytes) * share);
  }
}

/// Both carry messages with one or more probes of one size; those of a client have a mask.
void Generator::receive_probe(int fd, std::string& buffer, std::vector<double>& delays, bool is_bare) {
  std::array<char, 65536> bytes;
  const ssize_t count = ::recv(fd, bytes.data(), bytes.size(), 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) give_up("the server has ended a stream");
  const double now = clock_seconds();
  buffer.append(bytes.data(), static_cast<std::size_t>(count));
  constexpr std::size_t kWhole = kDatagramHeadBytes + kProbeBytes;
  for (;;) {
    if (buffer.size() < kMessageHeadBytes) return;
    const auto at = [&buffer](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(buffer[i]));
    };
    const std::size_t length = (at(1) & 127) == 126 ? at(2) << 8 | at(3) : at(1) & 127;
    const std::size_t head = ((at(1) & 127) == 126 ? 4U : 2U) + (is_bare ? 4U : 0U);
    if (buffer.size() < head + length) return;
    for (std::size_t i = head; i + kWhole <= head + length; i += kWhole) {
      double sent_at = 0;
      std::memcpy(&sent_at, buffer.data() + i + kDatagramHeadBytes, sizeof sent_at);
      delays.push_back((now - sent_at) * 1000);
    }
    buffer.erase(0, head + length);
  }
}

}  // namespace zvonok::bench
