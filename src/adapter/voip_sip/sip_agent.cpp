// The two threads of SipAgent: commands go over by a queue, events come back by the loop.
#include "adapter/voip_sip/sip_agent.h"

#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "adapter/voip_sip/agent_core.h"
#include "adapter/voip_sip/trunk_addresses.h"
#include "net/fd.h"
#include "net/sockaddr.h"

namespace zvonok::voip_sip {
namespace {

constexpr auto kResolveEvery = std::chrono::seconds{60};
constexpr auto kResolveAgain = std::chrono::seconds{5};  // while a trunk has no address yet
constexpr int kPortAttempts = 20;

/// What DNS says of each trunk now; may take its time. Empty: nothing.
using Found = std::vector<std::vector<IpAddress>>;

std::vector<IpAddress> look_up(std::string host) {
  std::vector<IpAddress> addresses;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family == AF_INET) {
      const auto& v4 = *reinterpret_cast<const sockaddr_in*>(at->ai_addr);
      addresses.push_back(IpAddress::v4(ntohl(v4.sin_addr.s_addr)));
    } else if (at->ai_family == AF_INET6) {
      addresses.push_back(net::to_ip(reinterpret_cast<const sockaddr_in6*>(at->ai_addr)->sin6_addr));
    }
  }
  ::freeaddrinfo(found);
  return addresses;
}

Found look_up(const std::vector<Trunk>& trunks) {
  Found found;
  for (const Trunk& trunk : trunks) found.push_back(look_up(trunk.host));
  return found;
}

void take(TrunkAddresses& addresses, const Found& found) {
  const TimePoint now{std::chrono::steady_clock::now().time_since_epoch()};
  for (std::size_t i = 0; i < found.size(); ++i) addresses.on_looked_up(now, i, found[i]);
}

bool is_numeric(const std::string& host) {
  return host.starts_with('[') || IpAddress::parse(host).has_value();
}

/// Free for UDP and TCP a moment ago.
std::uint16_t any_free_port(const IpAddress& bind) {
  for (int i = 0; i < kPortAttempts; ++i) {
    sockaddr_in6 address = net::to_sockaddr({.ip = bind, .port = 0});
    const net::Fd udp{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const net::Fd tcp{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    socklen_t size = sizeof address;
    if (::bind(udp.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) continue;
    if (::getsockname(udp.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
    if (::bind(tcp.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) continue;
    return ntohs(address.sin6_port);
  }
  return 0;
}

}  // namespace

struct SipAgent::Inbox {
  using Command = std::function<void(Core&)>;
  /// Owned by the agent and by events on their way to the loop; told no more once the agent is gone.
  struct Outlet {
    OnEvent tell;
  };

  AgentOptions options;
  std::uint16_t port = 0;
  net::Fd wake;
  std::mutex mutex;  // guards `commands`
  std::vector<Command> commands;
  std::shared_ptr<Outlet> outlet;
  std::thread thread;
  std::mutex resolver_mutex;  // guards `stopping`
  std::condition_variable resolver_wake;
  bool stopping = false;
  TrunkAddresses addresses{{}};  // of the thread until it has opened its ports, then of the resolver
  std::thread resolver;
  Core* core = nullptr;  // of the thread

  void post(Command command) {
    {
      const std::lock_guard lock{mutex};
      commands.push_back(std::move(command));
    }
    ::eventfd_write(wake.get(), 1);
  }

  static int on_wake(su_root_magic_t* /*magic*/, su_wait_t* /*wait*/, su_wakeup_arg_t* arg) {
    auto& self = *reinterpret_cast<Inbox*>(arg);
    eventfd_t ignored = 0;
    ::eventfd_read(self.wake.get(), &ignored);
    std::vector<Command> commands;
    {
      const std::lock_guard lock{self.mutex};
      commands.swap(self.commands);
    }
    for (const Command& command : commands) command(*self.core);
    return 0;
  }

  void run(net::Loop& loop, Logger& log, std::promise<Result<void, std::string>>& opened) {
    const auto emit = [&loop, to = outlet](AgentEvent event) {
      loop.post([to, event = std::move(event)] {
        if (to->tell) to->tell(event);
      });
    };
    Core own{options, emit, log};
    core = &own;
    take(addresses, look_up(options.trunks));
    own.allow(addresses.sources());
    auto result = own.open(port);
    su_wait_t wait[1] = {SU_WAIT_INIT};
    if (result && (su_wait_create(wait, wake.get(), SU_WAIT_IN) != 0 ||
                   su_root_register(own.root(), wait, on_wake, reinterpret_cast<su_wakeup_arg_t*>(this), 0) < 0)) {
      result = fail(std::string{"the SIP library takes no commands"});
    }
    const bool good = result.has_value();
    opened.set_value(std::move(result));
    if (good) own.run();
    core = nullptr;
  }

  /// Addresses of trunks change; the library's thread must not wait for DNS.
  void keep_resolving() {
    std::unique_lock lock{resolver_mutex};
    while (!resolver_wake.wait_for(lock, addresses.complete() ? kResolveEvery : kResolveAgain,
                                   [this] { return stopping; })) {
      lock.unlock();
      take(addresses, look_up(options.trunks));
      post([sources = addresses.sources()](Core& to) { to.allow(sources); });
      lock.lock();
    }
  }
};

Result<std::unique_ptr<SipAgent>, std::string> SipAgent::create(AgentOptions options, net::Loop& loop, Logger& log,
                                                                OnEvent tell) {
  std::unique_ptr<SipAgent> agent{new SipAgent};
  agent->inbox_ = std::make_unique<Inbox>();
  Inbox& inbox = *agent->inbox_;
  inbox.options = std::move(options);
  inbox.addresses = TrunkAddresses{inbox.options.trunks};
  inbox.outlet = std::make_shared<Inbox::Outlet>(std::move(tell));
  inbox.wake = net::Fd{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!inbox.wake.valid()) return fail(std::string{"out of descriptors"});
  inbox.port = inbox.options.port != 0 ? inbox.options.port : any_free_port(inbox.options.bind);
  std::promise<Result<void, std::string>> opened;
  inbox.thread = std::thread{[&inbox, &loop, &log, &opened] { inbox.run(loop, log, opened); }};
  auto result = opened.get_future().get();
  if (!result) {
    inbox.thread.join();
    return fail(std::move(result.error()));
  }
  if (!std::ranges::all_of(inbox.options.trunks, [](const Trunk& trunk) { return is_numeric(trunk.host); })) {
    inbox.resolver = std::thread{[&inbox] { inbox.keep_resolving(); }};
  }
  return agent;
}

SipAgent::~SipAgent() {
  if (!inbox_) return;
  inbox_->outlet->tell = nullptr;
  if (inbox_->resolver.joinable()) {
    {
      const std::lock_guard lock{inbox_->resolver_mutex};
      inbox_->stopping = true;
    }
    inbox_->resolver_wake.notify_one();
    inbox_->resolver.join();
  }
  if (!inbox_->thread.joinable()) return;
  inbox_->post([](Core& core) { core.shut_down(); });
  inbox_->thread.join();
}

std::uint16_t SipAgent::port() const {
  return inbox_->port;
}

void SipAgent::invite(Invite invite) {
  inbox_->post([invite = std::move(invite)](Core& core) { core.invite(invite); });
}
void SipAgent::end(DialogId dialog) {
  inbox_->post([dialog](Core& core) { core.end(dialog); });
}
void SipAgent::offer(DialogId dialog, std::string sdp) {
  inbox_->post([dialog, sdp = std::move(sdp)](Core& core) { core.offer(dialog, sdp); });
}
void SipAgent::ring(DialogId dialog) {
  inbox_->post([dialog](Core& core) { core.ring(dialog); });
}
void SipAgent::answer(DialogId dialog, std::string sdp) {
  inbox_->post([dialog, sdp = std::move(sdp)](Core& core) { core.answer(dialog, sdp); });
}
void SipAgent::refuse(DialogId dialog, int status) {
  inbox_->post([dialog, status](Core& core) { core.refuse(dialog, status); });
}

}  // namespace zvonok::voip_sip
