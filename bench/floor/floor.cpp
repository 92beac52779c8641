// What a machine needs for a packet: sealing and sending alone. README.md says what each line means.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "net/fd.h"
#include "proto/srtp/gcm.h"

namespace {

using zvonok::Bytes;
using zvonok::MutableBytes;
using zvonok::net::Fd;
using zvonok::srtp::Gcm;
using zvonok::srtp::kGcmIvBytes;
using zvonok::srtp::kGcmTagBytes;

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kTrainMax = 32;
constexpr std::size_t kRounds = 7;

struct Options {
  std::size_t destinations = 150;
  std::size_t train = 4;
  int milliseconds = 300;  // of one round
  int core = -1;
  int drain_core = -1;
  double ours_us = 0;
};

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double wall_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void pin(int core) {
  if (core < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// Sockets of as many receivers, emptied by a thread of their own.
class Receivers {
 public:
  Receivers(std::size_t count, int core) {
    for (std::size_t i = 0; i < count; ++i) {
      Fd fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
      if (!fd.valid()) give_up("socket");
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      ::inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("bind");
      const int bytes = 1 << 20;
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
      socklen_t size = sizeof address;
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
      addresses_.push_back(address);
      fds_.push_back(std::move(fd));
    }
    drainer_ = std::jthread{[this, core](const std::stop_token& stop) {
      pin(core);
      drain(stop);
    }};
  }
  [[nodiscard]] const std::vector<sockaddr_in6>& addresses() const { return addresses_; }
  [[nodiscard]] std::uint64_t received() const { return received_.load(std::memory_order_relaxed); }

 private:
  void drain(const std::stop_token& stop) {
    std::vector<pollfd> polled;
    for (const Fd& fd : fds_) polled.push_back({.fd = fd.get(), .events = POLLIN, .revents = 0});
    std::vector<std::array<char, 2048>> bytes(kBatch);
    std::array<iovec, kBatch> parts{};
    std::array<mmsghdr, kBatch> messages{};
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {.iov_base = bytes[i].data(), .iov_len = bytes[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (!stop.stop_requested()) {
      if (::poll(polled.data(), polled.size(), 20) <= 0) continue;
      for (const pollfd& one : polled) {
        if ((one.revents & POLLIN) == 0) continue;
        const int got = ::recvmmsg(one.fd, messages.data(), kBatch, MSG_DONTWAIT, nullptr);
        if (got > 0) received_ += static_cast<std::uint64_t>(got);
      }
    }
  }

  std::vector<Fd> fds_;
  std::vector<sockaddr_in6> addresses_;
  std::atomic<std::uint64_t> received_{0};
  std::jthread drainer_;  // last: it uses all of the above
};

/// One unconnected socket, as a server has; packets of one turn in memory of their own.
class Sender {
 public:
  Sender(const std::vector<sockaddr_in6>& to, std::size_t train, std::size_t bytes)
      : addresses_{to},
        bytes_{bytes},
        packets_(to.size() * train * bytes),
        parts_(to.size() * train),
        messages_(to.size()),
        control_(to.size()),
        fd_{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    if (!fd_.valid()) give_up("socket");
    for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i] = {.iov_base = packet(i).data(), .iov_len = bytes};
    for (std::size_t m = 0; m < messages_.size(); ++m) {
      msghdr& header = messages_[m].msg_hdr;
      header.msg_name = &addresses_[m];
      header.msg_namelen = sizeof(sockaddr_in6);
      header.msg_iov = &parts_[m * train];
      header.msg_iovlen = train;
      if (train == 1) continue;
      cmsghdr segment{};
      segment.cmsg_level = SOL_UDP;
      segment.cmsg_type = UDP_SEGMENT;
      segment.cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      const auto size = static_cast<std::uint16_t>(bytes);
      std::memcpy(control_[m].bytes.data(), &segment, sizeof segment);
      std::memcpy(control_[m].bytes.data() + CMSG_LEN(0), &size, sizeof size);
      header.msg_control = control_[m].bytes.data();
      header.msg_controllen = control_[m].bytes.size();
    }
  }
  [[nodiscard]] std::size_t packets() const { return parts_.size(); }
  [[nodiscard]] MutableBytes packet(std::size_t i) { return MutableBytes{packets_}.subspan(i * bytes_, bytes_); }

  /// Every packet once. Gives how many the kernel took.
  std::size_t send() {
    std::size_t done = 0;
    while (done < messages_.size()) {
      const auto count = static_cast<unsigned>(std::min(kBatch, messages_.size() - done));
      const int sent = ::sendmmsg(fd_.get(), &messages_[done], count, 0);
      if (sent <= 0) give_up("sendmmsg");
      done += static_cast<std::size_t>(sent);
    }
    return parts_.size();
  }

 private:
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> bytes{};
  };
  std::vector<sockaddr_in6> addresses_;
  std::size_t bytes_;
  std::vector<std::uint8_t> packets_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> messages_;
  std::vector<Control> control_;
  Fd fd_;
};

class Sealer {
 public:
  explicit Sealer(std::unique_ptr<Gcm> gcm) : gcm_{std::move(gcm)}, text_(2048, 7) {}

  /// `packet` is header, text and tag; the text comes from elsewhere, as that of a forwarded packet does.
  void seal(MutableBytes packet) {
    std::memcpy(iv_.data(), &++number_, sizeof number_);
    const std::size_t text = packet.size() - kHeaderBytes - kGcmTagBytes;
    const bool sealed = gcm_->seal(iv_, packet.first(kHeaderBytes), {}, packet.data() + kHeaderBytes, {},
                                   Bytes{text_}.first(text), packet.last(kGcmTagBytes));
    if (!sealed) std::abort();
  }

 private:
  std::unique_ptr<Gcm> gcm_;
  std::vector<std::uint8_t> text_;
  std::array<std::uint8_t, kGcmIvBytes> iv_{};
  std::uint64_t number_ = 0;
};

struct Cost {
  double least_us = 0;
  double median_us = 0;
};

/// `turn` does some packets and says how many.
Cost measure(const Options& options, const std::function<std::size_t()>& turn) {
  std::vector<double> rounds;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const double end = wall_seconds() + options.milliseconds / 1000.0;
    const double begin = thread_seconds();
    std::size_t packets = 0;
    while (wall_seconds() < end) packets += turn();
    rounds.push_back((thread_seconds() - begin) * 1e6 / static_cast<double>(std::max<std::size_t>(packets, 1)));
  }
  std::ranges::sort(rounds);
  return {.least_us = rounds.front(), .median_us = rounds[rounds.size() / 2]};
}

void print(const Options& options, const char* name, std::size_t bytes, const Cost& cost, bool is_floor) {
  std::printf("%-18s %5zu bytes  %7.3f us a packet  (median %7.3f)", name, bytes, cost.least_us, cost.median_us);
  if (is_floor && options.ours_us > 0)
    std::printf("  ours %.2f us: %.2f times this", options.ours_us, options.ours_us / cost.least_us);
  std::printf("\n");
  std::fflush(stdout);
}

/// Sealing needs some time between two looks at the clock.
Cost measure_seal(const Options& options, std::unique_ptr<Gcm> gcm, std::size_t bytes) {
  Sealer sealer{std::move(gcm)};
  std::vector<std::uint8_t> packet(bytes);
  return measure(options, [&] {
    for (int i = 0; i < 256; ++i) sealer.seal(packet);
    return std::size_t{256};
  });
}

/// Fills one socket, then takes all of it: only the taking is counted.
Cost measure_receive(std::size_t bytes) {
  Fd in{::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  ::inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr);
  if (::bind(in.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("bind");
  const int room = 4 << 20;
  if (::setsockopt(in.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0) {
    ::setsockopt(in.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }
  socklen_t size = sizeof address;
  ::getsockname(in.get(), reinterpret_cast<sockaddr*>(&address), &size);
  Sender sender{{address}, 1, bytes};
  std::vector<std::array<char, 2048>> buffers(kBatch);
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
  std::array<sockaddr_in6, kBatch> from{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts[i] = {.iov_base = buffers[i].data(), .iov_len = buffers[i].size()};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &from[i];
  }
  std::vector<double> rounds;
  for (std::size_t round = 0; round < kRounds * 20; ++round) {
    for (int i = 0; i < 128; ++i) sender.send();
    std::size_t packets = 0;
    const double begin = thread_seconds();
    for (;;) {
      for (auto& message : messages) message.msg_hdr.msg_namelen = sizeof(sockaddr_in6);
      const int got = ::recvmmsg(in.get(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
      if (got <= 0) break;
      packets += static_cast<std::size_t>(got);
    }
    rounds.push_back((thread_seconds() - begin) * 1e6 / static_cast<double>(std::max<std::size_t>(packets, 1)));
  }
  std::ranges::sort(rounds);
  return {.least_us = rounds.front(), .median_us = rounds[rounds.size() / 2]};
}

void measure_sending(const Options& options, const Receivers& receivers, std::size_t bytes, Bytes key) {
  struct Line {
    const char* alone;
    const char* sealed;
    std::size_t train;
  };
  for (const Line& line : {Line{"sendmmsg", "floor, apart", 1}, Line{"trains", "floor, trains", options.train}}) {
    Sender sender{receivers.addresses(), line.train, bytes};
    print(options, line.alone, bytes, measure(options, [&] { return sender.send(); }), false);
    Sealer sealer{zvonok::srtp::make_gcm(key, zvonok::srtp::Direction::Seal)};
    const auto both = [&] {
      for (std::size_t i = 0; i < sender.packets(); ++i) sealer.seal(sender.packet(i));
      return sender.send();
    };
    print(options, line.sealed, bytes, measure(options, both), true);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"What this machine needs for a packet: sealing and sending, and nothing else.", "bench_floor"};
  app.add_option("--destinations", options.destinations, "Receivers")
      ->check(CLI::Range(1, 2000))
      ->capture_default_str();
  app.add_option("--train", options.train, "Packets for one receiver in one train")
      ->check(CLI::Range(std::size_t{2}, kTrainMax))
      ->capture_default_str();
  app.add_option("--milliseconds", options.milliseconds, "Of one round")
      ->check(CLI::Range(10, 5000))
      ->capture_default_str();
  app.add_option("--core", options.core, "Where to measure");
  app.add_option("--drain-core", options.drain_core, "Where to receive");
  app.add_option("--ours", options.ours_us, "A server's microseconds per packet, to compare");
  CLI11_PARSE(app, argc, argv);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);

  double load = 0;
  static_cast<void>(::getloadavg(&load, 1));
  std::printf("%zu destinations, trains of %zu, load average before %.2f\n", options.destinations, options.train, load);
  const Receivers receivers{options.destinations, options.drain_core};
  pin(options.core);
  const std::vector<std::uint8_t> key(16, 0x5A);
  for (const std::size_t bytes : {std::size_t{140}, std::size_t{1100}}) {
    print(options, "seal, EVP", bytes,
          measure_seal(options, zvonok::srtp::make_openssl_gcm(key, zvonok::srtp::Direction::Seal), bytes), false);
    print(options, "seal, make_gcm", bytes,
          measure_seal(options, zvonok::srtp::make_gcm(key, zvonok::srtp::Direction::Seal), bytes), false);
    print(options, "recvmmsg", bytes, measure_receive(bytes), false);
    measure_sending(options, receivers, bytes, key);
  }
  std::printf("drained %llu datagrams meanwhile\n", static_cast<unsigned long long>(receivers.received()));
  return 0;
}
