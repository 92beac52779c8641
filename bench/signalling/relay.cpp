#include "signalling/relay.h"

#include <algorithm>
#include <cmath>

#include "signalling/clock.h"
#include "signalling/failure.h"

namespace zvonok::bench {
namespace {

// A server-reflexive candidate as browsers send it. The two numbers, of fixed width, tell messages apart.
constexpr std::string_view kBeforeNumbers =
    R"({"event":"call:ice","payload":{"candidate":{"candidate":"candidate:842163049 1 udp 1677729535 203.0.113.7 46154)"
    R"( typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EsAw network-cost 999","sdpMid":"0","sdpMLineIndex":0},)"
    R"("number":")";
constexpr std::size_t kNumberDigits = 10;
constexpr std::string_view kBetweenNumbers = R"(","due":")";
constexpr std::size_t kDueDigits = 15;
constexpr std::string_view kBehindNumbers = R"("}})";
constexpr std::size_t kNumberAt = kBeforeNumbers.size();
constexpr std::size_t kDueAt = kNumberAt + kNumberDigits + kBetweenNumbers.size();
constexpr std::size_t kMessageBytes = kDueAt + kDueDigits + kBehindNumbers.size();

constexpr std::string_view kSdp = R"("sdp":"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")";
constexpr std::int64_t kSetUpNsMax = 60 * kSecondNs;
constexpr std::int64_t kDrainNsMax = 20 * kSecondNs;
constexpr std::int64_t kWaitNsMax = 50 * kMillisecondNs;
// A server that falls behind by so many messages of the schedule won't catch up.
constexpr std::uint64_t kOnTheWayMax = 2'000'000;

std::string user_of(std::size_t client) {
  return "pair-" + std::to_string(client / 2) + (client % 2 == 0 ? "a" : "b");
}
std::size_t peer_of(std::size_t client) {
  return client ^ 1U;
}

void put_digits(char* at, std::size_t count, std::uint64_t value) {
  for (std::size_t i = count; i-- > 0;) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

std::uint64_t read_digits(const char* at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value * 10 + static_cast<std::uint64_t>(at[i] - '0');
  return value;
}

}  // namespace

RelayBench::RelayBench(const Parts& parts, std::size_t pairs)
    : hub_{parts.hub}, server_{parts.server}, cores_{parts.cores}, directions_(pairs * 2) {
  text_ = std::string{kBeforeNumbers} + std::string(kNumberDigits, '0') + std::string{kBetweenNumbers} +
          std::string(kDueDigits, '0') + std::string{kBehindNumbers};
  for (std::size_t i = 0; i < pairs * 2; ++i) {
    clients_.push_back(std::make_unique<WsClient>(hub_, *this, i));
    clients_.back()->open({.port = server_.port(), .token = parts.tokens.make(user_of(i)), .source_address = 0});
  }
  const std::int64_t deadline = now_ns() + kSetUpNsMax;
  while (active_ < pairs) {
    if (now_ns() > deadline) throw Failure{"the calls could not be set up in time"};
    hub_.turn(kWaitNsMax);
    if (mode_ == Mode::Connecting && open_ == clients_.size()) start_calls();
  }
}

std::size_t RelayBench::message_bytes() {
  return kMessageBytes;
}

// ---- setting up -----------------------------------------------------------------------------------------------------

void RelayBench::on_open(WsClient&) {
  ++open_;
}

void RelayBench::on_end(WsClient& client, std::string_view why) {
  throw Failure{"client " + user_of(client.number()) + ": " + std::string{why}};
}

void RelayBench::start_calls() {
  mode_ = Mode::Calling;
  for (std::size_t i = 0; i < clients_.size(); i += 2) {
    clients_[i]->send(R"({"event":"call:offer","payload":{"userId":")" + user_of(peer_of(i)) + R"(",)" +
                      std::string{kSdp} + "}}");
  }
  hub_.flush();
}

void RelayBench::on_call_text(WsClient& client, std::string_view text) {
  if (client.number() % 2 == 1 && text.starts_with(R"({"event":"call:offer")") &&
      text.find("\"fromUserId\":\"" + user_of(peer_of(client.number())) + "\"") != std::string_view::npos) {
    client.send(R"({"event":"call:answer","payload":{)" + std::string{kSdp} + "}}");
    return;
  }
  if (client.number() % 2 == 0 && text == R"({"event":"call:answer","payload":{)" + std::string{kSdp} + "}}") {
    ++active_;
    return;
  }
  throw Failure{"client " + user_of(client.number()) + " got an unexpected message: " + std::string{text}};
}

void RelayBench::on_text(WsClient& client, std::string_view text) {
  if (mode_ == Mode::Calling || mode_ == Mode::Connecting) {
    on_call_text(client, text);
  } else {
    on_candidate(client, text);
  }
}

// ---- candidates -----------------------------------------------------------------------------------------------------

void RelayBench::send_candidate(std::size_t from, std::int64_t due_ns) {
  put_digits(text_.data() + kNumberAt, kNumberDigits, directions_[from].sent++);
  put_digits(text_.data() + kDueAt, kDueDigits, static_cast<std::uint64_t>(due_ns - epoch_ns_));
  clients_[from]->send(text_);
  ++on_the_way_;
}

void RelayBench::on_candidate(WsClient& client, std::string_view text) {
  const std::size_t from = peer_of(client.number());
  Direction& direction = directions_[from];
  const bool same = text.size() == kMessageBytes && text.starts_with(kBeforeNumbers) && text.ends_with(kBehindNumbers);
  if (!same || read_digits(text.data() + kNumberAt, kNumberDigits) != direction.received) {
    throw Failure{"not what was sent, or not in order: " + std::string{text}};
  }
  ++direction.received;
  ++received_;
  --on_the_way_;
  if (mode_ == Mode::FullSpeed) {
    send_candidate(from, epoch_ns_);
  } else if (sampling_) {
    const auto due = static_cast<std::int64_t>(read_digits(text.data() + kDueAt, kDueDigits));
    latencies_.add(now_ns() - epoch_ns_ - due);
  }
}

void RelayBench::drain() {
  mode_ = Mode::Draining;
  const std::int64_t deadline = now_ns() + kDrainNsMax;
  while (on_the_way_ > 0) {
    if (now_ns() > deadline) throw Failure{std::to_string(on_the_way_) + " messages were lost"};
    hub_.turn(kWaitNsMax);
  }
}

// ---- full speed -----------------------------------------------------------------------------------------------------

void RelayBench::run_until(std::int64_t end_ns) {
  for (std::int64_t left = end_ns - now_ns(); left > 0; left = end_ns - now_ns()) {
    hub_.turn(std::min(left, kWaitNsMax));
  }
}

RelayBench::Usage RelayBench::usage() const {
  return {.at_ns = now_ns(),
          .received = received_,
          .server_seconds = server_.cpu_seconds(),
          .own_seconds = own_cpu_seconds(),
          .core_seconds = cores_.busy_seconds()};
}

RelayCost RelayBench::cost_between(const Usage& before, const Usage& after) {
  const double elapsed = static_cast<double>(after.at_ns - before.at_ns) / static_cast<double>(kSecondNs);
  const auto messages = static_cast<double>(after.received - before.received);
  const double server = after.server_seconds - before.server_seconds;
  const double own = after.own_seconds - before.own_seconds;
  const double others = after.core_seconds - before.core_seconds - server - own;
  return {.messages_per_second = messages / elapsed,
          .messages_per_cpu_second = messages / server,
          .server_core_share = server / elapsed,
          .generator_core_share = own / elapsed,
          .others_core_share = std::max(0.0, others / elapsed)};
}

RelayCost RelayBench::full_speed(const FullSpeedOptions& options) {
  mode_ = Mode::FullSpeed;
  epoch_ns_ = now_ns();
  for (std::size_t from = 0; from < clients_.size(); ++from) {
    for (std::size_t i = 0; i < options.burst; ++i) send_candidate(from, epoch_ns_);
  }
  hub_.flush();
  run_until(epoch_ns_ + options.warm_up_ns);
  const Usage before = usage();
  run_until(before.at_ns + options.measured_ns);
  const Usage after = usage();
  drain();
  return cost_between(before, after);
}

// ---- open loop ------------------------------------------------------------------------------------------------------

void RelayBench::run_schedule(std::int64_t end_ns, const OpenLoopOptions& options) {
  std::exponential_distribution<double> gap_seconds{options.messages_per_second / static_cast<double>(options.burst)};
  std::uniform_int_distribution<std::size_t> any_client{0, clients_.size() - 1};
  while (next_due_ns_ < end_ns) {
    const std::int64_t now = now_ns();
    while (next_due_ns_ <= now && next_due_ns_ < end_ns) {
      const std::size_t from = any_client(random_);
      for (std::size_t i = 0; i < options.burst; ++i) send_candidate(from, next_due_ns_);
      if (sampling_) send_delays_.add(now - next_due_ns_);
      next_due_ns_ += std::llround(gap_seconds(random_) * static_cast<double>(kSecondNs));
    }
    if (on_the_way_ > kOnTheWayMax) throw Failure{"the server cannot keep up with the schedule"};
    hub_.flush();
    hub_.turn(std::clamp<std::int64_t>(next_due_ns_ - now_ns(), 0, kWaitNsMax));
  }
}

OpenLoopResult RelayBench::open_loop(const OpenLoopOptions& options) {
  mode_ = Mode::OpenLoop;
  const double measured_seconds = static_cast<double>(options.measured_ns) / static_cast<double>(kSecondNs);
  const auto expected = static_cast<std::size_t>(options.messages_per_second * measured_seconds * 1.2);
  latencies_ = {};
  latencies_.reserve(expected);
  send_delays_ = {};
  send_delays_.reserve(expected / options.burst);
  epoch_ns_ = now_ns();
  next_due_ns_ = epoch_ns_;
  run_schedule(epoch_ns_ + options.warm_up_ns, options);
  sampling_ = true;
  const Usage before = usage();
  run_schedule(epoch_ns_ + options.warm_up_ns + options.measured_ns, options);
  const Usage after = usage();
  drain();  // still sampling: the last messages are the ones that a falling behind server delivers late
  sampling_ = false;
  return {.cost = cost_between(before, after),
          .p50 = latencies_.percentile(0.5),
          .p99 = latencies_.percentile(0.99),
          .p999 = latencies_.percentile(0.999),
          .max = latencies_.percentile(1),
          .send_delay_p99 = send_delays_.percentile(0.99)};
}

}  // namespace zvonok::bench
