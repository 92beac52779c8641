// What a machine needs for a packet: sealing and sending alone. README.md says what each line means.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include "measure.h"
#include "proto/srtp/gcm.h"
#include "receive.h"
#include "sockets.h"
#ifdef ZVONOK_BENCH_URING
#include "uring.h"
#endif

namespace {

using namespace zvonok::floor;
using zvonok::Bytes;
using zvonok::MutableBytes;
using zvonok::srtp::Gcm;
using zvonok::srtp::kGcmIvBytes;
using zvonok::srtp::kGcmTagBytes;

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kTrainMax = 32;

class Sealer {
 public:
  explicit Sealer(std::unique_ptr<Gcm> gcm) : gcm_{std::move(gcm)} {}

  /// `packet` is header, text and tag; the text is that of the packet that is forwarded, one for all receivers.
  void seal(MutableBytes packet, Bytes from) {
    std::memcpy(iv_.data(), &++number_, sizeof number_);
    const std::size_t text = packet.size() - kHeaderBytes - kGcmTagBytes;
    const bool sealed = gcm_->seal(iv_, packet.first(kHeaderBytes), {}, packet.data() + kHeaderBytes, {},
                                   from.first(text), packet.last(kGcmTagBytes));
    if (!sealed) std::abort();
  }

 private:
  std::unique_ptr<Gcm> gcm_;
  std::array<std::uint8_t, kGcmIvBytes> iv_{};
  std::uint64_t number_ = 0;
};

std::vector<std::uint8_t> key_of(std::size_t receiver) {
  std::vector<std::uint8_t> key(16, 0x5A);
  std::memcpy(key.data(), &receiver, sizeof receiver);
  return key;
}

/// Sealing needs some time between two looks at the clock.
void add_sealing(Table& table, const Options& options, const char* name, std::unique_ptr<Gcm> gcm, std::size_t bytes) {
  // A std::function has to be copyable: the copies, and nobody else, own the sealer.
  auto sealer = std::make_shared<Sealer>(std::move(gcm));
  table.add(name, bytes, Compare::Nothing, [sealer, &options, bytes] {
    const std::vector<std::uint8_t> text(bytes, 7);
    std::vector<std::uint8_t> packet(bytes);
    return sample_tight(options, [&] {
      for (int i = 0; i < 256; ++i) sealer->seal(packet, text);
      return std::size_t{256};
    });
  });
}

/// A key for each receiver, as calls have.
Turn seal_and_send(const std::shared_ptr<Outlet>& outlet, std::size_t bytes) {
  auto sealers = std::make_shared<std::vector<Sealer>>();
  for (std::size_t i = 0; i < outlet->packets() / outlet->train(); ++i)
    sealers->emplace_back(zvonok::srtp::make_gcm(key_of(i), zvonok::srtp::Direction::Seal));
  return [outlet, sealers, text = std::vector<std::uint8_t>(bytes, 7)] {
    for (std::size_t i = 0; i < outlet->packets(); ++i) (*sealers)[i / outlet->train()].seal(outlet->packet(i), text);
    return outlet->send();
  };
}

/// What is measured in a row of turns, and then at each rate that was asked for.
struct Rate {
  int per_second = 0;  // 0: without a pause
  const Receivers& receivers;
};

void add_turn(Table& table, const Options& options, const Rate& rate, std::string name, std::size_t bytes,
              Compare compare, Turn turn) {
  if (rate.per_second == 0) {
    table.add(std::move(name), bytes, compare,
              [turn = std::move(turn), &options] { return sample_tight(options, turn); });
    return;
  }
  table.add(name + " @" + std::to_string(rate.per_second), bytes, compare,
            [turn = std::move(turn), &options, per_second = rate.per_second] {
              return sample_paced(options, per_second, turn);
            });
}

void add_floors(Table& table, const Options& options, const Rate& rate, std::size_t bytes) {
  struct Way {
    const char* alone;
    const char* sealed;
    std::size_t train;
  };
  for (const Way& way : {Way{"sendmmsg", "floor, apart", 1}, Way{"trains", "floor, trains", options.train}}) {
    const To to{.addresses = rate.receivers.addresses(), .train = way.train, .bytes = bytes};
    const std::shared_ptr<Outlet> outlet = make_sendmmsg(to);
    add_turn(table, options, rate, way.alone, bytes, Compare::Nothing, [outlet] { return outlet->send(); });
    add_turn(table, options, rate, way.sealed, bytes, Compare::WithOurs, seal_and_send(outlet, bytes));
  }
}

void add_candidates(Table& table, const Options& options, const Rate& rate, std::size_t bytes) {
  struct Way {
    const char* name;
    std::unique_ptr<Outlet> (*make)(const To& to);
  };
  std::vector<Way> ways{{"connected sockets", make_connected}, {"MSG_ZEROCOPY", make_zerocopy}};
#ifdef ZVONOK_BENCH_URING
  ways.push_back({"io_uring sendmsg", [](const To& to) { return make_uring(to, UringSend::Messages); }});
  ways.push_back({"io_uring connected", [](const To& to) { return make_uring(to, UringSend::Connected); }});
  ways.push_back({"io_uring send_zc", [](const To& to) { return make_uring(to, UringSend::RegisteredZero); }});
#endif
  for (const Way& way : ways) {
    for (const std::size_t train : {std::size_t{1}, options.train}) {
      const std::shared_ptr<Outlet> outlet =
          way.make({.addresses = rate.receivers.addresses(), .train = train, .bytes = bytes});
      if (!outlet) continue;
      add_turn(table, options, rate, std::string{way.name} + (train > 1 ? ", trains" : ""), bytes, Compare::Nothing,
               [outlet] { return outlet->send(); });
    }
  }
}

void add_receiving(Table& table, const Options& options, std::size_t bytes) {
  const auto add = [&](const char* name, const Receiving& receiving) {
    table.add(name, bytes, Compare::Nothing, receiving_round(options, receiving, bytes));
  };
  const std::size_t trains = 256 / options.train * options.train;
  add("recvmmsg", {});
  if (!options.candidates) return;
  add("recvmmsg of 16", {.batch = 16});
  add("recvmmsg, 4 waiting", {.sockets = 64, .waiting = 4});
  add("recvmmsg of 16, 4 waiting", {.batch = 16, .sockets = 64, .waiting = 4});
  add("UDP_GRO", {.gro = Gro::On});
  add("recvmmsg, of trains", {.train = options.train, .waiting = trains});
  add("UDP_GRO, of trains", {.gro = Gro::On, .train = options.train, .waiting = trains});
}

void tell(const Receivers& receivers) {
  std::printf("drained %llu datagrams meanwhile, %llu had no place\n",
              static_cast<unsigned long long>(receivers.received()),
              static_cast<unsigned long long>(receivers.dropped()));
}

void run_tight(const Options& options) {
  const Receivers receivers{options.destinations, options.drain_core, Drain::Busy};
  const Rate rate{.per_second = 0, .receivers = receivers};
  Table table{options};
  for (const std::size_t bytes : options.bytes) {
    const auto key = key_of(0);
    constexpr auto kSeal = zvonok::srtp::Direction::Seal;
    add_sealing(table, options, "seal, EVP", zvonok::srtp::make_openssl_gcm(key, kSeal), bytes);
    add_sealing(table, options, "seal, make_gcm", zvonok::srtp::make_gcm(key, kSeal), bytes);
    add_receiving(table, options, bytes);
    add_floors(table, options, rate, bytes);
    if (options.candidates) add_candidates(table, options, rate, bytes);
  }
  table.run();
  tell(receivers);
}

void run_paced(const Options& options, int per_second) {
  const Receivers receivers{options.destinations, options.drain_core, Drain::Sleeping};
  const Rate rate{.per_second = per_second, .receivers = receivers};
  Table table{options};
  for (const std::size_t bytes : options.bytes) {
    add_floors(table, options, rate, bytes);
    if (options.candidates) add_candidates(table, options, rate, bytes);
  }
  table.run();
  tell(receivers);
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--destinations", options.destinations, "Receivers")
      ->check(CLI::Range(1, 2000))
      ->capture_default_str();
  app.add_option("--train", options.train, "Packets for one receiver in one train")
      ->check(CLI::Range(std::size_t{2}, kTrainMax))
      ->capture_default_str();
  app.add_option("--bytes", options.bytes, "Sizes of packets")->check(CLI::Range(40, 1400))->capture_default_str();
  app.add_option("--milliseconds", options.milliseconds, "Of one round")
      ->check(CLI::Range(10, 1000))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "Of each line")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--turns-per-second", options.turns_per_second, "Also at these rates, asleep between the turns")
      ->check(CLI::Range(10, 10000));
  app.add_flag("--paced-only", options.paced_only, "Nothing but what --turns-per-second asks for");
  app.add_flag("--candidates", options.candidates, "Also other ways to send and to receive");
  app.add_option("--core", options.core, "Where to measure");
  app.add_option("--drain-core", options.drain_core, "Where to receive");
  app.add_option("--ours", options.ours_us, "A server's microseconds per packet, to compare");
}

double load_average() {
  double load = 0;
  static_cast<void>(::getloadavg(&load, 1));
  return load;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"What this machine needs for a packet: sealing and sending, and nothing else.", "bench_floor"};
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  choose_cores(options);
  std::printf("%zu destinations, trains of %zu, %zu rounds of %d ms, load average before %.2f\n", options.destinations,
              options.train, options.rounds, options.milliseconds, load_average());
  std::fflush(stdout);
  pin(options.core);
  if (!options.paced_only) run_tight(options);
  for (const int per_second : options.turns_per_second) run_paced(options, per_second);
  std::printf("load average after %.2f\n", load_average());
  return 0;
}
