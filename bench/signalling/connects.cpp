#include "signalling/connects.h"

#include <algorithm>
#include <limits>

#include "signalling/clock.h"
#include "signalling/failure.h"

namespace zvonok::bench {
namespace {

constexpr std::int64_t kWaitNsMax = 50 * kMillisecondNs;
constexpr std::int64_t kPassNsMax = 60 * kSecondNs;
constexpr std::uint32_t kSourceAddresses = 50;
constexpr std::uint32_t kFirstSourceAddress = 0x7F000101;  // 127.0.1.1

std::string user_of(std::size_t index) {
  return "visitor-" + std::to_string(index);
}

}  // namespace

std::uint32_t source_address(std::uint64_t connection) {
  return kFirstSourceAddress + static_cast<std::uint32_t>(connection % kSourceAddresses);
}

bool is_greeting(std::string_view text, std::string_view user) {
  return text.starts_with(R"({"event":"server:hello","payload":{"userId":")" + std::string{user} + "\"");
}

ConnectBench::ConnectBench(Hub& hub, const ServerProcess& server, const Tokens& tokens, const ConnectOptions& options)
    : hub_{hub}, server_{server}, options_{options}, users_(options.at_once) {
  for (std::size_t i = 0; i < options_.users; ++i) tokens_.push_back(tokens.make(user_of(i)));
  for (std::size_t i = 0; i < options_.at_once; ++i) {
    clients_.push_back(std::make_unique<WsClient>(hub_, *this, i));
    idle_.push_back(clients_.back().get());
  }
}

void ConnectBench::on_open(WsClient& client) {
  client.send(R"({"event":"client:hello","payload":{}})");
}

void ConnectBench::on_text(WsClient& client, std::string_view text) {
  if (!is_greeting(text, user_of(users_[client.number()]))) throw Failure{"not a greeting: " + std::string{text}};
  ++greeted_;
  client.reset();
  idle_.push_back(&client);
}

void ConnectBench::on_end(WsClient&, std::string_view why) {
  throw Failure{"a connection failed: " + std::string{why}};
}

void ConnectBench::open_next(WsClient& client) {
  const std::uint64_t number = opened_++;
  const std::size_t user = number % tokens_.size();
  users_[client.number()] = user;
  client.open({.port = server_.port(), .token = tokens_[user], .source_address = source_address(number)});
}

/// Until so many were greeted or the time is over; then the ones under way are waited for.
void ConnectBench::pass(std::uint64_t greeted_max, std::int64_t end_ns) {
  const std::uint64_t opened_max = opened_ + greeted_max;
  for (;;) {
    const std::int64_t now = now_ns();
    while (!idle_.empty() && opened_ < opened_max && now < end_ns) {
      WsClient* client = idle_.back();
      idle_.pop_back();
      open_next(*client);
    }
    if (idle_.size() == clients_.size()) return;
    if (now > end_ns + kPassNsMax) throw Failure{"connections hang"};
    hub_.turn(kWaitNsMax);
  }
}

ConnectResult ConnectBench::run() {
  const std::int64_t first_began = now_ns();
  pass(options_.users, first_began + kPassNsMax);
  const double first_elapsed = static_cast<double>(now_ns() - first_began) / static_cast<double>(kSecondNs);
  const std::int64_t began = now_ns();
  const std::uint64_t greeted_before = greeted_;
  const double server_before = server_.cpu_seconds();
  const double own_before = own_cpu_seconds();
  pass(std::numeric_limits<std::uint32_t>::max(), began + options_.measured_ns);
  const double elapsed = static_cast<double>(now_ns() - began) / static_cast<double>(kSecondNs);
  const auto greeted = static_cast<double>(greeted_ - greeted_before);
  const double server_cpu = server_.cpu_seconds() - server_before;
  return {.first_per_second = static_cast<double>(options_.users) / first_elapsed,
          .per_second = greeted / elapsed,
          .per_cpu_second = greeted / server_cpu,
          .server_core_share = server_cpu / elapsed,
          .generator_core_share = (own_cpu_seconds() - own_before) / elapsed};
}

}  // namespace zvonok::bench
