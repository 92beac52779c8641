// Phone calls against a running server: browsers of our own wire code dial, answer and talk, and the telephone gives
// back what it hears. bench/phone/run.sh starts the server and, for SIP, the telephones' signalling.
//
//   bench_phone --port 8080 --pid 123 --g711 500 --opus 150 --seconds 20
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "browser.h"
#include "clock.h"
#include "echo.h"
#include "http.h"

namespace zvonok::bench {
namespace {

/// Of the threads of a process with that name, or of all.
double cpu_seconds(int pid, const std::string& name) {
  double sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task"}) {
    std::FILE* const file = std::fopen((thread.path() / "stat").c_str(), "r");
    if (file == nullptr) continue;
    std::array<char, 64> comm{};
    unsigned long user = 0;
    unsigned long system = 0;
    if (std::fscanf(file, "%*d (%63[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", comm.data(), &user,
                    &system) == 3 &&
        (name.empty() || name == comm.data())) {
      sum += static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    std::fclose(file);
  }
  return sum;
}

/// Of this process.
double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

struct Options {
  std::uint16_t port = 8080;
  std::uint16_t echo_port = 0;
  int pid = 0;
  std::size_t g711 = 500;
  std::size_t opus = 0;
  int seconds = 20;
  std::string number = "+15005550020";
};

class Load {
 public:
  explicit Load(const Options& options) : options_{options}, http_{options.port}, epoll_{::epoll_create1(0)} {
    if (options.echo_port != 0) {
      echo_.emplace(options.echo_port);
      watch(echo_->fd(), nullptr);
    }
    const auto wall = std::chrono::system_clock::now();
    auto certificate = dtls::Certificate::generate(
        entropy_, {.now = WallTime{std::chrono::duration_cast<WallTime::duration>(wall.time_since_epoch())}});
    if (!certificate) give_up(certificate.error());
    certificate_.emplace(std::move(*certificate));
    auto context = dtls::Context::create(*certificate_);
    if (!context) give_up(context.error());
    context_.emplace(std::move(*context));
    const auto person =
        http_.post("/api/auth/register", {{"email", "bench" + std::to_string(::getpid()) + "@example.org"},
                                          {"password", "a long password"},
                                          {"display_name", "Bench"}});
    http_.token = person.at("access_token").as_string().c_str();
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { ::close(epoll_); }

  void dial() {
    while (browsers_.size() < options_.g711 + options_.opus) {
      // Both kinds from the beginning, so that neither has all the luck of being first.
      const std::size_t made = browsers_.size();
      const bool is_opus = made * options_.opus / (options_.g711 + options_.opus) <
                           (made + 1) * options_.opus / (options_.g711 + options_.opus);
      const bool beeps = is_opus && made % 5 == 0;
      browsers_.push_back(std::make_unique<Browser>(http_, options_.number, *certificate_, *context_,
                                                    beeps     ? beeps_
                                                    : is_opus ? opus_
                                                              : g711_,
                                                    is_opus ? of_opus_ : of_g711_));
      watch(browsers_.back()->fd(), browsers_.back().get());
      pass(milliseconds{5});
    }
  }

  void run() {
    pass(seconds{3});
    const auto connected = std::ranges::count_if(browsers_, [](const auto& b) { return b->is_connected(); });
    for (const auto& browser : browsers_) browser->measure(true);
    const Reading before = read();
    pass(seconds{options_.seconds});
    const Reading after = read();
    for (const auto& browser : browsers_) browser->measure(false);
    pass(milliseconds{500});  // what is on its way
    for (const auto& browser : browsers_) http_.post("/api/calls/terminate", {{"call_id", browser->call()}});
    pass(milliseconds{500});
    const auto a_second = [this](double sum) { return sum / options_.seconds; };
    const auto percent = [&](double sum) { return 100 * a_second(sum); };
    const auto frames = static_cast<double>(of_g711_.sent + of_opus_.sent);
    const auto heard = static_cast<double>(of_g711_.received + of_opus_.received);
    std::printf("%zu calls with G.711, %zu with Opus: %ld connected\n", options_.g711, options_.opus,
                static_cast<long>(connected));
    std::printf("  server: %.1f%% of a core (sound %.1f%%, signalling and all else %.1f%%); this load: %.1f%%\n",
                percent(after.all - before.all), percent(after.media - before.media),
                percent(after.all - before.all - after.media + before.media), percent(after.own - before.own));
    std::printf("  packets a second: %.0f from browsers, %.0f to them; %.0f from telephones, %.0f to them\n",
                a_second(frames), a_second(heard), a_second(after.lines_in - before.lines_in),
                a_second(after.lines_out - before.lines_out));
    report("G.711", of_g711_);
    report("Opus", of_opus_);
  }

 private:
  struct Reading {
    double media = 0;
    double all = 0;
    double own = 0;
    double lines_in = 0;
    double lines_out = 0;
  };
  Reading read() {
    return {.media = cpu_seconds(options_.pid, "media-0"),
            .all = cpu_seconds(options_.pid, ""),
            .own = own_cpu_seconds(),
            .lines_in = http_.metric("zvonok_sip_rtp_received_total"),
            .lines_out = http_.metric("zvonok_sip_rtp_sent_total")};
  }

  void watch(int fd, Browser* browser) const {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = browser}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("too many sockets");
  }

  /// Each millisecond a twentieth of all says something, so that nobody is asked for a burst.
  void pass(Duration time) {
    const TimePoint until = now() + time;
    std::array<epoll_event, 256> ready;
    while (now() < until) {
      const TimePoint at = now();
      if (at >= next_turn_) {
        next_turn_ = std::max(next_turn_ + milliseconds{1}, at - milliseconds{20});
        for (std::size_t i = turn_ % 20; i < browsers_.size(); i += 20) {
          browsers_[i]->on_time();
          browsers_[i]->speak();
        }
        ++turn_;
      }
      const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), next_turn_ > now() ? 1 : 0);
      for (int i = 0; i < count; ++i) {
        auto* const browser = static_cast<Browser*>(ready[static_cast<std::size_t>(i)].data.ptr);
        browser != nullptr ? browser->read() : echo_->read();
      }
    }
  }

  static void report(const char* name, Totals& totals) {
    if (totals.sent == 0) return;
    std::ranges::sort(totals.delays_us);
    const auto delay = [&](double share) {
      if (totals.delays_us.empty()) return 0.0;
      const auto at = static_cast<std::size_t>(share * static_cast<double>(totals.delays_us.size() - 1));
      return static_cast<double>(totals.delays_us[at]) / 1000;
    };
    std::printf(
        "  %s: %llu said, %llu came back, %llu missing in their numbers, %llu unopened; there and back in "
        "%.1f ms (p50), %.1f ms (p99), of %zu\n",
        name, static_cast<unsigned long long>(totals.sent), static_cast<unsigned long long>(totals.received),
        static_cast<unsigned long long>(totals.missing), static_cast<unsigned long long>(totals.unopened), delay(0.5),
        delay(0.99), totals.delays_us.size());
  }

  const Options& options_;
  net::SystemEntropy entropy_;
  Http http_;
  int epoll_;
  std::optional<Echo> echo_;
  std::optional<dtls::Certificate> certificate_;
  std::optional<dtls::Context> context_;
  const Talk g711_ = make_talk(Talk::Kind::G711);
  const Talk opus_ = make_talk(Talk::Kind::Opus);
  const Talk beeps_ = make_talk(Talk::Kind::Beeps);
  Totals of_g711_;
  Totals of_opus_;
  std::vector<std::unique_ptr<Browser>> browsers_;
  std::size_t turn_ = 0;
  TimePoint next_turn_ = now();
};

}  // namespace
}  // namespace zvonok::bench

int main(int argc, char** argv) {
  zvonok::bench::Options options;
  CLI::App app{"Phone calls against a running server"};
  app.add_option("--port", options.port, "Of HTTP");
  app.add_option("--pid", options.pid, "Of the server, to read its CPU")->required();
  app.add_option("--g711", options.g711, "Calls")->check(CLI::Range(0, 20'000));
  app.add_option("--opus", options.opus, "Calls")->check(CLI::Range(0, 20'000));
  app.add_option("--number", options.number, "That is dialed");
  app.add_option("--echo-port", options.echo_port, "Of the telephones' sound; none: the server's mock has it");
  app.add_option("--seconds", options.seconds)->check(CLI::Range(1, 3600));
  CLI11_PARSE(app, argc, argv);
  if (options.g711 + options.opus == 0) options.g711 = 1;
  try {
    zvonok::bench::Load load{options};
    load.dial();
    load.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
