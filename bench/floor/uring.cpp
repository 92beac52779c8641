#include "uring.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <liburing.h>

#include "measure.h"

namespace zvonok::floor {
namespace {

class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    if (open_) ::io_uring_queue_exit(&ring_);
  }
  /// 0, or the error as a negative number.
  int open() {
    // Twice the room for what is done: a request without copying is answered twice.
    for (const unsigned flags : {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0U}) {
      const int result = ::io_uring_queue_init(2 * kBatch, &ring_, flags);
      open_ = result == 0;
      if (open_ || result != -EINVAL) return result;
    }
    return -EINVAL;
  }
  io_uring& get() { return ring_; }

 private:
  io_uring ring_{};
  bool open_ = false;
};

class Uring final : public Outlet {
 public:
  Uring(const To& to, UringSend how) : Outlet{to.addresses, to.train, to.bytes}, how_{how} {}

  /// What doesn't work here, or null.
  const char* prepare(const To& to) {
    error_ = ring_.open();
    if (error_ != 0) return "io_uring_queue_init";
    prepare_sockets(to);
    std::vector<int> files;
    for (const net::Fd& fd : fds_) files.push_back(fd.get());
    error_ = ::io_uring_register_files(&ring_.get(), files.data(), static_cast<unsigned>(files.size()));
    if (error_ != 0) return "io_uring_register_files";
    if (how_ == UringSend::RegisteredZero) {
      const iovec memory{.iov_base = all().data(), .iov_len = all().size()};
      error_ = ::io_uring_register_buffers(&ring_.get(), &memory, 1);
      if (error_ != 0) return "io_uring_register_buffers";
    }
    send();
    return error_ != 0 ? "sending" : nullptr;
  }
  [[nodiscard]] int error() const { return error_; }

  std::size_t send() override {
    std::size_t taken = 0;
    for (std::size_t done = 0; done < messages().size();) {
      const std::size_t count = std::min(kBatch, messages().size() - done);
      for (std::size_t i = 0; i < count; ++i) ask(done + i);
      taken += submit(count);
      done += count;
    }
    return taken * train();
  }

 private:
  void prepare_sockets(const To& to) {
    if (how_ == UringSend::Connected) {
      fds_ = connect_each(to.addresses, to.train > 1 ? to.bytes : 0);
      return;
    }
    fds_.emplace_back(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int segment = static_cast<int>(to.bytes);
    if (how_ == UringSend::RegisteredZero && to.train > 1 &&
        ::setsockopt(fds_[0].get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0)
      give_up("UDP_SEGMENT");
  }
  /// Requests don't wait: one that would would be given to a thread of the kernel, whose time nobody counts.
  void ask(std::size_t m) {
    io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_.get());
    const MutableBytes bytes = message(m);
    const msghdr& header = messages()[m].msg_hdr;
    switch (how_) {
      case UringSend::Messages: ::io_uring_prep_sendmsg(sqe, 0, &header, MSG_DONTWAIT); break;
      case UringSend::Connected:
        ::io_uring_prep_send(sqe, static_cast<int>(m), bytes.data(), bytes.size(), MSG_DONTWAIT);
        break;
      case UringSend::RegisteredZero:
        ::io_uring_prep_send_zc_fixed(sqe, 0, bytes.data(), bytes.size(), MSG_DONTWAIT, 0, 0);
        ::io_uring_prep_send_set_addr(sqe, static_cast<const sockaddr*>(header.msg_name), sizeof(sockaddr_in6));
        break;
    }
    sqe->flags |= IOSQE_FIXED_FILE;
  }
  /// Ends when all requests are answered and none of their memory is in use. Gives how many messages were taken.
  std::size_t submit(std::size_t requests) {
    std::size_t taken = 0;
    std::size_t answers = requests;
    while (answers > 0) {
      const int result = ::io_uring_submit_and_wait(&ring_.get(), static_cast<unsigned>(answers));
      if (result < 0 && result != -EINTR) give_up("io_uring_enter");
      unsigned seen = 0;
      unsigned head = 0;
      io_uring_cqe* cqe = nullptr;
      io_uring_for_each_cqe(&ring_.get(), head, cqe) {
        ++seen;
        --answers;
        if ((cqe->flags & IORING_CQE_F_MORE) != 0) ++answers;  // a notice about the memory follows
        if ((cqe->flags & IORING_CQE_F_NOTIF) != 0) continue;
        if (cqe->res >= 0) ++taken;
        if (cqe->res < 0) error_ = cqe->res;
      }
      ::io_uring_cq_advance(&ring_.get(), seen);
    }
    return taken;
  }

  UringSend how_;
  int error_ = 0;
  std::vector<net::Fd> fds_;
  Ring ring_;  // last: it goes first, and with it what it knows of memory and sockets
};

}  // namespace

std::unique_ptr<Outlet> make_uring(const To& to, UringSend how) {
  auto outlet = std::make_unique<Uring>(to, how);
  if (const char* failed = outlet->prepare(to); failed != nullptr) {
    std::fprintf(stderr, "no io_uring here: %s: %s\n", failed, std::strerror(-outlet->error()));
    return nullptr;
  }
  return outlet;
}

}  // namespace zvonok::floor
