#include "adapter/tunnel_xray/user_keeper.h"

#include <algorithm>
#include <utility>

namespace zvonok::tunnel_xray {
namespace {

MeterOptions meter_options(const KeeperOptions& options) {
  MeterOptions out = options.meter;
  out.prefix = options.prefix;
  return out;
}

}  // namespace

UserKeeper::UserKeeper(KeeperOptions options, UserApi& api, Entropy& entropy, Logger& log)
    : options_{std::move(options)},
      api_{api},
      log_{log},
      meter_{meter_options(options_), api, log},
      sentinel_{.email = options_.prefix + ".sentinel", .id = Private<std::string>{make_uuid(entropy)}},
      retry_{options_.retry_first} {}

KeeperCounters UserKeeper::counters() const {
  KeeperCounters out = counters_;
  out.traffic = meter_.counters();
  return out;
}

std::size_t UserKeeper::take_number() {
  if (free_.empty()) return numbers_++;
  return free_.extract(free_.begin()).value();
}

void UserKeeper::open(const CallId& call, Ids ids, Opened done, TimePoint now) {
  if (calls_.contains(call)) return done(fail(std::string{"the call has users already"}));
  if (calls_.size() >= options_.calls_max) return done(fail(std::string{"too many calls"}));
  Call fresh;
  fresh.number = take_number();
  fresh.ids = std::move(ids);
  fresh.until = now + options_.open_timeout;
  fresh.done = std::move(done);
  calls_.emplace(call, std::move(fresh));
}

void UserKeeper::close(const CallId& call, Used used, TimePoint now) {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  // Also those that may be there although nobody has said so.
  const std::size_t number = found->second.number;
  for (std::size_t side = 0; side < 2; ++side) removals_.emplace(meter_.email(number, side), number);
  held_[number] = 2;
  const bool was_there = found->second.was_there;
  const bool is_begun = found->second.is_begun;
  calls_.erase(found);
  if (was_there) {
    meter_.end(number, std::move(used), now);
  } else if (is_begun) {
    meter_.drop(number);
  }
}

void UserKeeper::expire(TimePoint now) {
  std::vector<CallId> late;
  for (const auto& [id, call] : calls_) {
    if (call.done && call.until <= now) late.push_back(id);
  }
  for (const CallId& id : late) {
    Opened done = std::move(calls_.at(id).done);
    close(id, {}, now);
    done(fail(error_.empty() ? std::string{"the tunnel server does not answer"} : error_));
  }
}

/// False: the server can't be worked with at the moment.
bool UserKeeper::good(const ApiAnswer& answer, TimePoint now) {
  if (answer.status != ApiStatus::Unavailable && answer.status != ApiStatus::Refused) return true;
  if (link_ != Link::Down) {
    ++counters_.lost;
    log_.error("the tunnel server is of no use", {{"error", answer.detail}});
  }
  link_ = Link::Down;
  error_ = answer.detail;
  retry_at_ = now + retry_;
  retry_ = std::min(retry_ * 2, options_.retry_max);
  return false;
}

void UserKeeper::step(TimePoint now) {
  expire(now);
  meter_.expire(now);
  if (link_ == Link::Down && now < retry_at_) return;
  if ((link_ != Link::Up || check_at_ <= now) && !check(now)) return;
  if (!meter_.has_baseline()) read_traffic(now);  // of calls that begin before it nothing is known
  if (link_ != Link::Up) return;
  if (!work_off_removals(now)) return;
  for (auto& [id, call] : calls_) {
    if (!let_in(call, now)) return;
  }
  read_traffic(now);
}

void UserKeeper::read_traffic(TimePoint now) {
  if (link_ == Link::Up && meter_.is_due(now)) {
    meter_.read(now, [this, now] {
      const std::uint64_t restarts = counters_.restarts;
      return check(now) && counters_.restarts == restarts;
    });
  }
  for (const std::size_t number : meter_.take_rested(now)) free_.insert(number);
}

/// Whether the server is there, and remembers us.
bool UserKeeper::check(TimePoint now) {
  const ApiAnswer answer = api_.add(sentinel_);
  if (!good(answer, now)) {
    unsure_ = true;  // it may have been added, and only the answer was lost: then it is there next time all the same
    return false;
  }
  if (answer.status == ApiStatus::Done && known_) {
    ++counters_.restarts;
    log_.warn("the tunnel server has restarted; its users are put back", {{"calls", calls_.size()}});
    forget();
    meter_.server_restarted(now);
  } else if (unsure_) {
    forget();
  }
  unsure_ = false;
  if (answer.status == ApiStatus::AlreadyExists && !known_ && !sweep(now)) return false;
  known_ = true;
  if (link_ != Link::Up) log_.info("the tunnel server is reached", {{"calls", calls_.size()}});
  link_ = Link::Up;
  retry_ = options_.retry_first;
  check_at_ = now + options_.check_interval;
  return true;
}

/// Everybody is put back who is not there any more.
void UserKeeper::forget() {
  for (auto& [id, call] : calls_) call.there = {};
}

/// Removes what an earlier life has left, and puts our sentinel in the place of its. Its end is the proof that it was
/// whole: if it is broken off, it begins anew.
bool UserKeeper::sweep(TimePoint now) {
  std::size_t found = 0;
  std::size_t end = options_.sweep_gap;
  for (std::size_t number = 0; number < end; ++number) {
    for (std::size_t side = 0; side < 2; ++side) {
      const ApiAnswer answer = api_.remove(meter_.email(number, side));
      if (!good(answer, now)) return false;
      if (answer.status != ApiStatus::Done) continue;
      ++found;
      end = number + 1 + options_.sweep_gap;
    }
  }
  if (!good(api_.remove(sentinel_.email), now) || !good(api_.add(sentinel_), now)) return false;
  counters_.left_over += found;
  if (found > 0) log_.warn("users of an earlier life of this server were removed", {{"users", found}});
  return true;
}

bool UserKeeper::work_off_removals(TimePoint now) {
  while (!removals_.empty()) {
    const auto first = removals_.begin();
    const ApiAnswer answer = api_.remove(first->first);
    if (!good(answer, now)) return false;
    if (answer.status == ApiStatus::Done) ++counters_.removed;
    const auto held = held_.find(first->second);
    if (--held->second == 0) {
      meter_.rest(held->first, now);
      held_.erase(held);
    }
    removals_.erase(first);
  }
  return true;
}

bool UserKeeper::let_in(Call& call, TimePoint now) {
  if (!std::exchange(call.is_begun, true)) meter_.begin(call.number, now);
  for (std::size_t side = 0; side < 2; ++side) {
    if (call.there[side]) continue;
    const TunnelUser user{.email = meter_.email(call.number, side), .id = call.ids[side]};
    ApiAnswer answer = api_.add(user);
    if (answer.status == ApiStatus::AlreadyExists && !call.was_there) {
      // An answer of ours that got lost, or a stranger's id under our email: the id has to be this one.
      if (!good(api_.remove(user.email), now)) return false;
      answer = api_.add(user);
    }
    if (!good(answer, now)) return false;
    call.there[side] = true;
    if (answer.status == ApiStatus::Done) ++(call.was_there ? counters_.put_back : counters_.added);
  }
  call.was_there = true;
  if (call.done) std::exchange(call.done, {})({});
  return true;
}

TimePoint UserKeeper::next(TimePoint now) const {
  TimePoint when = link_ == Link::Down ? retry_at_ : link_ == Link::Up ? check_at_ : now;
  for (const auto& [id, call] : calls_) {
    if (call.done) when = std::min(when, link_ == Link::Down ? call.until : now);
  }
  if (!removals_.empty() && link_ == Link::Up) when = now;
  return std::min(when, meter_.next(link_ == Link::Up));
}

void UserKeeper::finish() {
  if (link_ != Link::Up) return;
  std::vector<CallId> open;
  for (const auto& [id, call] : calls_) open.push_back(id);
  const TimePoint whenever{};
  for (const CallId& id : open) close(id, {}, whenever);
  meter_.finish();
  if (work_off_removals(whenever)) (void)good(api_.remove(sentinel_.email), whenever);
}

}  // namespace zvonok::tunnel_xray
