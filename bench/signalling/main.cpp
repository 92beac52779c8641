// The signalling benchmark: runs the server and a Node.js server of equal behaviour in turns, each on a core of its
// own, drives them with the same load from another core, and prints one table. docs/benchmarks.md explains the numbers.
#include <csignal>
#include <filesystem>
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "signalling/clock.h"
#include "signalling/connects.h"
#include "signalling/failure.h"
#include "signalling/idle.h"
#include "signalling/relay.h"
#include "signalling/report.h"
#include "signalling/server_process.h"

namespace zvonok::bench {
namespace {

constexpr std::size_t kDescriptorsForOthers = 256;
// From this on the generator is called saturated.
constexpr double kSaturatedCoreShare = 0.95;

struct Options {
  std::string zvonok;
  std::string node = "node";
  std::string node_server;
  std::vector<std::string> prefix;
  std::vector<std::string> measures{"relay", "defaults", "idle", "connects"};
  std::vector<std::string> servers{"zvonok", "node"};
  std::size_t rounds = 3;
  double seconds = 5;
  double rate = 10'000;
  std::size_t pairs = 200;
  std::size_t burst = 8;
  std::size_t idle_connections = 10'000;
  int server_core = 0;
  int generator_core = 1;
  int niceness = 0;
};

enum class Limits { Raised, Default };

std::string_view name_of(Server server) {
  return server == Server::Zvonok ? "zvonok" : "node ws";
}

class Run {
 public:
  explicit Run(Options options)
      : options_{std::move(options)},
        cores_{options_.server_core, options_.generator_core},
        measured_ns_{to_ns(options_.seconds)} {}

  void all() {
    pin_to_core(options_.generator_core);
    set_niceness(options_.niceness);
    raise_descriptor_limit(options_.idle_connections + kDescriptorsForOthers);
    const auto wanted = [this](std::string_view name) {
      return std::ranges::find(options_.measures, name) != options_.measures.end();
    };
    try {
      if (wanted("relay")) in_turns("relay", [this](Server server) { relay(server); });
      if (wanted("defaults")) in_turns("relay, default limits", [this](Server server) { relay_with_defaults(server); });
      if (wanted("latency")) in_turns("latency", [this](Server server) { latency(server); });
      if (wanted("idle")) in_turns("idle connections", [this](Server server) { idle(server); });
      if (wanted("connects")) in_turns("connects", [this](Server server) { connects(server); });
    } catch (const Failure&) {
      print();  // what there is so far
      throw;
    }
    print();
  }

 private:
  static std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

  /// A B A B, so that whatever else the machine does falls on both alike.
  void in_turns(std::string_view name, const std::function<void(Server)>& measure) {
    for (std::size_t round = 0; round < options_.rounds; ++round) {
      for (const Server server : {Server::Zvonok, Server::Node}) {
        const std::string_view short_name = server == Server::Zvonok ? "zvonok" : "node";
        if (std::ranges::find(options_.servers, short_name) == options_.servers.end()) continue;
        std::cerr << "round " << round + 1 << "/" << options_.rounds << "  " << name << "  " << name_of(server) << "\n";
        measure(server);
      }
    }
  }

  [[nodiscard]] ServerCommand command(Server server, Limits limits) const {
    ServerCommand command;
    command.core = options_.server_core;
    command.niceness = options_.niceness;
    command.arguments = options_.prefix;
    const auto add = [&command](std::string name, std::string value) {
      command.environment.emplace_back(std::move(name), std::move(value));
    };
    add("JWT_SECRET", std::string{kSecret});
    if (server == Server::Node) {
      for (const std::string& argument : {options_.node, std::string{"--expose-gc"}, options_.node_server}) {
        command.arguments.push_back(argument);
      }
      add("NODE_ENV", "production");
      command.garbage_signal = SIGUSR2;
      return command;
    }
    command.arguments.push_back(options_.zvonok);
    command.arguments.emplace_back("serve");
    add("AUTH_PROVISION", "jit");
    if (limits == Limits::Default) return command;
    add("CONNECTIONS_PER_IP_MAX", "50000");
    add("WS_MESSAGES_BURST", "1000000");
    add("WS_MESSAGES_PER_SECOND", "1000000");
    return command;
  }

  /// Peak and latency with messages in bursts, as browsers send the candidates of one interface, and one at a time.
  void relay(Server which) {
    const ServerProcess server{command(which, Limits::Raised)};
    Hub hub;
    RelayBench bench{{hub, server, tokens_, cores_}, options_.pairs};
    for (const std::size_t burst : {options_.burst, std::size_t{1}}) {
      const std::string shape = burst == 1 ? "single messages" : bursts();
      const RelayCost peak = bench.full_speed(full_speed_options(burst));
      report_full_speed(which, {"Relay at full speed, " + shape, burst == 1 ? "" : ">= 5x"}, peak);
      report_latency(which, "Relay at half of that speed, " + shape,
                     bench.open_loop({.messages_per_second = peak.messages_per_second / 2,
                                      .burst = burst,
                                      .warm_up_ns = measured_ns_ / 5,
                                      .measured_ns = measured_ns_}));
    }
  }

  /// At a rate that is given, for looking closer; not part of the usual run.
  void latency(Server which) {
    const ServerProcess server{command(which, Limits::Raised)};
    Hub hub;
    RelayBench bench{{hub, server, tokens_, cores_}, options_.pairs};
    report_latency(which, "Relay at a given rate, " + bursts(),
                   bench.open_loop({.messages_per_second = options_.rate,
                                    .burst = options_.burst,
                                    .warm_up_ns = measured_ns_ / 5,
                                    .measured_ns = measured_ns_}));
  }

  void relay_with_defaults(Server which) {
    const ServerProcess server{command(which, Limits::Default)};
    Hub hub;
    RelayBench bench{{hub, server, tokens_, cores_}, options_.pairs};
    report_full_speed(which, {"Relay at full speed, " + bursts() + ", default limits", ""},
                      bench.full_speed(full_speed_options(options_.burst)));
  }

  [[nodiscard]] std::string bursts() const { return "bursts of " + std::to_string(options_.burst); }
  [[nodiscard]] FullSpeedOptions full_speed_options(std::size_t burst) const {
    return {.burst = burst, .warm_up_ns = measured_ns_ / 5, .measured_ns = measured_ns_};
  }

  struct Section {
    std::string title;
    std::string goal;
  };
  void report_full_speed(Server which, const Section& section, const RelayCost& cost) {
    report_.add({section.title, "messages per CPU-second", Better::More, 0, section.goal}, which,
                cost.messages_per_cpu_second);
    report_.add({section.title, "messages per second", Better::More}, which, cost.messages_per_second);
    report_cores(which, section.title, cost);
  }

  void report_latency(Server which, const std::string& section, const OpenLoopResult& result) {
    const auto add = [&](const std::string& title, std::int64_t ns, const std::string& goal, Better better) {
      report_.add({section, title, better, 3, goal}, which,
                  static_cast<double>(ns) / static_cast<double>(kMillisecondNs));
    };
    report_.add({section, "messages per second", Better::Neither}, which, result.cost.messages_per_second);
    add("latency p50, ms", result.p50, "", Better::Less);
    add("latency p99, ms", result.p99, "zvonok < 2", Better::Less);
    add("latency p99.9, ms", result.p999, "", Better::Less);
    add("latency max, ms", result.max, "", Better::Less);
    add("of which generator late, p99, ms", result.send_delay_p99, "", Better::Neither);
    report_.add({section, "messages per CPU-second", Better::More}, which, result.cost.messages_per_cpu_second);
    report_cores(which, section, result.cost);
  }

  void report_cores(Server which, const std::string& section, const RelayCost& cost) {
    report_.add({section, "server's core, %", Better::Neither}, which, cost.server_core_share * 100);
    report_.add({section, "generator's core, %", Better::Neither}, which, cost.generator_core_share * 100);
    report_.add({section, "other programs on both cores, %", Better::Neither}, which, cost.others_core_share * 100);
    if (cost.generator_core_share >= kSaturatedCoreShare) generator_was_saturated_ = true;
  }

  void idle(Server which) {
    const ServerProcess server{command(which, Limits::Raised)};
    Hub hub;
    IdleBench bench{hub, server, tokens_, {.connections = options_.idle_connections, .settle_ns = 2 * kSecondNs}};
    const IdleResult result = bench.run();
    const std::string section = "Idle connections, " + std::to_string(options_.idle_connections);
    report_.add({section, "resident KiB per connection", Better::Less, 2, "zvonok <= 15"}, which,
                result.bytes_per_connection / 1024);
    report_.add({section, "resident MiB before them", Better::Neither, 1}, which, result.resident_before / 1024 / 1024);
    report_.add({section, "resident MiB with them", Better::Neither, 1}, which, result.resident_after / 1024 / 1024);
  }

  void connects(Server which) {
    const ServerProcess server{command(which, Limits::Raised)};
    Hub hub;
    ConnectBench bench{hub, server, tokens_, {.measured_ns = measured_ns_}};
    const ConnectResult result = bench.run();
    const std::string section = "Connects with JWT";
    report_.add({section, "per second", Better::More}, which, result.per_second);
    report_.add({section, "per CPU-second", Better::More}, which, result.per_cpu_second);
    report_.add({section, "server's core, %", Better::Neither}, which, result.server_core_share * 100);
    report_.add({section, "generator's core, %", Better::Neither}, which, result.generator_core_share * 100);
    report_.add({section, "per second, users never seen before", Better::Neither}, which, result.first_per_second);
    if (result.generator_core_share >= kSaturatedCoreShare) generator_was_saturated_ = true;
  }

  void print() const {
    std::cout << "\nSignalling: " << options_.pairs << " pairs in calls relay ICE candidates of "
              << RelayBench::message_bytes() << " bytes; at full speed " << options_.burst
              << " (bursts) or 1 (single\nmessages) on the way in each "
              << "direction of a pair. " << options_.rounds << " rounds of " << options_.seconds
              << " s, the servers in turns; servers on core " << options_.server_core << ",\nload generator on core "
              << options_.generator_core << ". Settings of zvonok: AUTH_PROVISION=jit and, but for \"default limits\", "
              << "CONNECTIONS_PER_IP_MAX=50000,\nWS_MESSAGES_BURST=1000000, WS_MESSAGES_PER_SECOND=1000000.\n\n";
    report_.print(std::cout);
    if (generator_was_saturated_) {
      std::cout << "\nThe generator's core was full in some rounds: there the server could have done more per second.\n"
                   "What it did per CPU-second of its own holds all the same.\n";
    }
  }

  Options options_;
  CoreTimes cores_;
  std::int64_t measured_ns_;
  Tokens tokens_;
  Report report_;
  bool generator_was_saturated_ = false;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Compares the server's signalling with a Node.js server"};
  app.add_option("--zvonok", options.zvonok, "the server's binary")->required();
  app.add_option("--node-server", options.node_server, "bench/node_ws/server.mjs, its packages installed")->required();
  app.add_option("--node", options.node, "the Node.js binary");
  app.add_option("--prefix", options.prefix, "what to run servers under, such as a profiler")->delimiter(' ');
  app.add_option("--measures", options.measures, "of relay, defaults, idle, connects; latency is at --rate")
      ->delimiter(',')
      ->check(CLI::IsMember({"relay", "defaults", "latency", "idle", "connects"}));
  app.add_option("--servers", options.servers, "of zvonok, node")
      ->delimiter(',')
      ->check(CLI::IsMember({"zvonok", "node"}));
  app.add_option("--rounds", options.rounds, "rounds of each measure")->check(CLI::Range(1, 100));
  app.add_option("--seconds", options.seconds, "measured time of each")->check(CLI::Range(0.5, 600.0));
  app.add_option("--rate", options.rate, "messages per second of the measure latency")->check(CLI::Range(1.0, 1e7));
  app.add_option("--pairs", options.pairs, "pairs of users in calls")->check(CLI::Range(1, 5000));
  app.add_option("--burst", options.burst, "messages on the way in each direction of a pair")
      ->check(CLI::Range(1, 500));
  app.add_option("--idle-connections", options.idle_connections, "idle connections")->check(CLI::Range(1, 100'000));
  app.add_option("--server-core", options.server_core, "core of the servers");
  app.add_option("--generator-core", options.generator_core, "core of the load generator");
  app.add_option("--nice", options.niceness, "priority of servers and generator alike; below 0 needs root");
  CLI11_PARSE(app, argc, argv);
  // Servers run in folders of their own.
  options.zvonok = std::filesystem::absolute(options.zvonok).string();
  options.node_server = std::filesystem::absolute(options.node_server).string();
  try {
    Run{std::move(options)}.all();
  } catch (const Failure& failure) {
    std::cerr << "the benchmark failed: " << failure.what() << "\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace zvonok::bench

int main(int argc, char** argv) {
  return zvonok::bench::run(argc, argv);
}
