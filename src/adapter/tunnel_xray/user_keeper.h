// Whom an external tunnel server is to let in, and the work of making it so: it forgets everybody when it restarts, may
// be away for a while, and may still know users of an earlier life of ours.
//
// Emails come from a bounded set (`<prefix>.<number><c|p>`, the lowest number that is free and has rested), since the
// server keeps statistics by email for ever, and since what an earlier life has left can then be found without a
// listing, which v2ray does not have. One more user, the sentinel, is nobody's: that it can be added again tells that
// the server has forgotten everybody; that it is there before we have put it there, that an earlier life left users.
//
// Time is an argument; the API blocks. One thread.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapter/tunnel_xray/traffic_meter.h"
#include "adapter/tunnel_xray/user_api.h"
#include "base/entropy.h"
#include "base/id.h"
#include "base/log.h"
#include "base/private.h"
#include "base/result.h"
#include "base/time.h"

namespace zvonok::tunnel_xray {

struct KeeperOptions {
  std::string prefix = "zvonok";       // of emails: other for each server that shares the tunnel server
  Duration open_timeout = seconds{4};  // for a call's users to be let in; retries included
  Duration check_interval = seconds{1};
  Duration retry_first = milliseconds{100};
  Duration retry_max = seconds{2};
  std::size_t sweep_gap = 256;  // an earlier life's users are looked for until so many numbers in a row had none
  std::size_t calls_max = 100'000;
  MeterOptions meter;  // its prefix is this one's
};

struct KeeperCounters {
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t put_back = 0;   // users, after a restart of the server
  std::uint64_t restarts = 0;   // of the server, noticed
  std::uint64_t left_over = 0;  // users of an earlier life, removed
  std::uint64_t lost = 0;       // times that the server went out of reach
  MeterCounters traffic;
};

class UserKeeper {
 public:
  using Ids = std::array<Private<std::string>, 2>;
  using Opened = std::move_only_function<void(Result<void, std::string>)>;

  /// `entropy` is for the sentinel's id. All three must outlive this.
  UserKeeper(KeeperOptions options, UserApi& api, Entropy& entropy, Logger& log);

  /// `done` is called by a later `step`: when both are let in, or when that could not be done in time. Not after
  /// `close`.
  void open(const CallId& call, Ids ids, Opened done, TimePoint now);
  /// `used` is called once, with what the call has used where that is known: now, or by a later `step`. Not for a call
  /// that was not let in.
  using Used = TrafficMeter::Used;
  void close(const CallId& call, Used used, TimePoint now);
  /// Does what is due.
  void step(TimePoint now);
  /// When to call `step` next, if nothing else happens.
  [[nodiscard]] TimePoint next(TimePoint now) const;
  /// Takes away what can be taken away at once, the sentinel last. Nothing else may be called after it.
  void finish();

  [[nodiscard]] KeeperCounters counters() const;
  [[nodiscard]] std::size_t calls() const { return calls_.size(); }
  [[nodiscard]] std::size_t to_remove() const { return removals_.size(); }

 private:
  enum class Link : std::uint8_t { Unknown, Up, Down };
  struct Call {
    std::size_t number = 0;
    Ids ids;
    std::array<bool, 2> there{};
    bool is_begun = false;   // the server was asked to let them in
    bool was_there = false;  // both, once
    TimePoint until{};
    Opened done;  // empty when it has been answered
  };

  [[nodiscard]] std::size_t take_number();
  void expire(TimePoint now);
  [[nodiscard]] bool check(TimePoint now);
  [[nodiscard]] bool sweep(TimePoint now);
  [[nodiscard]] bool work_off_removals(TimePoint now);
  [[nodiscard]] bool let_in(Call& call, TimePoint now);
  void forget();
  void read_traffic(TimePoint now);
  [[nodiscard]] bool good(const ApiAnswer& answer, TimePoint now);

  const KeeperOptions options_;
  UserApi& api_;
  Logger& log_;
  TrafficMeter meter_;
  TunnelUser sentinel_;
  std::unordered_map<CallId, Call> calls_;
  std::map<std::string, std::size_t> removals_;  // emails, with their number
  std::set<std::size_t> free_;                   // numbers below `numbers_` that nobody has
  std::map<std::size_t, std::size_t> held_;      // numbers of ended calls: how many users are still to be removed
  std::size_t numbers_ = 0;
  Link link_ = Link::Unknown;
  bool known_ = false;   // the sentinel is ours
  bool unsure_ = false;  // whether the server has restarted, since an answer about the sentinel was lost
  std::string error_;    // the last
  Duration retry_{};
  TimePoint retry_at_{};
  TimePoint check_at_{};
  KeeperCounters counters_;
};

}  // namespace zvonok::tunnel_xray
