#include "proto/socketio/recovery.h"

#include <array>
#include <charconv>

#include "base/check.h"
#include "proto/json_scan.h"

namespace zvonok::socketio {
namespace {

constexpr std::size_t kPidBytes = 24;   // 32 characters
constexpr std::size_t kEpochBytes = 6;  // 8 characters
constexpr std::size_t kClaimBytesMax = 64;
constexpr int kOffsetBase = 36;

std::optional<std::string> short_text(const json::Value& value) {
  if (value.type != json::Type::String || value.raw_string().size() > kClaimBytesMax) return std::nullopt;
  return json::unescape(value.raw_string());
}

}  // namespace

/// The payload has been checked; what the stricter reader does not like behind its `pid` is no matter here.
std::optional<Claim> read_claim(std::string_view payload) {
  Claim claim;
  json::ObjectReader reader{payload};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "pid")) {
      claim.pid = short_text(member->value).value_or("");
    } else if (json::raw_is(member->key, "offset") && member->value.type != json::Type::Null) {
      // Some clients say null before their first event. One that can't be ours is an unknown one, which is not the same
      // as none.
      claim.offset = short_text(member->value).value_or("");
    }
  }
  if (claim.pid.empty()) return std::nullopt;
  return claim;
}

Recovery::Recovery(const RecoveryOptions& options, Parts parts)
    : options_{options},
      entropy_{parts.entropy},
      counters_{parts.counters.recovery},
      rooms_{parts.rooms},
      epoch_{make_secret(entropy_, kEpochBytes)} {}

// ---- events --------------------------------------------------------------------------------------------------------

EventNumber Recovery::seal(std::string& packet) {
  ZVONOK_CHECK(packet.ends_with(']'));
  packet.pop_back();
  packet += ",\"";
  packet += epoch_;
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), ++last_event_, kOffsetBase).ptr;
  packet.append(digits.data(), end);
  packet += "\"]";
  return last_event_;
}

std::optional<EventNumber> Recovery::read_offset(std::string_view offset) const {
  if (offset.size() <= epoch_.size()) return std::nullopt;
  // Clients remember the offset of a session that is over, until the next event: of this one they have seen nothing.
  const bool is_ours = offset.starts_with(epoch_);
  offset.remove_prefix(epoch_.size());
  EventNumber number = 0;
  const auto [end, error] = std::from_chars(offset.data(), offset.data() + offset.size(), number, kOffsetBase);
  if (error != std::errc{} || end != offset.data() + offset.size()) return std::nullopt;
  if (!is_ours) return EventNumber{0};
  if (number > last_event_) return std::nullopt;
  return number;
}

void Recovery::remember(Stay& stay, const SharedEvent& event) {
  ReplayLog& log = stay.memory->log;
  counters_.bytes -= log.bytes();
  counters_.events_forgotten += log.push(event, options_.replay);
  if (counters_.bytes + log.bytes() > options_.bytes_max) {
    counters_.events_forgotten += log.size();
    log.forget_all();
  }
  counters_.bytes += log.bytes();
}

/// This pong answers a ping that was sent behind the pong before it.
void Recovery::on_pong(Memory& memory) {
  counters_.bytes -= memory.log.bytes();
  memory.log.forget_through(memory.at_last_pong);
  counters_.bytes += memory.log.bytes();
  memory.at_last_pong = memory.log.newest();
}

// ---- clients -------------------------------------------------------------------------------------------------------

void Recovery::begin(Stay& stay, std::string id, std::string_view owner) {
  stay.memory = std::make_unique<Memory>();
  stay.memory->id = std::move(id);
  stay.memory->pid = make_secret(entropy_, kPidBytes);
  stay.memory->owner = owner;
  const bool fresh = by_pid_.emplace(stay.memory->pid, &stay).second;
  ZVONOK_CHECK(fresh);
}

void Recovery::end(Stay& stay) {
  counters_.bytes -= stay.memory->log.bytes();
  by_pid_.erase(stay.memory->pid);
  stay.memory.reset();
}

void Recovery::keep(std::unique_ptr<Stay> stay, TimePoint now) {
  Memory& memory = *stay->memory;
  stay->socket = {};
  memory.left_as = ++last_left_;
  memory.expires_at = now + options_.away_max;
  if (!memory.owner.empty()) away_by_owner_.emplace(memory.owner, memory.left_as);
  away_.emplace(memory.left_as, std::move(stay));
  ++counters_.away;
  hold_to_limits(memory);
}

void Recovery::hold_to_limits(const Memory& newest) {
  if (!newest.owner.empty()) {
    const auto first = away_by_owner_.lower_bound(std::pair<std::string_view, std::uint64_t>{newest.owner, 0});
    std::size_t count = 0;
    for (auto at = first; at != away_by_owner_.end() && at->first == newest.owner; ++at) ++count;
    if (count > options_.away_per_owner_max) forget(away_.find(first->second), Forgotten::TooManyOfOwner);
  }
  if (away_.size() > options_.away_clients_max) forget(away_.begin(), Forgotten::TooMany);
}

Result<Recovery::Found, NotRecovered> Recovery::look_up(const Claim& claim, Asker asker, TimePoint now) {
  handle_timeout(now);
  const auto found = by_pid_.find(claim.pid);
  if (found == by_pid_.end() || found->second->nsp != asker.nsp) return fail(NotRecovered::UnknownSession);
  Stay& stay = *found->second;
  if (stay.memory->owner != asker.owner) return fail(NotRecovered::OtherOwner);
  const auto seen = claim.offset ? read_offset(*claim.offset) : EventNumber{0};
  if (seen && stay.memory->log.reaches_back_to(*seen)) return Found{.stay = &stay, .seen = *seen};
  // Its client will be given another one.
  if (stay.is_away()) forget(away_.find(stay.memory->left_as), Forgotten::MissedTooMuch);
  return fail(seen ? NotRecovered::MissedTooMuch : NotRecovered::UnknownOffset);
}

std::unique_ptr<Stay> Recovery::take(std::string_view pid) {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end() || !found->second->is_away()) return nullptr;
  auto stay = take(away_.find(found->second->memory->left_as));
  stay->memory->at_last_pong = 0;  // of another connection
  return stay;
}

std::unique_ptr<Stay> Recovery::take(Away::iterator place) {
  ZVONOK_CHECK(place != away_.end());
  auto stay = std::move(place->second);
  away_by_owner_.erase(std::pair<std::string_view, std::uint64_t>{stay->memory->owner, stay->memory->left_as});
  away_.erase(place);
  --counters_.away;
  return stay;
}

void Recovery::forget(Away::iterator place, Forgotten why) {
  const auto stay = take(place);
  rooms_.leave_all(*stay);
  end(*stay);
  counters_.count(why);
}

// ---- time ----------------------------------------------------------------------------------------------------------

TimePoint Recovery::next_timeout() const {
  return away_.empty() ? TimePoint::max() : away_.begin()->second->memory->expires_at;
}

void Recovery::handle_timeout(TimePoint now) {
  while (next_timeout() <= now) forget(away_.begin(), Forgotten::Expired);
}

}  // namespace zvonok::socketio
