#include "signalling/idle.h"

#include <algorithm>

#include "signalling/clock.h"
#include "signalling/connects.h"
#include "signalling/failure.h"

namespace zvonok::bench {
namespace {

constexpr std::int64_t kWaitNsMax = 50 * kMillisecondNs;
constexpr std::int64_t kConnectNsMax = 120 * kSecondNs;
constexpr std::size_t kWarmUpConnections = 64;

std::string user_of(std::size_t index) {
  return "idler-" + std::to_string(index);
}

}  // namespace

IdleBench::IdleBench(Hub& hub, const ServerProcess& server, const Tokens& tokens, const IdleOptions& options)
    : hub_{hub}, server_{server}, tokens_{tokens}, options_{options} {}

void IdleBench::on_open(WsClient& client) {
  client.send(R"({"event":"client:hello","payload":{}})");
}

void IdleBench::on_text(WsClient& client, std::string_view text) {
  if (!is_greeting(text, user_of(client.number()))) throw Failure{"not a greeting: " + std::string{text}};
  ++greeted_;
}

void IdleBench::on_end(WsClient& client, std::string_view why) {
  throw Failure{"the connection of " + user_of(client.number()) + " has ended: " + std::string{why}};
}

void IdleBench::connect(std::size_t count) {
  greeted_ = 0;
  const std::int64_t deadline = now_ns() + kConnectNsMax;
  while (greeted_ < count) {
    if (now_ns() > deadline) throw Failure{"only " + std::to_string(greeted_) + " connections were greeted in time"};
    while (clients_.size() < count && clients_.size() < greeted_ + options_.at_once) {
      const std::size_t number = clients_.size();
      clients_.push_back(std::make_unique<WsClient>(hub_, *this, number));
      clients_.back()->open(
          {.port = server_.port(), .token = tokens_.make(user_of(number)), .source_address = source_address(number)});
    }
    hub_.turn(kWaitNsMax);
  }
}

/// Pings are answered meanwhile; a connection that ends fails the run.
void IdleBench::settle() {
  const std::int64_t end = now_ns() + options_.settle_ns;
  for (std::int64_t left = options_.settle_ns; left > 0; left = end - now_ns()) hub_.turn(std::min(left, kWaitNsMax));
}

IdleResult IdleBench::run() {
  connect(std::min(kWarmUpConnections, options_.connections));
  clients_.clear();
  settle();
  server_.collect_garbage();
  settle();
  const auto before = static_cast<double>(server_.resident_bytes());
  connect(options_.connections);
  settle();
  server_.collect_garbage();
  settle();
  const auto after = static_cast<double>(server_.resident_bytes());
  return {.bytes_per_connection = (after - before) / static_cast<double>(options_.connections),
          .resident_before = before,
          .resident_after = after};
}

}  // namespace zvonok::bench
