// Drives an IceLite through choices made by a seed or a fuzzer, and holds it against a plain model of what it promises.
#pragma once
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "unit/proto/ice/ice_peer.h"

namespace zvonok::test {

/// `choose(n)` gives a number below n, n at most 256.
template <class Choose>
class IceModel {
 public:
  explicit IceModel(Choose& choose)
      : choose_{choose}, tuples_max_{2 + choose(4)}, agent_{now_, generation(0), {.tuples_max = tuples_max_}} {}

  /// One step. What promise it broke; nothing when none.
  std::string step() {
    switch (choose_(8)) {
      case 0:
      case 1:
      case 2: check(); break;
      case 3: now_ += milliseconds{static_cast<int>(choose_(256)) * 50}; break;
      case 4:
        now_ += seconds{choose_(20)};
        agent_.handle_timeout(now_);
        break;
      case 5: agent_.note_media(now_, random_path()); break;
      case 6: agent_.remove_path(now_, random_path()); break;
      case 7: signal(); break;
    }
    return broken();
  }
  void raw_packet(Bytes packet) {
    std::array<std::uint8_t, ice::kResponseBytesMax> response{};
    const ice::Path path = random_path();
    const auto outcome = agent_.handle_request(now_, path, packet, response);
    // Nobody writes a MESSAGE-INTEGRITY by chance.
    if (outcome.response_bytes != 0) problem_ = "answered a packet without the password";
    if (agent_.is_valid(path) && !ever_checked_.contains(path)) problem_ = "a packet without the password was believed";
  }
  [[nodiscard]] std::string broken() {
    poll();
    if (!problem_.empty()) return problem_;
    const auto selected = agent_.selected();
    if (agent_.valid_paths() > tuples_max_) return "more paths than allowed";
    if (routed_.size() != agent_.valid_paths()) return "events and valid paths differ";
    for (const ice::Path& path : routed_) {
      if (!agent_.is_valid(path)) return "a path is routed that is not valid";
      if (!ever_checked_.contains(path)) return "a path is valid without a check";
    }
    if (selected && !agent_.is_valid(*selected)) return "the selected path is not valid";
    if (selected != told_path_) return "another path was told than is selected";
    if (agent_.state() != told_state_) return "another state was told than there is";
    const bool failed = agent_.state() == ice::State::Failed;
    if (failed && (selected || agent_.valid_paths() != 0 || agent_.next_timeout())) return "failed, but not at rest";
    if (agent_.send_path() && !selected) return "sends without a path";
    const bool alive = agent_.state() == ice::State::Connected || agent_.state() == ice::State::Suspect;
    if (alive != agent_.send_path().has_value()) return "consent and state differ";
    return timeouts();
  }

 private:
  static ice::Credentials generation(int number) {
    return {"local" + std::to_string(number), "password of generation " + std::to_string(number)};
  }
  static std::string remote_ufrag(int number) { return "remote" + std::to_string(number); }

  ice::Path random_path() {
    const auto number = static_cast<std::uint32_t>(choose_(7));
    return number < 4 ? udp_path(number) : tcp_path(number);
  }

  void check() {
    const auto back = static_cast<int>(choose_(3));
    const int number = std::max(0, newest_ - back);
    const ice::Credentials mine = generation(number);
    const std::size_t kind = choose_(8);
    CheckSpec spec{mine.ufrag, remote_ufrag(number), mine.pwd};
    if (kind == 0) spec.receiver_pwd += "x";
    if (kind == 1) spec.role = CheckSpec::Role::Controlled;
    if (kind >= 5) spec.nominate = stun::Nominate::Yes;
    const ice::Path path = random_path();
    const auto before = agent_.selected();
    std::array<std::uint8_t, ice::kResponseBytesMax> response{};
    const auto outcome = agent_.handle_request(now_, path, write_check(spec), response);
    const bool accepted = outcome.verdict == ice::Verdict::Accepted;
    if (accepted) {
      ever_checked_.insert(path);
      if (!agent_.is_valid(path)) problem_ = "a checked path is not valid";
      if (spec.nominate == stun::Nominate::Yes && agent_.selected() != path) problem_ = "a nomination was ignored";
      if (number < promoted_) problem_ = "a retired generation was accepted";
      if (number == promoted_ && before && spec.nominate == stun::Nominate::No && agent_.selected() != before) {
        problem_ = "a plain check moved the path";
      }
      promoted_ = std::max(promoted_, number);
    }
    if (accepted && kind <= 1) problem_ = "a bad check was accepted";
    if (!accepted && agent_.selected() != before && agent_.state() != ice::State::Failed) {
      problem_ = "a refused check moved the path";
    }
    const bool answered = accepted || outcome.verdict == ice::Verdict::RoleConflict;
    if (answered != (outcome.response_bytes != 0)) problem_ = "answered what should be dropped, or the other way";
  }

  void signal() {
    if (choose_(2) == 0) {
      agent_.set_remote(now_, {remote_ufrag(newest_), "remote password"});
    } else {
      agent_.restart(now_, generation(++newest_));
    }
    if (agent_.local() != generation(newest_)) problem_ = "not the newest credentials";
  }

  void poll() {
    for (int events = 0; const auto event = agent_.poll_event(); ++events) {
      if (events > 64) {
        problem_ = "events without end";
        return;
      }
      if (const auto* added = std::get_if<ice::PathAdded>(&*event)) {
        if (!routed_.insert(added->path).second) problem_ = "a path was added twice";
      } else if (const auto* removed = std::get_if<ice::PathRemoved>(&*event)) {
        if (routed_.erase(removed->path) == 0) problem_ = "a path was removed that was not added";
      } else if (const auto* selected = std::get_if<ice::PathSelected>(&*event)) {
        told_path_ = selected->path;
      } else if (const auto* state = std::get_if<ice::StateChanged>(&*event)) {
        told_state_ = state->state;
      } else if (const auto* retired = std::get_if<ice::UfragRetired>(&*event)) {
        if (!retired_.insert(retired->ufrag).second) problem_ = "a ufrag was retired twice";
        if (retired->ufrag == agent_.local().ufrag) problem_ = "the newest ufrag was retired";
      }
    }
  }

  /// A timer that fires when asked must find work, and not ask for the same moment again.
  std::string timeouts() {
    const auto at = agent_.next_timeout();
    if (!at || *at > now_) return {};
    agent_.handle_timeout(now_);
    const auto again = agent_.next_timeout();
    if (again && *again <= now_) return "a timer that fires for ever";
    return broken();
  }

  Choose& choose_;
  TimePoint now_{hours{1}};
  std::size_t tuples_max_;
  ice::IceLite agent_;
  int newest_ = 0;
  int promoted_ = 0;
  std::string problem_;
  std::unordered_set<ice::Path> routed_;
  std::unordered_set<ice::Path> ever_checked_;
  std::set<std::string> retired_;
  std::optional<ice::Path> told_path_;
  ice::State told_state_ = ice::State::New;
};

}  // namespace zvonok::test
