// Random lives of phone calls in virtual time, beside a model of them: whatever users do, in whatever order, doubled or
// lost the provider's events come, every call has one record that ends once, as the model says, and nothing stays. A
// run that fails prints its seed; ZVONOK_SIM_SEED=<seed> repeats one, ZVONOK_SIM_SEEDS=<count> makes more.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/address.h"
#include "base/overloaded.h"
#include "call/phone_calls.h"
#include "sim/call/sim_random.h"

namespace zvonok::call::phone {
namespace {

#ifdef ZVONOK_SANITIZED
constexpr std::uint64_t kRuns = 200;
#else
constexpr std::uint64_t kRuns = 2000;
#endif

/// What a call must look like, by rules written down once more and in another way: as facts with their times.
struct Model {
  UserId user;
  TimePoint begun{};
  bool incoming = false;
  std::optional<TimePoint> accepted;  // by the user, of one that came in
  std::optional<TimePoint> taken;
  std::optional<TimePoint> answered;
  bool browser = false;
  std::uint64_t last_sequence = 0;
  Status status = Status::Connecting;
  std::optional<TimePoint> ended;
  int ended_records = 0;
  int dials = 0;  // or taken up
  int hang_ups = 0;
  int rings = 0;
  int turned_away = 0;
  bool told_over = false;  // by the provider
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_{mix_bits(seed)}, calls_{options(), presence_} {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      check();
    }
    wait(hours{30});
    check();
    EXPECT_EQ(calls_.call_count(), 0U);
    const PhoneCalls::Counts counts = calls_.counts();
    EXPECT_EQ(counts.users + counts.deadlines + counts.talking, 0U);
    EXPECT_EQ(presence_.engaged_count(), 0U);
    for (const auto& [id, model] : models_) {
      EXPECT_EQ(model.ended_records, 1) << id;
      EXPECT_EQ(model.rings, model.incoming ? 1 : 0) << id;
      EXPECT_EQ(model.dials, model.incoming && !model.accepted ? 0 : 1) << id;
      // Once and in the one way that fits, or not at all when it was the telephone that ended the call.
      EXPECT_EQ(model.hang_ups, model.told_over || model.dials == 0 ? 0 : 1) << id;
      EXPECT_EQ(model.turned_away, model.told_over || model.dials == 1 ? 0 : 1) << id;
    }
  }
  [[nodiscard]] const std::map<Status, int>& tally() const { return tally_; }
  [[nodiscard]] bool spend_limits_met() const { return spend_limits_met_; }

 private:
  static constexpr int kUsers = 4;
  static constexpr Duration kTalkMax = minutes{30};

  static Options options() {
    Options options;
    options.per_user_max = 2;
    options.calls_max = 5;
    options.length_max = minutes{10};
    options.browser_timeout = minutes{4};
    options.a_day = {.calls_max = 20, .talk_max = kTalkMax, .user_talk_max = minutes{12}};
    options.deny = {"+7"};
    return options;
  }

  void step() {
    switch (random_.weighted({5, 3, 12, 2, 2, 8, 4, 4, 8, 1})) {
      case 0: return initiate();
      case 1: return terminate();
      case 2: return provider_says();
      case 3: return control(SetHold{.call = some_call(), .user = some_user(), .to = some_switch()});
      case 4: return control(SetMute{.call = some_call(), .user = some_user(), .to = some_switch()});
      case 5: return wait(milliseconds{static_cast<std::int64_t>(random_.below(20'000))});
      case 6: return come_in();
      case 7: return decide();
      case 8: return browser_comes();
      default: return wait(minutes{static_cast<std::int64_t>(random_.below(60))});
    }
  }

  UserId some_user() { return UserId{"user-" + std::to_string(random_.below(kUsers))}; }
  Switch some_switch() { return random_.chance(50) ? Switch::On : Switch::Off; }
  CallId some_call() {
    if (ids_.empty() || random_.chance(3)) return CallId{"no-such"};
    // Mostly the newest: the others are over.
    const std::size_t back = std::min(ids_.size(), std::size_t{6});
    return random_.chance(90) ? ids_[ids_.size() - 1 - random_.below(back)] : random_.pick(ids_);
  }

  void initiate() {
    const CallId id{"call-" + std::to_string(models_.size() + refused_++)};
    const UserId user = some_user();
    const bool denied = random_.chance(5);
    if (random_.chance(10)) foreign_.insert(user);  // has a call of another kind, until further notice
    if (random_.chance(30)) foreign_.clear();
    const auto [own, open] = open_calls(user);
    const bool engaged_elsewhere = own == 0 && foreign_.contains(user);
    if (engaged_elsewhere) presence_.engage(user);
    Effects effects;
    Model& fresh = models_[id];
    fresh.user = user;
    fresh.begun = now_.mono;
    const Outcome outcome = calls_.handle(Initiate{.call = id,
                                                   .session_id = "s",
                                                   .user = user,
                                                   .number = PhoneNumber{denied ? "+74951234567" : "+4930123456"}},
                                          now_, effects);
    if (engaged_elsewhere) presence_.disengage(user);
    const bool may = !denied && own < options().per_user_max && !engaged_elsewhere && open < options().calls_max;
    if (outcome != Outcome::Done) {
      models_.erase(id);
      EXPECT_TRUE(effects.empty());
      EXPECT_TRUE(!may || outcome == Outcome::DailyLimit || outcome == Outcome::SpendLimit) << id;
      return;
    }
    EXPECT_TRUE(may) << id;
    ids_.push_back(id);
    take(effects);
  }

  /// Of that user, and of all.
  std::pair<std::size_t, std::size_t> open_calls(const UserId& user) const {
    std::size_t own = 0;
    std::size_t open = 0;
    for (const auto& [other, model] : models_) {
      if (model.ended) continue;
      ++open;
      own += model.user == user ? 1 : 0;
    }
    return {own, open};
  }

  void come_in() {
    const CallId id{"call-" + std::to_string(models_.size() + refused_++)};
    const UserId user = some_user();
    const bool reachable = random_.chance(85);
    const auto [own, open] = open_calls(user);
    Effects effects;
    const Outcome outcome = calls_.handle(
        Incoming{.call = id, .session_id = "s", .user = user, .from = "+4930123456", .reachable = reachable}, now_,
        effects);
    if (outcome != Outcome::Done) {
      if (open >= options().calls_max) {
        EXPECT_EQ(outcome, Outcome::ServerFull);
      } else if (outcome != Outcome::SpendLimit) {
        EXPECT_EQ(outcome, own > 0 ? Outcome::InAnotherCall : Outcome::Unreachable);
      }
      const bool told = outcome == Outcome::InAnotherCall || outcome == Outcome::Unreachable;
      EXPECT_EQ(effects.size(), told ? 3U : 1U) << "turned away, and in the history where it concerns a user";
      EXPECT_TRUE(std::holds_alternative<TurnAway>(effects.front()));
      return;
    }
    EXPECT_TRUE(reachable && own < options().per_user_max && open < options().calls_max) << id;
    Model& model = models_[id];
    model.user = user;
    model.begun = now_.mono;
    model.incoming = true;
    model.status = Status::Ringing;
    ids_.push_back(id);
    take(effects);
  }

  /// Accepts or declines.
  void decide() {
    const CallId id = some_call();
    const auto found = models_.find(id);
    const UserId user = found != models_.end() && random_.chance(90) ? found->second.user : some_user();
    const bool accept = random_.chance(70);
    Effects effects;
    const Outcome outcome = accept ? calls_.handle(Accept{.call = id, .user = user}, now_, effects)
                                   : calls_.handle(Decline{.call = id, .user = user}, now_, effects);
    if (found == models_.end() || found->second.ended) {
      EXPECT_EQ(outcome, Outcome::NoSuchCall);
    } else if (Model& model = found->second; model.user != user) {
      EXPECT_EQ(outcome, Outcome::NotYours);
    } else if (!model.incoming || model.accepted) {
      EXPECT_EQ(outcome, model.incoming ? Outcome::AcceptedAlready : Outcome::WrongStatus);
    } else if (accept) {
      model.accepted = now_.mono;
    } else {
      expect_end(model, Status::Declined, now_.mono);
    }
    take(effects);
  }

  void browser_comes() {
    const CallId id = some_call();
    const auto found = models_.find(id);
    const UserId user = found != models_.end() && random_.chance(90) ? found->second.user : some_user();
    Effects effects;
    const Outcome outcome = calls_.handle(BrowserReady{.call = id, .user = user}, now_, effects);
    if (found == models_.end() || found->second.ended) {
      EXPECT_EQ(outcome, Outcome::NoSuchCall);
    } else if (Model& model = found->second; model.user != user) {
      EXPECT_EQ(outcome, Outcome::NotYours);
    } else {
      EXPECT_EQ(outcome, model.incoming && !model.accepted ? Outcome::WrongStatus : Outcome::Done);
      model.browser = model.browser || outcome == Outcome::Done;
    }
    take(effects);
  }

  void terminate() {
    const CallId id = some_call();
    const auto model = models_.find(id);
    const UserId user = model != models_.end() && random_.chance(80) ? model->second.user : some_user();
    Effects effects;
    const Outcome outcome = calls_.handle(Terminate{.call = id, .user = user}, now_, effects);
    if (model == models_.end() || model->second.ended) {
      EXPECT_EQ(outcome, Outcome::NoSuchCall);
    } else if (model->second.user != user) {
      EXPECT_EQ(outcome, Outcome::NotYours);
    } else {
      EXPECT_EQ(outcome, Outcome::Done);
      const Model& m = model->second;
      const Status unanswered = m.incoming && !m.accepted ? Status::Declined : Status::Canceled;
      expect_end(model->second, m.answered ? Status::Completed : unanswered, now_.mono);
    }
    take(effects);
  }

  template <class Command>
  void control(const Command& command) {
    Effects effects;
    const Outcome outcome = calls_.handle(command, now_, effects);
    const auto model = models_.find(command.call);
    const bool there = model != models_.end() && !model->second.ended;
    EXPECT_EQ(outcome == Outcome::NoSuchCall, !there);
    if (there) {
      EXPECT_EQ(outcome == Outcome::NotYours, model->second.user != command.user);
    }
    take(effects);
  }

  /// Numbered events come late and twice as well; unnumbered ones in any order.
  void provider_says() {
    const CallId id = some_call();
    ProviderEvent event{.call = id, .sequence = random_.chance(50) ? 0 : 1 + random_.below(8), .what = TookOn{}};
    switch (random_.weighted({4, 6, 6, 3})) {
      case 0: break;
      case 1: event.what = Rings{}; break;
      case 2: event.what = Answered{}; break;
      default: {
        Over over{.how = static_cast<Over::How>(random_.below(4))};
        if (random_.chance(20)) over.talked = seconds{static_cast<std::int64_t>(random_.below(30))};
        event.what = over;
      }
    }
    Effects effects;
    const Outcome outcome = calls_.handle(event, now_, effects);
    const bool news = believe(event);
    EXPECT_EQ(outcome, news ? Outcome::Done : Outcome::Stale) << id;
    take(effects);
  }

  bool believe(const ProviderEvent& event) {
    const auto found = models_.find(event.call);
    if (found == models_.end() || found->second.ended) return false;
    Model& model = found->second;
    if (event.sequence != 0 && !std::holds_alternative<Over>(event.what)) {
      if (event.sequence <= model.last_sequence) return false;
      model.last_sequence = event.sequence;
    }
    return std::visit(Overloaded{
                          [&](const TookOn&) {
                            if (model.taken || model.incoming) return false;
                            model.taken = now_.mono;
                            return true;
                          },
                          [&](const Rings&) {
                            if (model.status != Status::Connecting) return false;
                            if (!model.taken) model.taken = now_.mono;
                            model.status = Status::Ringing;
                            return true;
                          },
                          [&](const Answered&) {
                            if (model.answered || (model.incoming && !model.accepted)) return false;
                            model.answered = now_.mono;
                            if (!model.taken) model.taken = now_.mono;
                            model.status = Status::InProgress;
                            return true;
                          },
                          [&](const Over& over) {
                            model.told_over = true;
                            const bool may_have = !model.incoming || model.accepted;
                            if (over.talked && may_have && !model.answered) model.answered = now_.mono - *over.talked;
                            const bool answered = model.answered.has_value();
                            const bool gave_up = model.incoming && !answered && over.how != Over::How::Failed;
                            expect_end(model, gave_up ? Status::Canceled : end_of(over, answered), now_.mono);
                            return true;
                          },
                      },
                      event.what);
  }

  static Status end_of(const Over& over, bool answered) {
    if (answered) return Status::Completed;
    switch (over.how) {
      case Over::How::Busy: return Status::Busy;
      case Over::How::NoAnswer: return Status::NoAnswer;
      case Over::How::Hangup:
      case Over::How::Failed: return Status::Failed;
    }
    return Status::Failed;
  }

  void expect_end(Model& model, Status status, TimePoint at) {
    model.status = status;
    model.ended = at;
    ++tally_[status];
  }

  void wait(Duration duration) {
    const TimePoint until = now_.mono + duration;
    while (calls_.next_timeout() <= until) {
      go_to(std::max(now_.mono, calls_.next_timeout()));
      const TimePoint due = calls_.next_timeout();
      Effects effects;
      calls_.handle_timeout(now_, effects);
      ASSERT_NE(calls_.next_timeout(), due) << "a deadline that does not move would spin";
      expire_models(effects);
      take(effects);
    }
    go_to(until);
  }
  void go_to(TimePoint at) {
    const Duration step = at - now_.mono;
    const auto before = std::chrono::floor<std::chrono::days>(now_.wall);
    now_.wall += std::chrono::duration_cast<milliseconds>(step);
    now_.mono = at;
    const auto today = std::chrono::floor<std::chrono::days>(now_.wall);
    if (today != before) spent_ = {};
    for (const auto& [id, model] : models_) {
      if (model.answered && !model.ended) spent_ += std::min<Duration>(step, now_.wall - today);
    }
    // What a late event says of talk that is over already is beyond control.
    EXPECT_LE(spent_, kTalkMax + seconds{1}) << "the day's minutes";
  }

  /// Whatever the engine ended by time, the model must have been due.
  void expire_models(const Effects& effects) {
    for (const Effect& effect : effects) {
      const auto* change = std::get_if<Changed>(&effect);
      if (change == nullptr || !is_over(change->view.status)) continue;
      Model& model = models_.at(change->view.record.id);
      switch (change->cause) {
        case Cause::DialTimeout:
          EXPECT_FALSE(model.taken || model.answered);
          EXPECT_EQ(now_.mono, model.accepted.value_or(model.begun) + options().dial_timeout);
          expect_end(model, Status::Failed, now_.mono);
          break;
        case Cause::RingTimeout:
          EXPECT_FALSE(model.answered);
          EXPECT_FALSE(model.accepted);
          EXPECT_EQ(now_.mono,
                    (model.incoming ? model.begun : model.taken.value_or(TimePoint{})) + options().ring_timeout);
          expect_end(model, Status::NoAnswer, now_.mono);
          break;
        case Cause::TooLong:
          EXPECT_EQ(now_.mono, model.answered.value_or(TimePoint{}) + options().length_max);
          expect_end(model, Status::Completed, now_.mono);
          break;
        case Cause::BrowserLost:
          EXPECT_FALSE(model.browser);
          EXPECT_EQ(now_.mono, model.answered.value_or(TimePoint{}) + options().browser_timeout);
          expect_end(model, Status::Completed, now_.mono);
          break;
        case Cause::SpendLimit:
          EXPECT_TRUE(model.answered);
          spend_limits_met_ = true;
          expect_end(model, Status::Completed, now_.mono);
          break;
        case Cause::Caller:
        case Cause::Callee:
        case Cause::Offline:
        case Cause::UserBusy:
        case Cause::Provider:
        case Cause::RoomEnded:
        case Cause::Moderator:
        case Cause::Shutdown: ADD_FAILURE() << "no reason of time";
      }
    }
  }

  void take(const Effects& effects) {
    for (const Effect& effect : effects) {
      std::visit(Overloaded{
                     [&](const SaveRecord& e) { saved(e.record); },
                     [&](const Dial& e) { ++models_.at(e.call).dials; },
                     [&](const Ring& e) { ++models_.at(e.call).rings; },
                     [&](const TakeUp& e) { ++models_.at(e.call).dials; },
                     [&](const TurnAway& e) { ++models_.at(e.call).turned_away; },
                     [&](const HangUp& e) { ++models_.at(e.call).hang_ups; },
                     [&](const Changed& e) { EXPECT_EQ(e.view.status, status_of(e.view.record)); },
                     [&](const auto& e) { EXPECT_FALSE(models_.at(e.call).ended) << "told of a call that is over"; },
                 },
                 effect);
    }
  }

  void saved(const CallRecord& record) {
    Model& model = models_.at(record.id);
    EXPECT_EQ(model.ended_records, 0) << "nothing is written behind the end";
    if (record.state != CallState::Ended) return;
    ++model.ended_records;
    EXPECT_EQ(status_of(record), model.status) << record.id;
    const auto talked = model.answered ? std::chrono::floor<seconds>(now_.mono - *model.answered) : seconds{0};
    EXPECT_EQ(record.duration_seconds, talked.count());
    EXPECT_EQ(record.answered_at.has_value(), model.answered.has_value());
    EXPECT_LE(record.started_at, *record.ended_at);
  }

  void check() {
    std::map<UserId, std::size_t> open;
    std::size_t talking = 0;
    for (const auto& [id, model] : models_) {
      if (model.ended) continue;
      ++open[model.user];
      talking += model.answered ? 1U : 0U;
      const auto view = calls_.find(id);
      ASSERT_TRUE(view) << id;
      EXPECT_EQ(view->status, model.status) << id;
    }
    std::size_t sum = 0;
    for (const auto& [user, count] : open) {
      sum += count;
      EXPECT_LE(count, options().per_user_max);
      EXPECT_TRUE(presence_.is_engaged(user));
      EXPECT_EQ(calls_.calls_of(user).size(), count);
    }
    const PhoneCalls::Counts counts = calls_.counts();
    EXPECT_EQ(counts.calls, sum);
    EXPECT_EQ(counts.users, open.size());
    EXPECT_EQ(counts.deadlines, sum) << "each call is waited for";
    EXPECT_EQ(counts.talking, talking);
    EXPECT_EQ(presence_.engaged_count(), open.size());
  }

  sim::Random random_;
  Presence presence_;
  PhoneCalls calls_;
  Now now_{.mono = TimePoint{} + hours{1}, .wall = WallTime{} + hours{24 * 365 * 56}};
  std::map<CallId, Model> models_;
  std::vector<CallId> ids_;
  std::set<UserId> foreign_;
  std::size_t refused_ = 0;
  bool spend_limits_met_ = false;
  std::map<Status, int> tally_;
  Duration spent_{};  // today, by all
};

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(PhoneSim, EveryCallEndsOnceAsTheModelSays) {
  const std::uint64_t only = number_from_environment("ZVONOK_SIM_SEED", 0);
  const std::uint64_t first = only != 0 ? only : 1;
  const std::uint64_t last = only != 0 ? only : number_from_environment("ZVONOK_SIM_SEEDS", kRuns);
  std::map<Status, int> tally;
  std::uint64_t spend_limits_met = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    World world{seed};
    world.run(200);
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    for (const auto& [status, count] : world.tally()) tally[status] += count;
    spend_limits_met += world.spend_limits_met() ? 1 : 0;
  }
  if (only != 0) return;
  EXPECT_GT(spend_limits_met, last / 20);
  for (const Status status :
       {Status::Completed, Status::Busy, Status::NoAnswer, Status::Failed, Status::Canceled, Status::Declined}) {
    EXPECT_GT(tally[status], static_cast<int>(last / 10)) << to_text(status);
  }
}

}  // namespace
}  // namespace zvonok::call::phone
