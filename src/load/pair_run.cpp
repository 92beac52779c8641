#include "load/pair_run.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <ostream>

#include <unistd.h>

#include "load/descriptors.h"
#include "load/progress.h"
#include "load/ws_connection.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/system_entropy.h"

namespace zvonok::load {
namespace {

constexpr Duration kTick = milliseconds{5};
/// What was sent just before a call's end is refused for so long after it (docs/protocol/pair.md, rule 4).
constexpr Duration kRest = milliseconds{600};

double as_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// A device with its WebSocket and its timer.
class PairSeat final : private PairOutlet, private WsHandler {
 public:
  PairSeat(net::Loop& loop, PairCourse& course, PairOptions options)
      : loop_{loop}, client_{std::move(options), course, static_cast<PairOutlet&>(*this)} {}
  PairSeat(const PairSeat&) = delete;
  PairSeat& operator=(const PairSeat&) = delete;
  ~PairSeat() override { leave(); }

  void enter(const WsConnection::Target& target, std::uint32_t seed) {
    begun_ = net::read_clocks().mono;
    ws_ = std::make_unique<WsConnection>(loop_, static_cast<WsHandler&>(*this), target, seed);
    if (!ws_->refused().empty()) failure_ = ws_->refused();
  }
  void leave() {
    if (timer_) loop_.cancel(*timer_);
    timer_.reset();
    if (!ws_) return;
    ws_->close();
    loop_.discard(std::move(ws_));
  }
  void call(Duration hold) {
    client_.call(net::read_clocks().mono, hold);
    arm();
  }
  void hang_up() {
    client_.hang_up(net::read_clocks().mono);
    arm();
  }

  [[nodiscard]] const PairClient& client() const { return client_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] bool begun() const { return begun_ != TimePoint{}; }
  [[nodiscard]] TimePoint begun_at() const { return begun_; }
  [[nodiscard]] std::optional<TimePoint> ready_at() const { return ready_at_; }
  [[nodiscard]] bool works() const { return ready_at_ && failure_.empty(); }

 private:
  void send_text(std::string_view text) override {
    if (ws_) ws_->send(text);
  }
  void on_ws_open() override { client_.on_open(net::read_clocks().mono); }
  void on_ws_text(std::string_view text) override {
    const TimePoint now = net::read_clocks().mono;
    client_.on_text(now, text);
    if (!ready_at_ && client_.is_ready()) ready_at_ = now;
    arm();
  }
  void on_ws_end(std::string_view why) override {
    if (failure_.empty()) failure_ = std::string{why};
  }
  void on_timer() {
    timer_.reset();
    client_.handle_timeout(net::read_clocks().mono);
    arm();
  }
  void arm() {
    const TimePoint next = failure_.empty() ? client_.next_timeout() : TimePoint::max();
    if (timer_ && timer_->first == next) return;
    if (timer_) loop_.cancel(*timer_);
    timer_.reset();
    if (next != TimePoint::max()) timer_ = loop_.schedule(next, [this] { on_timer(); });
  }

  net::Loop& loop_;
  PairClient client_;
  std::unique_ptr<WsConnection> ws_;
  std::optional<net::Loop::TimerKey> timer_;
  TimePoint begun_{};
  std::optional<TimePoint> ready_at_;
  std::string failure_;
};

struct Pair {
  PairSeat* caller = nullptr;
  PairSeat* called = nullptr;
};

class PairRun {
 public:
  PairRun(const PairLoadOptions& options, std::ostream& progress) : options_{options}, progress_{progress} {}
  Result<PairLoadResult, std::string> run();

 private:
  enum class Phase : std::uint8_t { Connect, WarmUp, Ready, Window, Drain };

  [[nodiscard]] Result<void, std::string> prepare();
  void make_seats();
  [[nodiscard]] std::string user(unsigned number) const { return options_.user_prefix + "u" + std::to_string(number); }
  void tick();
  void finish();
  void begin_phase(Phase phase);
  void enter_some();
  [[nodiscard]] bool all_settled() const;
  void call_some();
  [[nodiscard]] static bool is_idle(const Pair& pair, TimePoint now);
  void begin_window();
  void end_window();
  void hang_up_all();
  void judge();
  void print_progress();
  [[nodiscard]] TimePoint now() const { return loop_->now().mono; }

  const PairLoadOptions& options_;
  std::ostream& progress_;
  net::SystemEntropy entropy_;
  std::optional<TokenMaker> tokens_;
  std::unique_ptr<net::Loop> loop_;
  PairLoadResult result_;
  std::vector<std::unique_ptr<PairSeat>> seats_;  // pair after pair, the caller first
  std::vector<Pair> pairs_;
  std::size_t entered_ = 0;
  std::size_t next_pair_ = 0;
  std::uint64_t calls_tried_ = 0;
  Phase phase_ = Phase::Connect;
  TimePoint begun_{};
  TimePoint phase_begun_{};
  ProcessWatch own_;
  ProcessWatch server_;
  ProgressClock clock_;
  std::uint64_t relays_told_ = 0;
  std::uint64_t calls_told_ = 0;
};

// ---- who takes part -------------------------------------------------------------------------------------------------

void PairRun::make_seats() {
  const unsigned people = 2 * options_.pairs;
  for (unsigned number = 0; number < people; ++number) {
    PairOptions one{.role = number % 2 == 0 ? PairOptions::Role::Calls : PairOptions::Role::IsCalled,
                    .user = user(number),
                    .partner = user(number ^ 1U),
                    .watched = {}};
    one.message_bytes = options_.message_bytes;
    if (options_.kind == PairLoadOptions::Kind::Relays) one.messages_per_second = options_.messages_per_second;
    for (unsigned i = 1; i <= std::min(options_.watched, people - 1); ++i)
      one.watched.push_back(user((number + i) % people));
    seats_.push_back(std::make_unique<PairSeat>(*loop_, result_.course, std::move(one)));
  }
  for (unsigned i = 0; i < options_.pairs; ++i) {
    pairs_.push_back({.caller = seats_[2 * i].get(), .called = seats_[2 * i + 1].get()});
  }
}

Result<void, std::string> PairRun::prepare() {
  if (auto allowed = allow_descriptors(std::uint64_t{options_.pairs} * 2); !allowed) return allowed;
  auto tokens = TokenMaker::create(options_.target);
  if (!tokens) return fail(std::move(tokens.error()));
  tokens_.emplace(std::move(*tokens));
  auto loop = net::Loop::create();
  if (!loop) return fail(std::move(loop.error()));
  loop_ = std::move(*loop);
  static_cast<void>(own_.start(::getpid()));
  if (options_.target.pid != 0 && !server_.start(options_.target.pid)) {
    return fail("there is no process " + std::to_string(options_.target.pid));
  }
  make_seats();
  return {};
}

Result<PairLoadResult, std::string> PairRun::run() {
  result_.load_average = load_average();
  if (auto prepared = prepare(); !prepared) return fail(std::move(prepared.error()));
  result_.sockets = static_cast<unsigned>(seats_.size());
  begun_ = phase_begun_ = net::read_clocks().mono;
  clock_.start(begun_);
  loop_->schedule(begun_, [this] { tick(); });
  loop_->run();
  return std::move(result_);
}

// ---- the course of a run --------------------------------------------------------------------------------------------

void PairRun::begin_phase(Phase phase) {
  phase_ = phase;
  phase_begun_ = now();
  calls_tried_ = 0;
}

void PairRun::enter_some() {
  const double due = options_.joins_per_second <= 0 ? static_cast<double>(seats_.size())
                                                    : 1 + as_seconds(now() - phase_begun_) * options_.joins_per_second;
  while (entered_ < seats_.size() && static_cast<double>(entered_) + 1 <= due) {
    PairSeat& seat = *seats_[entered_];
    seat.enter({.server = options_.target.server,
                .host = options_.target.host,
                .path = "/ws?device=load",
                .token = tokens_->token(seat.client().options().user, entered_, net::read_clocks().wall),
                .tls = options_.target.tls,
                .name = options_.target.name},
               random_u32(entropy_));
    ++entered_;
  }
}

bool PairRun::all_settled() const {
  return entered_ == seats_.size() && std::ranges::all_of(seats_, [&](const auto& seat) {
           return seat->ready_at() || !seat->failure().empty() || now() - seat->begun_at() > options_.join_timeout;
         });
}

bool PairRun::is_idle(const Pair& pair, TimePoint now) {
  for (const PairSeat* seat : {pair.caller, pair.called}) {
    if (!seat->works() || seat->client().state() != PairClient::State::Idle) return false;
    if (now - seat->client().idle_since() < kRest) return false;
  }
  return true;
}

/// As many as are due at the rate wanted. What can't begin for want of an idle pair is not made up for later.
void PairRun::call_some() {
  if (options_.kind == PairLoadOptions::Kind::Relays) {
    for (const Pair& pair : pairs_) {
      if (is_idle(pair, now())) pair.caller->call(Duration::max());
    }
    return;
  }
  const double due = as_seconds(now() - phase_begun_) * options_.calls_per_second;
  for (; static_cast<double>(calls_tried_) + 1 <= due; ++calls_tried_) {
    std::size_t looked = 0;
    while (looked < pairs_.size() && !is_idle(pairs_[next_pair_ % pairs_.size()], now())) ++next_pair_, ++looked;
    if (looked == pairs_.size()) {
      if (phase_ == Phase::Window) ++result_.calls_not_begun;
      continue;
    }
    pairs_[next_pair_++ % pairs_.size()].caller->call(options_.hold);
  }
}

void PairRun::tick() {
  switch (phase_) {
    case Phase::Connect:
      enter_some();
      if (!all_settled()) break;
      if (std::ranges::none_of(seats_, [](const auto& seat) { return seat->works(); })) return finish();
      begin_phase(Phase::WarmUp);
      break;
    case Phase::WarmUp:
      call_some();
      if (now() - phase_begun_ < options_.warm_up) break;
      own_.prepare_window();
      server_.prepare_window();
      begin_phase(Phase::Ready);
      break;
    case Phase::Ready:
      call_some();
      if (now() - phase_begun_ >= ProcessWatch::kCatchUp) begin_window();
      break;
    case Phase::Window:
      call_some();
      if (now() >= result_.course.window_end) end_window();
      break;
    case Phase::Drain:
      if (now() - phase_begun_ >= options_.drain) return finish();
      break;
  }
  if (clock_.is_due(now())) print_progress();
  loop_->schedule(std::max(now(), net::read_clocks().mono) + kTick, [this] { tick(); });
}

void PairRun::finish() {
  judge();
  hang_up_all();
  for (const auto& seat : seats_) seat->leave();
  loop_->stop();
}

void PairRun::begin_window() {
  own_.begin_window();
  server_.begin_window();
  begin_phase(Phase::Window);
  result_.course.window_begin = net::read_clocks().mono;
  result_.course.window_end = result_.course.window_begin + options_.window;
}

void PairRun::end_window() {
  result_.seconds = as_seconds(net::read_clocks().mono - result_.course.window_begin);
  result_.own = own_.end_window();
  result_.has_server_figures = server_.watches();
  result_.server = server_.end_window();
  begin_phase(Phase::Drain);
}

void PairRun::hang_up_all() {
  for (const Pair& pair : pairs_) {
    if (pair.caller->works()) pair.caller->hang_up();
  }
}

void PairRun::judge() {
  for (const auto& seat : seats_) {
    if (seat->ready_at()) {
      ++result_.connected;
      result_.connect.add(*seat->ready_at() - seat->begun_at());
    }
    const std::string& user = seat->client().options().user;
    if (!seat->failure().empty()) {
      result_.failures.add(seat->failure(), user);
    } else if (!seat->ready_at()) {
      result_.failures.add("was never greeted", user);
    }
  }
}

void PairRun::print_progress() {
  static constexpr std::array kNames{"connecting", "warm-up", "warm-up", "window", "drain"};
  const double since = clock_.take(now());
  const auto count = [&](auto&& is) { return std::ranges::count_if(seats_, is); };
  const auto in_call = count([](const auto& seat) { return seat->client().state() == PairClient::State::InCall; });
  const auto failed = count([](const auto& seat) { return !seat->failure().empty(); });
  const PairCourse& course = result_.course;
  progress_ << progress_head(now() - begun_, kNames.at(static_cast<std::size_t>(phase_))) << "  open "
            << count([](const auto& seat) { return seat->works(); }) << "/" << seats_.size();
  if (failed > 0) progress_ << ", failed " << failed;
  progress_ << ", in calls " << in_call;
  if (phase_ == Phase::Window) {
    progress_ << ", set up " << course.calls_set_up - calls_told_ << ", relayed/s "
              << static_cast<std::uint64_t>(static_cast<double>(course.relays_came - relays_told_) / since);
  }
  if (course.calls_failed > 0) progress_ << ", calls failed " << course.calls_failed;
  progress_ << ", generator " << static_cast<int>(100 * own_.take_cpu_seconds() / since) << " %";
  if (server_.watches()) {
    progress_ << ", server " << static_cast<int>(100 * server_.take_cpu_seconds() / since) << " % of a core";
  }
  progress_ << std::endl;  // flushed: somebody watches
  relays_told_ = course.relays_came;
  calls_told_ = course.calls_set_up;
}

}  // namespace

Result<PairLoadResult, std::string> run_pair_load(const PairLoadOptions& options, std::ostream& progress) {
  return PairRun{options, progress}.run();
}

}  // namespace zvonok::load
