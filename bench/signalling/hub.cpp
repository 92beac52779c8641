#include "signalling/hub.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <sys/epoll.h>
#include <unistd.h>

#include "signalling/clock.h"
#include "signalling/failure.h"
#include "signalling/ws_client.h"

namespace zvonok::bench {
namespace {
constexpr int kEventsPerTurn = 512;
}

Hub::Hub() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (epoll_ < 0) throw Failure{"cannot create an event loop"};
}

Hub::~Hub() {
  ::close(epoll_);
}

void Hub::turn(std::int64_t wait_ns) {
  std::array<epoll_event, kEventsPerTurn> events;
  const timespec wait{wait_ns / kSecondNs, wait_ns % kSecondNs};
  const int count = ::epoll_pwait2(epoll_, events.data(), kEventsPerTurn, &wait, nullptr);
  if (count < 0 && errno != EINTR) throw Failure{"epoll_pwait2 failed (it needs Linux 5.11)"};
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<WsClient*>(event.data.ptr)->on_ready(event.events);
  }
  flush();
}

void Hub::flush() {
  flushing_.swap(dirty_);
  for (WsClient* client : flushing_) {
    if (client != nullptr) client->flush();
  }
  flushing_.clear();
}

void Hub::watch(int fd, std::uint32_t events, WsClient& client) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &client;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw Failure{"cannot watch a socket"};
}

void Hub::change(int fd, std::uint32_t events, WsClient& client) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &client;
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0) throw Failure{"cannot watch a socket"};
}

void Hub::forget(WsClient& client) {
  std::ranges::replace(dirty_, &client, nullptr);
  std::ranges::replace(flushing_, &client, nullptr);
}

}  // namespace zvonok::bench
