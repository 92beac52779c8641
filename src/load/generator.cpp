#include "load/generator.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <memory>
#include <ostream>
#include <set>

#include <sys/resource.h>
#include <unistd.h>

#include "load/process_meter.h"
#include "load/seat.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/system_entropy.h"
#include "proto/dtls/certificate.h"
#include "proto/dtls/context.h"
#include "proto/json_scan.h"
#include "proto/jwt/jwt.h"

namespace zvonok::load {
namespace {

constexpr Duration kTick = milliseconds{5};
constexpr Duration kAwayFor = seconds{1};
/// Nobody leaves so late in the window that the return would be in a hurry.
constexpr Duration kNoLeavesBeforeEnd = seconds{2};
constexpr std::size_t kFailuresKept = 5;

double as_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// As many descriptors as are allowed: two for each participant.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// As a messenger would make it: it lets its user into any group.
std::string make_token(const jwt::Key& key, const std::string& user, WallTime now) {
  std::string claims = "{\"sub\":";
  json::append_string(claims, user);
  const std::int64_t at = unix_seconds(now);
  claims += ",\"iat\":" + std::to_string(at) + ",\"exp\":" + std::to_string(at + 24 * 3600);
  return jwt::sign_hs256(claims + ",\"rooms\":[\"group:*\"]}", key);
}

class Generator {
 public:
  Generator(const LoadOptions& options, std::ostream& progress) : options_{options}, progress_{progress} {}
  Result<LoadResult, std::string> run();

 private:
  enum class Phase : std::uint8_t { Publishers, Everybody, WarmUp, Window, Drain };
  struct Away {
    Seat* seat = nullptr;
    TimePoint until{};
  };

  [[nodiscard]] Result<void, std::string> prepare();
  [[nodiscard]] Result<void, std::string> make_seats();
  [[nodiscard]] ParticipantOptions plan(unsigned room, unsigned number);
  void tick();
  void begin_phase(Phase phase);
  void join_some(std::vector<Seat*>& waiting);
  [[nodiscard]] bool all_settled() const;
  void begin_window();
  void end_window();
  void churn();
  void come_back();
  void absorb(const Seat& seat);
  void judge();
  void judge_losses();
  void print_progress();
  [[nodiscard]] TimePoint now() const { return loop_->now().mono; }

  const LoadOptions& options_;
  std::ostream& progress_;
  net::SystemEntropy entropy_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<UdpBatches> batches_;
  Course course_;
  std::optional<dtls::Certificate> certificate_;
  std::optional<dtls::Context> context_;
  std::vector<std::unique_ptr<Seat>> seats_;  // rooms one after the other, publishers first
  std::uint32_t tracks_ = 0;
  unsigned verifying_ = 0;

  Phase phase_ = Phase::Publishers;
  TimePoint begun_{};
  TimePoint phase_begun_{};
  std::vector<Seat*> waiting_publishers_;   // the next one last
  std::vector<Seat*> waiting_subscribers_;  // likewise
  std::uint64_t started_in_phase_ = 0;
  std::vector<Seat*> on_the_way_back_;
  std::vector<Away> away_;
  std::set<const Seat*> churned_;
  std::size_t next_to_leave_ = 0;
  LoadResult result_;
  ProcessFigures server_before_;
  ProcessFigures own_at_begin_;
  ProcessFigures server_at_begin_;

  TimePoint next_progress_{};
  UdpBatches::Counters progress_counters_;
  double progress_cpu_ = 0;
};

// ---- who takes part -------------------------------------------------------------------------------------------------

ParticipantOptions Generator::plan(unsigned room, unsigned number) {
  const bool publishes = number < options_.publishers;
  const bool hears = !publishes || options_.publishers_do == LoadOptions::Publishers::HearEachOther;
  ParticipantOptions out;
  out.name = options_.room_prefix + std::to_string(room) + (publishes ? "-p" : "-s") + std::to_string(number);
  out.room = room;
  out.receiving = hears ? Description::Receiving::Yes : Description::Receiving::No;
  out.reports = options_.reports;
  out.dtls = &*context_;
  out.fingerprint = certificate_->fingerprint().text();
  const auto source = [&](media::Kind kind, unsigned rate, std::size_t bytes) {
    if (!publishes || rate == 0) return;
    out.sources.push_back(
        {.kind = kind, .track = ++tracks_, .room = room, .packets_per_second = rate, .payload_bytes = bytes});
  };
  source(media::Kind::Audio, options_.audio_packets_per_second, options_.audio_bytes);
  source(media::Kind::Video, options_.video_packets_per_second, options_.video_bytes);
  if (!hears) return out;
  const unsigned others = options_.publishers - (publishes ? 1 : 0);
  out.audio_expected = options_.audio_packets_per_second > 0 ? others : 0;
  out.video_expected = options_.video_packets_per_second > 0 ? others : 0;
  // Who publishes comes while others still do: the server tells of them. Who only receives finds all of them there.
  out.asks = publishes ? ParticipantOptions::Asks::No : ParticipantOptions::Asks::Yes;
  const unsigned receivers =
      options_.subscribers +
      (options_.publishers_do == LoadOptions::Publishers::HearEachOther ? options_.publishers : 0);
  const auto wanted = std::max(1U, static_cast<unsigned>(std::ceil(options_.verify_share * receivers)));
  const unsigned place =
      options_.publishers_do == LoadOptions::Publishers::HearEachOther ? number : number - options_.publishers;
  if (options_.verify_share > 0 && place < wanted) {
    out.verify = Verify::Everything;
    ++verifying_;
  }
  return out;
}

Result<void, std::string> Generator::make_seats() {
  const auto key = options_.tokens.empty() ? jwt::Key::hs256(options_.secret.reveal())
                                           : Result<jwt::Key, jwt::KeyError>{fail(jwt::KeyError::NotAKey)};
  if (options_.tokens.empty() && !key) return fail("the secret: " + std::string{jwt::to_text(key.error())});
  const Seat::Shared shared{.loop = *loop_, .batches = *batches_, .course = course_, .entropy = entropy_};
  for (unsigned room = 1; room <= options_.rooms; ++room) {
    for (unsigned number = 0; number < options_.publishers + options_.subscribers; ++number) {
      ParticipantOptions participant = plan(room, number);
      WsConnection::Target target{.server = options_.server,
                                  .host = options_.host,
                                  .path = "/api/v1/group/" + options_.room_prefix + std::to_string(room) + "/call",
                                  .token = options_.tokens.empty()
                                               ? make_token(*key, participant.name, net::read_clocks().wall)
                                               : options_.tokens[seats_.size() % options_.tokens.size()]};
      seats_.push_back(std::make_unique<Seat>(shared, std::move(participant), std::move(target)));
    }
  }
  // One of each room after the other, so that rooms fill at the same pace.
  for (unsigned number = options_.publishers + options_.subscribers; number-- > 0;) {
    for (unsigned room = options_.rooms; room-- > 0;) {
      Seat* const seat = seats_[room * (options_.publishers + options_.subscribers) + number].get();
      (number < options_.publishers ? waiting_publishers_ : waiting_subscribers_).push_back(seat);
    }
  }
  return {};
}

Result<void, std::string> Generator::prepare() {
  raise_descriptor_limit();
  auto loop = net::Loop::create();
  if (!loop) return fail(std::move(loop.error()));
  loop_ = std::move(*loop);
  batches_ = std::make_unique<UdpBatches>();
  auto certificate = dtls::Certificate::generate(entropy_, {.now = net::read_clocks().wall});
  if (!certificate) return fail(std::move(certificate.error()));
  certificate_ = std::move(*certificate);
  auto context = dtls::Context::create(*certificate_);
  if (!context) return fail(std::move(context.error()));
  context_ = std::move(*context);
  if (options_.server_pid != 0) {
    const auto figures = read_process(options_.server_pid);
    if (!figures) return fail("there is no process " + std::to_string(options_.server_pid));
    server_before_ = *figures;
    progress_cpu_ = figures->cpu_seconds;
    result_.has_server_figures = true;
  }
  return make_seats();
}

Result<LoadResult, std::string> Generator::run() {
  result_.load_average = load_average();
  if (const auto prepared = prepare(); !prepared) return fail(prepared.error());
  result_.participants = static_cast<unsigned>(seats_.size());
  result_.verifying = verifying_;
  begun_ = phase_begun_ = net::read_clocks().mono;
  next_progress_ = begun_ + seconds{1};
  loop_->schedule(begun_, [this] { tick(); });
  loop_->run();
  return std::move(result_);
}

// ---- the course of a run --------------------------------------------------------------------------------------------

void Generator::begin_phase(Phase phase) {
  phase_ = phase;
  phase_begun_ = now();
  started_in_phase_ = 0;
}

/// As many as are due at the rate wanted.
void Generator::join_some(std::vector<Seat*>& waiting) {
  const double due = options_.joins_per_second <= 0 ? static_cast<double>(seats_.size())
                                                    : 1 + as_seconds(now() - phase_begun_) * options_.joins_per_second;
  while (!waiting.empty() && static_cast<double>(started_in_phase_) + 1 <= due) {
    waiting.back()->enter();
    waiting.pop_back();
    ++started_in_phase_;
  }
}

/// Everybody who began is in, has failed or is overdue. Publishers count as in when they are connected: those who hear
/// each other are complete only when all have come.
bool Generator::all_settled() const {
  return std::ranges::all_of(seats_, [&](const auto& seat) {
    const Participant* const who = seat->participant();
    if (who == nullptr || seat->has_failed()) return true;
    if (phase_ == Phase::Publishers ? who->connected_at().has_value() : who->complete_at().has_value()) return true;
    return now() - seat->begun() > options_.join_timeout;
  });
}

void Generator::tick() {
  switch (phase_) {
    case Phase::Publishers:
      join_some(waiting_publishers_);
      if (waiting_publishers_.empty() && all_settled()) begin_phase(Phase::Everybody);
      break;
    case Phase::Everybody:
      join_some(waiting_subscribers_);
      if (waiting_subscribers_.empty() && all_settled()) {
        if (const auto cpu = cpu_seconds(options_.server_pid); cpu && result_.has_server_figures) {
          result_.server_join_cpu_seconds = *cpu - server_before_.cpu_seconds;
        }
        begin_phase(Phase::WarmUp);
      }
      break;
    case Phase::WarmUp:
      if (now() - phase_begun_ >= options_.warm_up) begin_window();
      break;
    case Phase::Window:
      churn();
      if (now() >= course_.window_end) end_window();
      break;
    case Phase::Drain:
      come_back();
      if (now() - phase_begun_ >= options_.drain && away_.empty() && all_settled()) {
        judge();
        for (const auto& seat : seats_) seat->leave();
        return loop_->stop();
      }
      break;
  }
  if (now() >= next_progress_) print_progress();
  loop_->schedule(std::max(now(), net::read_clocks().mono) + kTick, [this] { tick(); });
}

void Generator::begin_window() {
  own_at_begin_ = read_process(::getpid()).value_or(ProcessFigures{});
  if (result_.has_server_figures) {
    server_at_begin_ = read_process(options_.server_pid).value_or(ProcessFigures{});
  }
  for (const auto& seat : seats_) {
    if (seat->participant() != nullptr) seat->participant()->mark();
  }
  begin_phase(Phase::Window);
  course_.window_begin = net::read_clocks().mono;
  course_.window_end = course_.window_begin + options_.window;
}

void Generator::end_window() {
  for (const auto& seat : seats_) {
    if (seat->participant() != nullptr) result_.headers += seat->participant()->since_mark();
  }
  result_.seconds = as_seconds(net::read_clocks().mono - course_.window_begin);
  const ProcessFigures own = read_process(::getpid()).value_or(ProcessFigures{});
  result_.own_cpu_seconds = own.cpu_seconds - own_at_begin_.cpu_seconds;
  result_.own_waited_seconds = own.waited_seconds - own_at_begin_.waited_seconds;
  // Sockets that were closed meanwhile took their count with them.
  result_.own_socket_drops = own.socket_drops - std::min(own.socket_drops, own_at_begin_.socket_drops);
  if (const auto server = read_process(options_.server_pid); server && result_.has_server_figures) {
    result_.server_cpu_seconds = server->cpu_seconds - server_at_begin_.cpu_seconds;
    result_.server_waited_seconds = server->waited_seconds - server_at_begin_.waited_seconds;
    result_.server_socket_drops = server->socket_drops - std::min(server->socket_drops, server_at_begin_.socket_drops);
    result_.server_resident_bytes = server->resident_bytes;
    const std::uint64_t grown =
        server->resident_bytes - std::min(server->resident_bytes, server_before_.resident_bytes);
    result_.server_resident_bytes_per_participant = grown / std::max<std::size_t>(1, seats_.size());
  }
  begin_phase(Phase::Drain);
}

// ---- leaving and coming back ----------------------------------------------------------------------------------------

void Generator::churn() {
  come_back();
  if (options_.leaves_per_second <= 0 || now() > course_.window_end - kNoLeavesBeforeEnd) return;
  const double due = as_seconds(now() - phase_begun_) * options_.leaves_per_second;
  for (std::size_t looked = 0; static_cast<double>(result_.left) < due && looked < seats_.size(); ++looked) {
    Seat& seat = *seats_[next_to_leave_++ % seats_.size()];
    if (!seat.options().sources.empty() || !seat.is_complete()) continue;
    absorb(seat);
    result_.headers += seat.participant()->since_mark();
    churned_.insert(&seat);
    seat.leave();
    away_.push_back({.seat = &seat, .until = now() + kAwayFor});
    ++result_.left;
  }
}

void Generator::come_back() {
  while (!away_.empty() && away_.front().until <= now()) {
    away_.front().seat->enter();
    on_the_way_back_.push_back(away_.front().seat);
    away_.erase(away_.begin());
  }
  std::erase_if(on_the_way_back_, [&](const Seat* seat) {
    if (!seat->is_complete()) return false;
    result_.rejoin.add(*seat->participant()->complete_at() - seat->begun());
    ++result_.rejoined;
    return true;
  });
}

// ---- the result -----------------------------------------------------------------------------------------------------

/// What a participant leaves behind.
void Generator::absorb(const Seat& seat) {
  const Participant& who = *seat.participant();
  if (!churned_.contains(&seat)) {
    const bool receives = seat.options().receiving == Description::Receiving::Yes;
    if (who.complete_at()) ++result_.joined;
    if (who.complete_at() && receives) result_.join.add(*who.complete_at() - seat.begun());
    if (who.connected_at()) result_.connected.add(*who.connected_at() - seat.begun());
  }
  if (!who.failure().empty()) {
    ++result_.failed;
    if (result_.failures.size() < kFailuresKept) result_.failures.push_back(who.options().name + ": " + who.failure());
  }
  result_.wrong.unopened += who.wrong().unopened;
  result_.wrong.replayed += who.wrong().replayed;
  result_.wrong.corrupt += who.wrong().corrupt;
  result_.wrong.foreign += who.wrong().foreign;
  result_.wrong.unannounced += who.wrong().unannounced;
  result_.wrong.unknown += who.wrong().unknown;
  for (const auto& [track, verified] : who.verified()) {
    result_.verified_duplicates += verified.duplicates;
    result_.verified_reordered += verified.reordered;
    if (verified.in_window == 0 || who.options().verify == Verify::HeadersOnly) continue;
    if (phase_ == Phase::Drain && !churned_.contains(&seat)) continue;  // judge_losses knows better
    const std::uint64_t span = verified.last_in_window - verified.first_in_window + 1;
    result_.verified += verified.in_window;
    result_.verified_expected += span;
  }
}

/// Of those who were there for the whole window, by what publishers have sent.
void Generator::judge_losses() {
  for (const auto& to : seats_) {
    const Participant* const who = to->participant();
    if (who == nullptr || !to->is_complete() || churned_.contains(to.get())) continue;
    if (who->options().verify == Verify::HeadersOnly || *who->complete_at() > course_.window_begin) continue;
    for (const auto& from : seats_) {
      if (from == to || from->options().room != to->options().room || from->participant() == nullptr) continue;
      for (std::size_t i = 0; i < from->options().sources.size(); ++i) {
        result_.verified_expected += from->participant()->sent_in_window(i);
        const auto track = who->verified().find(from->options().sources[i].track);
        if (track != who->verified().end()) result_.verified += track->second.in_window;
      }
    }
  }
}

void Generator::judge() {
  for (const auto& seat : seats_) {
    const Participant* const who = seat->participant();
    if (who == nullptr) continue;
    absorb(*seat);
    result_.key_frames += who->key_frames();
    for (std::size_t i = 0; i < who->options().sources.size(); ++i) {
      result_.sent_packets += who->sent_in_window(i);
      result_.sent_bytes += who->sent_in_window(i) * who->options().sources[i].payload_bytes;
    }
  }
  judge_losses();
  result_.verified_lost = result_.verified_expected - std::min(result_.verified_expected, result_.verified);
  result_.delays = course_.delays;
  result_.not_sent = batches_->counters().not_sent;
}

void Generator::print_progress() {
  static constexpr std::array kNames{"publishers join", "others join", "warm-up", "window", "drain"};
  const auto in = std::ranges::count_if(seats_, [](const auto& seat) { return seat->is_complete(); });
  const auto failed = std::ranges::count_if(seats_, [](const auto& seat) { return seat->has_failed(); });
  const double since = 1 + as_seconds(now() - next_progress_);
  const UdpBatches::Counters& counters = batches_->counters();
  const auto rate = [&](std::uint64_t later, std::uint64_t earlier) {
    return static_cast<std::uint64_t>(static_cast<double>(later - earlier) / since);
  };
  progress_ << std::setw(4) << static_cast<int>(as_seconds(now() - begun_)) << " s  " << std::left << std::setw(15)
            << kNames.at(static_cast<std::size_t>(phase_)) << std::right << "  in " << in << "/" << seats_.size();
  if (failed > 0) progress_ << ", failed " << failed;
  progress_ << ", datagrams/s out " << rate(counters.sent, progress_counters_.sent) << " in "
            << rate(counters.received, progress_counters_.received);
  if (result_.has_server_figures) {
    const double cpu = cpu_seconds(options_.server_pid).value_or(progress_cpu_);
    progress_ << ", server " << static_cast<int>(100 * (cpu - progress_cpu_) / since) << " % of a core";
    progress_cpu_ = cpu;
  }
  progress_ << std::endl;  // flushed: somebody watches
  progress_counters_ = counters;
  next_progress_ = now() + seconds{1};
}

}  // namespace

Result<LoadResult, std::string> run_load(const LoadOptions& options, std::ostream& progress) {
  return Generator{options, progress}.run();
}

}  // namespace zvonok::load
