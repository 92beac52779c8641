#include "load/generator.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>
#include <set>

#include <unistd.h>

#include "load/descriptors.h"
#include "load/progress.h"
#include "load/seat.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/system_entropy.h"
#include "proto/dtls/certificate.h"
#include "proto/dtls/context.h"

namespace zvonok::load {
namespace {

constexpr Duration kTick = milliseconds{5};
constexpr Duration kAwayFor = seconds{1};
/// Nobody leaves so late in the window that the return would be in a hurry.
constexpr Duration kNoLeavesBeforeEnd = seconds{2};
/// A busy generator reads in larger batches. When packets came is the kernel's to say, so delays are not changed by it;
/// when they go is not changed either, for timers are kept on time.
constexpr Duration kTurnGapMax = milliseconds{1};

double as_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

class Generator {
 public:
  Generator(const LoadOptions& options, std::ostream& progress) : options_{options}, progress_{progress} {}
  Result<LoadResult, std::string> run();

 private:
  enum class Phase : std::uint8_t { Publishers, Everybody, WarmUp, Ready, Window, Drain };
  struct Away {
    Seat* seat = nullptr;
    TimePoint until{};
  };

  [[nodiscard]] Result<void, std::string> prepare();
  [[nodiscard]] Result<void, std::string> make_seats();
  [[nodiscard]] std::vector<SourceOptions> plan_sources(unsigned room);
  [[nodiscard]] ParticipantOptions plan(unsigned room, unsigned number);
  void tick();
  [[nodiscard]] bool nobody_is_in() const;
  void finish();
  void begin_phase(Phase phase);
  void join_some(std::vector<Seat*>& waiting);
  [[nodiscard]] bool all_settled() const;
  void begin_window();
  void end_window();
  void churn();
  void come_back();
  void absorb(const Seat& seat);
  void add_repairs(const Participant::Repairs& more);
  void note_quality();
  void judge();
  void judge_losses();
  [[nodiscard]] Traffic traffic_so_far() const;  // of datagrams
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
  ProcessWatch own_;
  ProcessWatch server_;

  ProgressClock clock_;
  Traffic traffic_told_;
};

// ---- who takes part -------------------------------------------------------------------------------------------------

/// What one publishes. Every layer of a simulcast is a track of its own to those who verify.
std::vector<SourceOptions> Generator::plan_sources(unsigned room) {
  std::vector<SourceOptions> sources;
  const auto add = [&](media::Kind kind, unsigned rate, std::size_t bytes) -> SourceOptions& {
    return sources.emplace_back(SourceOptions{
        .kind = kind, .track = ++tracks_, .room = room, .packets_per_second = rate, .payload_bytes = bytes});
  };
  if (options_.audio_packets_per_second > 0) {
    add(media::Kind::Audio, options_.audio_packets_per_second, options_.audio_bytes);
  }
  if (options_.video == LoadOptions::Video::Simulcast) {
    for (const SimulcastLayer& layer : kSimulcastLadder) {
      SourceOptions& source = add(media::Kind::Video, layer.packets_per_second, layer.payload_bytes);
      source.rid = layer.rid;
      source.height = layer.height;
      source.key_frame_factor = 4;
    }
  } else if (options_.video_packets_per_second > 0) {
    add(media::Kind::Video, options_.video_packets_per_second, options_.video_bytes);
  }
  return sources;
}

ParticipantOptions Generator::plan(unsigned room, unsigned number) {
  const bool meet = options_.publishers_do == LoadOptions::Publishers::HearEachOther;
  const bool publishes = number < options_.publishers;
  const bool hears = !publishes || meet;
  const bool simulcast = options_.video == LoadOptions::Video::Simulcast;
  ParticipantOptions out;
  out.name = options_.room_prefix + std::to_string(room) + (publishes ? "-p" : "-s") + std::to_string(number);
  out.room = room;
  out.receiving = hears ? Description::Receiving::Yes : Description::Receiving::No;
  out.reports = options_.reports;
  out.transport_feedback = simulcast ? TransportFeedback::On : options_.transport_feedback;
  out.repair = simulcast ? Repair::On : options_.repair;
  // Evenly among the places of a room, whatever the share.
  const auto over_tcp = [&](unsigned place) { return std::floor(place * options_.tcp_share + 1e-9); };
  out.carrier = over_tcp(number + 1) > over_tcp(number) ? Carrier::Tcp : Carrier::Udp;
  out.dtls = &*context_;
  out.fingerprint = certificate_->fingerprint().text();
  if (publishes) out.sources = plan_sources(room);
  if (!hears) return out;
  const unsigned others = options_.publishers - (publishes ? 1 : 0);
  out.audio_expected = options_.audio_packets_per_second > 0 ? others : 0;
  out.video_expected = simulcast || options_.video_packets_per_second > 0 ? others : 0;
  // Who publishes comes while others still do: the server tells of them. Who only receives finds all of them there.
  out.asks = publishes ? ParticipantOptions::Asks::No : ParticipantOptions::Asks::Yes;
  const unsigned receivers = options_.subscribers + (meet ? options_.publishers : 0);
  const auto wanted = std::max(1U, static_cast<unsigned>(std::ceil(options_.verify_share * receivers)));
  const unsigned place = meet ? number : number - options_.publishers;
  if (options_.verify_share > 0 && place < wanted) {
    out.verify = Verify::Everything;
    ++verifying_;
  }
  return out;
}

Result<void, std::string> Generator::make_seats() {
  const auto tokens = TokenMaker::create(options_.target);
  if (!tokens) return fail(tokens.error());
  const Seat::Shared shared{.loop = *loop_, .batches = *batches_, .course = course_, .entropy = entropy_};
  for (unsigned room = 1; room <= options_.rooms; ++room) {
    for (unsigned number = 0; number < options_.publishers + options_.subscribers; ++number) {
      ParticipantOptions participant = plan(room, number);
      WsConnection::Target target{.server = options_.target.server,
                                  .host = options_.target.host,
                                  .path = "/api/v1/group/" + options_.room_prefix + std::to_string(room) + "/call",
                                  .token = tokens->token(participant.name, seats_.size(), net::read_clocks().wall),
                                  .tls = options_.target.tls,
                                  .name = options_.target.name};
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
  const std::uint64_t people = std::uint64_t{options_.rooms} * (options_.publishers + options_.subscribers);
  if (auto allowed = allow_descriptors(2 * people); !allowed) return allowed;
  auto loop = net::Loop::create();
  if (!loop) return fail(std::move(loop.error()));
  loop_ = std::move(*loop);
  loop_->moderate_turns(kTurnGapMax);
  loop_->keep_timers_on_time();
  batches_ = std::make_unique<UdpBatches>();
  auto certificate = dtls::Certificate::generate(entropy_, {.now = net::read_clocks().wall});
  if (!certificate) return fail(std::move(certificate.error()));
  certificate_ = std::move(*certificate);
  auto context = dtls::Context::create(*certificate_);
  if (!context) return fail(std::move(context.error()));
  context_ = std::move(*context);
  static_cast<void>(own_.start(::getpid()));
  if (options_.target.pid != 0 && !server_.start(options_.target.pid)) {
    return fail("there is no process " + std::to_string(options_.target.pid));
  }
  result_.has_server_figures = server_.watches();
  return make_seats();
}

Result<LoadResult, std::string> Generator::run() {
  result_.load_average = load_average();
  if (const auto prepared = prepare(); !prepared) return fail(prepared.error());
  result_.participants = static_cast<unsigned>(seats_.size());
  result_.verifying = verifying_;
  begun_ = phase_begun_ = net::read_clocks().mono;
  clock_.start(begun_);
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
      if (!waiting_publishers_.empty() || !all_settled()) break;
      if (nobody_is_in()) return finish();  // there is nothing to be learnt by the others' trying
      begin_phase(Phase::Everybody);
      break;
    case Phase::Everybody:
      join_some(waiting_subscribers_);
      if (waiting_subscribers_.empty() && all_settled()) {
        result_.server_join_cpu_seconds = server_.cpu_seconds_since_start();
        begin_phase(Phase::WarmUp);
      }
      break;
    case Phase::WarmUp:
      if (now() - phase_begun_ < options_.warm_up) break;
      own_.prepare_window();
      server_.prepare_window();
      begin_phase(Phase::Ready);
      break;
    case Phase::Ready:
      if (now() - phase_begun_ >= ProcessWatch::kCatchUp) begin_window();
      break;
    case Phase::Window:
      churn();
      if (now() >= course_.window_end) end_window();
      break;
    case Phase::Drain:
      come_back();
      if (now() - phase_begun_ >= options_.drain && away_.empty() && all_settled()) return finish();
      break;
  }
  if (clock_.is_due(now())) print_progress();
  loop_->schedule(std::max(now(), net::read_clocks().mono) + kTick, [this] { tick(); });
}

bool Generator::nobody_is_in() const {
  return std::ranges::none_of(seats_, [](const auto& seat) {
    return seat->participant() != nullptr && seat->participant()->connected_at().has_value();
  });
}

void Generator::finish() {
  judge();
  for (const auto& seat : seats_) seat->leave();
  loop_->stop();
}

void Generator::begin_window() {
  own_.begin_window();
  server_.begin_window();
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
  result_.own = own_.end_window();
  result_.server = server_.end_window();
  note_quality();
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
  if (!who.failure().empty()) result_.failures.add(who.failure(), who.options().name);
  result_.wrong.unopened += who.wrong().unopened;
  result_.wrong.replayed += who.wrong().replayed;
  result_.wrong.corrupt += who.wrong().corrupt;
  result_.wrong.foreign += who.wrong().foreign;
  result_.wrong.unannounced += who.wrong().unannounced;
  result_.wrong.unknown += who.wrong().unknown;
  add_repairs(who.repairs());
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

void Generator::add_repairs(const Participant::Repairs& more) {
  Participant::Repairs& sum = result_.repairs;
  sum.asked += more.asked;
  sum.repaired += more.repaired;
  sum.padding += more.padding;
  sum.wanted += more.wanted;
  sum.repeated += more.repeated;
  sum.feedbacks += more.feedbacks;
}

/// What the server says of its receivers when the window ends.
void Generator::note_quality() {
  for (const auto& seat : seats_) {
    const Participant* const who = seat->participant();
    if (who == nullptr || !who->quality() || seat->options().receiving == Description::Receiving::No) continue;
    const Quality& quality = *who->quality();
    if (quality.score > 0) result_.scores.push_back(quality.score);
    if (quality.estimate > 0) result_.estimates.push_back(quality.estimate);
    for (const std::string& rid : quality.layers) {
      if (!rid.empty()) ++result_.layers[rid].streams;
    }
  }
  std::ranges::sort(result_.scores);
  std::ranges::sort(result_.estimates);
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
        const SourceOptions& source = from->options().sources[i];
        const auto track = who->verified().find(source.track);
        const std::uint64_t came = track == who->verified().end() ? 0 : track->second.in_window;
        if (!source.rid.empty()) {  // of which it is to get one layer, now this one, now that
          result_.layers[source.rid].packets += came;
          continue;
        }
        result_.verified_expected += from->participant()->sent_in_window(i);
        result_.verified += came;
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
  result_.late = course_.late;
  result_.not_sent = traffic_so_far().not_sent;
}

Traffic Generator::traffic_so_far() const {
  const UdpBatches::Counters& udp = batches_->counters();
  Traffic sum{.received = udp.received, .sent = udp.sent, .not_sent = udp.not_sent};
  for (const auto& seat : seats_) sum += seat->tcp_traffic();
  return sum;
}

void Generator::print_progress() {
  static constexpr std::array kNames{"publishers join", "others join", "warm-up", "warm-up", "window", "drain"};
  const double since = clock_.take(now());
  const auto count = [&](auto&& is) { return std::ranges::count_if(seats_, is); };
  const auto failed = count([](const auto& seat) { return seat->has_failed(); });
  const Traffic traffic = traffic_so_far();
  const auto rate = [&](std::uint64_t later, std::uint64_t earlier) {
    return static_cast<std::uint64_t>(static_cast<double>(later - earlier) / since);
  };
  progress_ << progress_head(now() - begun_, kNames.at(static_cast<std::size_t>(phase_))) << "  in "
            << count([](const auto& seat) { return seat->is_complete(); }) << "/" << seats_.size();
  if (phase_ == Phase::Publishers || phase_ == Phase::Everybody) {
    progress_ << ", answered "
              << count([](const auto& seat) { return seat->participant() && seat->participant()->was_answered(); })
              << ", connected "
              << count([](const auto& seat) { return seat->participant() && seat->participant()->connected_at(); });
  }
  if (failed > 0) progress_ << ", failed " << failed;
  progress_ << ", datagrams/s out " << rate(traffic.sent, traffic_told_.sent) << " in "
            << rate(traffic.received, traffic_told_.received);
  progress_ << ", generator " << static_cast<int>(100 * own_.take_cpu_seconds() / since) << " %";
  if (server_.watches()) {
    progress_ << ", server " << static_cast<int>(100 * server_.take_cpu_seconds() / since) << " % of a core";
  }
  progress_ << std::endl;  // flushed: somebody watches
  traffic_told_ = traffic;
}

}  // namespace

Result<LoadResult, std::string> run_load(const LoadOptions& options, std::ostream& progress) {
  return Generator{options, progress}.run();
}

}  // namespace zvonok::load
