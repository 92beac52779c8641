// Pairs of users in calls that send one another ICE candidates through the server. Every relayed message is compared
// with what was sent: its text, its order, and that none is missing.
#pragma once
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "signalling/hub.h"
#include "signalling/samples.h"
#include "signalling/server_process.h"
#include "signalling/tokens.h"
#include "signalling/ws_client.h"

namespace zvonok::bench {

struct FullSpeedOptions {
  std::size_t burst = 8;  // messages on the way in each direction of a pair
  std::int64_t warm_up_ns = 0;
  std::int64_t measured_ns = 0;
};

/// What was relayed in the measured time, and what it took.
struct RelayCost {
  double messages_per_second = 0;
  double messages_per_cpu_second = 0;
  double server_core_share = 0;     // of the measured time, 1: a whole core
  double generator_core_share = 0;  // near 1 the generator was the slower one
  double others_core_share = 0;     // what other programs took of the two cores, 2: both
};

struct OpenLoopOptions {
  double messages_per_second = 0;
  std::size_t burst = 8;  // messages that are due together, in one direction
  std::int64_t warm_up_ns = 0;
  std::int64_t measured_ns = 0;
};

struct OpenLoopResult {
  RelayCost cost;
  // From the moment a message was due by the schedule to its arrival, so that a stalled server or generator is not
  // forgiven the messages that it kept from being sent. Nanoseconds.
  std::int64_t p50 = 0;
  std::int64_t p99 = 0;
  std::int64_t p999 = 0;
  std::int64_t max = 0;
  std::int64_t send_delay_p99 = 0;  // the generator's own part: due to queued
};

class RelayBench final : public WsClientHandler {
 public:
  /// Connects the pairs and puts them into calls.
  struct Parts {
    Hub& hub;
    const ServerProcess& server;
    const Tokens& tokens;
    const CoreTimes& cores;
  };
  RelayBench(const Parts& parts, std::size_t pairs);

  /// Each direction keeps its share of messages on the way and sends the next when one has arrived.
  [[nodiscard]] RelayCost full_speed(const FullSpeedOptions& options);
  /// Bursts at random moments (Poisson, seeded) that do not depend on what has arrived, from random clients.
  [[nodiscard]] OpenLoopResult open_loop(const OpenLoopOptions& options);
  /// Bytes of one candidate message.
  [[nodiscard]] static std::size_t message_bytes();

 private:
  struct Usage {
    std::int64_t at_ns = 0;
    std::uint64_t received = 0;
    double server_seconds = 0;
    double own_seconds = 0;
    double core_seconds = 0;  // of all programs on the two cores
  };
  enum class Mode { Connecting, Calling, FullSpeed, OpenLoop, Draining };
  /// From client i to its peer; clients 2n and 2n+1 are a pair.
  struct Direction {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
  };

  void on_open(WsClient& client) override;
  void on_text(WsClient& client, std::string_view text) override;
  void on_end(WsClient& client, std::string_view why) override;
  void on_call_text(WsClient& client, std::string_view text);
  void on_candidate(WsClient& client, std::string_view text);

  [[nodiscard]] Usage usage() const;
  [[nodiscard]] static RelayCost cost_between(const Usage& before, const Usage& after);
  void start_calls();
  void send_candidate(std::size_t from, std::int64_t due_ns);
  void run_until(std::int64_t end_ns);
  void run_schedule(std::int64_t end_ns, const OpenLoopOptions& options);
  void drain();

  Hub& hub_;
  const ServerProcess& server_;
  const CoreTimes& cores_;
  std::vector<std::unique_ptr<WsClient>> clients_;
  std::vector<Direction> directions_;  // by the sending client
  Mode mode_ = Mode::Connecting;
  std::size_t open_ = 0;
  std::size_t active_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t on_the_way_ = 0;
  std::int64_t epoch_ns_ = 0;  // due times are told from here
  std::int64_t next_due_ns_ = 0;
  std::string text_;  // one candidate message, patched for each
  bool sampling_ = false;
  Samples latencies_;
  Samples send_delays_;
  std::mt19937_64 random_{20240229};
};

}  // namespace zvonok::bench
