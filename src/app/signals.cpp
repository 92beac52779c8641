#include "app/signals.h"

#include <csignal>

#include <sys/epoll.h>
#include <sys/signalfd.h>

namespace zvonok::app {
namespace {

sigset_t handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void Signals::block() {
  const sigset_t set = handled();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void Signals::restore() {
  const sigset_t set = handled();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::unique_ptr<Signals> Signals::create(net::Loop& loop, std::function<void(int)> on_signal) {
  block();
  const sigset_t set = handled();
  net::Fd fd{::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)};
  if (!fd.valid()) return nullptr;
  std::unique_ptr<Signals> signals{new Signals{loop, std::move(fd), std::move(on_signal)}};
  return loop.add(signals->fd_.get(), EPOLLIN, *signals) ? std::move(signals) : nullptr;
}

Signals::Signals(net::Loop& loop, net::Fd fd, std::function<void(int)> on_signal)
    : loop_{loop}, fd_{std::move(fd)}, on_signal_{std::move(on_signal)} {}

Signals::~Signals() {
  loop_.remove(fd_.get());
}

void Signals::on_ready(std::uint32_t) {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace zvonok::app
