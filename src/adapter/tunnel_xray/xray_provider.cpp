#include "adapter/tunnel_xray/xray_provider.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "net/clock.h"

namespace zvonok::tunnel_xray {
namespace {

/// A server that is asked while we end answers within this, or is not asked any more.
std::chrono::steady_clock::time_point real(TimePoint when, TimePoint now) {
  constexpr Duration kLongest = seconds{10};
  return std::chrono::steady_clock::now() + std::clamp(when - now, Duration::zero(), kLongest);
}

std::array<call::TunnelTraffic, 2> traffic_of(const TrafficMeter::Sides& sides) {
  const auto side = [](const SideBytes& bytes) {
    return call::TunnelTraffic{.bytes_sent = bytes.sent,
                               .packets_sent = std::nullopt,
                               .bytes_received = bytes.received,
                               .packets_received = std::nullopt};
  };
  return {side(sides[0]), side(sides[1])};
}

}  // namespace

Result<std::unique_ptr<XrayProvider>, std::string> XrayProvider::create(Options options, Parts parts) {
  auto channel = GrpcChannel::create(options.channel);
  if (!channel) return fail("XRAY_API=" + options.channel.address + ": " + channel.error());
  return std::unique_ptr<XrayProvider>{new XrayProvider{std::move(options), std::move(parts), std::move(*channel)}};
}

XrayProvider::XrayProvider(Options options, Parts parts, std::unique_ptr<GrpcChannel> channel)
    : options_{std::move(options)},
      parts_{std::move(parts)},
      api_{std::move(channel), options_.api},
      keeper_{options_.keeper, api_, parts_.entropy, parts_.log},
      thread_{[this] { work(); }} {}

XrayProvider::~XrayProvider() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void XrayProvider::submit(Task task) {
  {
    const std::lock_guard lock{mutex_};
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void XrayProvider::open(const CallId& call, Opened done) {
  port::TunnelAccesses accesses;
  UserKeeper::Ids ids;
  for (std::size_t i = 0; i < accesses.size(); ++i) {
    ids[i] = Private<std::string>{make_uuid(parts_.entropy)};
    accesses[i] = {.user = ids[i], .peer_endpoint = options_.media_endpoint, .sfu_endpoint = {}};
  }
  // Answered on the control thread, whatever happens to this object meanwhile.
  auto answer = [post = parts_.post, done = std::move(done),
                 accesses = std::move(accesses)](Result<void, std::string> opened) mutable {
    post([done = std::move(done), accesses = std::move(accesses), opened = std::move(opened)]() mutable {
      if (opened) {
        done(std::move(accesses));
      } else {
        done(fail(std::move(opened.error())));
      }
    });
  };
  submit([call, ids = std::move(ids), answer = std::move(answer)](UserKeeper& keeper, TimePoint now) mutable {
    keeper.open(call, std::move(ids), std::move(answer), now);
  });
}

void XrayProvider::close(const CallId& call, Used used) {
  auto answer = [post = parts_.post, used = std::move(used)](std::optional<TrafficMeter::Sides> sides) mutable {
    post([used = std::move(used), sides]() mutable { used(sides ? std::optional{traffic_of(*sides)} : std::nullopt); });
  };
  submit([call, answer = std::move(answer)](UserKeeper& keeper, TimePoint now) mutable {
    keeper.close(call, std::move(answer), now);
  });
}

KeeperCounters XrayProvider::counters() const {
  const std::lock_guard lock{mutex_};
  return counters_;
}

void XrayProvider::work() {
  for (bool ending = false; !ending;) {
    TimePoint now = net::read_clocks().mono;
    keeper_.step(now);
    std::vector<Task> tasks;
    {
      std::unique_lock lock{mutex_};
      counters_ = keeper_.counters();
      now = net::read_clocks().mono;
      wake_.wait_until(lock, real(keeper_.next(now), now), [this] { return ending_ || !tasks_.empty(); });
      tasks.swap(tasks_);
      ending = ending_;
    }
    now = net::read_clocks().mono;
    for (Task& task : tasks) task(keeper_, now);
  }
  keeper_.finish();
}

}  // namespace zvonok::tunnel_xray
