// What calls use of an external tunnel server, by its statistics. The server counts for each email since its start,
// keeps the counters of users who are gone, and goes on counting for connections that outlive their user. So what a
// call has used is what its two counters have grown by: they are read every so often, added up here, and read once more
// when the call ends; a restart of the server takes away no more than what came after the last reading. An email whose
// call is over rests until its connections are gone as well, and its counters are known, before another call has it.
//
// Nothing waits for statistics: a server without them, or a slow one, leaves bytes out, with a counted reason.
//
// Time is an argument; the API blocks. One thread.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/tunnel_xray/user_api.h"
#include "base/log.h"
#include "base/time.h"

namespace zvonok::tunnel_xray {

struct MeterOptions {
  std::string prefix = "zvonok";          // of emails
  Duration interval = seconds{30};        // between two readings while there are calls
  Duration rest = seconds{65};            // of an email: longer than the server's `connIdle`
  Duration answer_timeout = seconds{10};  // for what an ended call has used
  Duration retry_first = seconds{1};      // when the server does not answer
  Duration retry_max = seconds{30};
  Duration refusal_pause = seconds{60};  // when it has no statistics; a restart ends it
  std::size_t resting_max = 20'000;      // emails; beyond them the oldest rests less
  std::size_t numbers_max = 1'000'000;   // in names of counters, of whatever life
};

/// Bytes that one side sent and got, as the server counts content.
struct SideBytes {
  std::int64_t sent = 0;
  std::int64_t received = 0;
  friend bool operator==(const SideBytes&, const SideBytes&) = default;
};

/// Why an ended call has no bytes.
enum class Uncounted : std::uint8_t {
  NoAnswer,    // statistics can't be read
  NoCounters,  // they can, and the server counts nobody: its policy lacks statsUserUplink and statsUserDownlink
  NoStart,     // the counters could not be read before the call had them
};
inline constexpr std::size_t kUncounted = 3;

struct MeterCounters {
  std::uint64_t readings = 0;
  std::uint64_t failures = 0;  // of readings
  std::uint64_t counted = 0;   // calls
  std::uint64_t partly = 0;    // calls: the last reading before the end is what there is
  std::array<std::uint64_t, kUncounted> uncounted{};
};

class TrafficMeter {
 public:
  using Sides = std::array<SideBytes, 2>;  // caller, callee
  using Used = std::move_only_function<void(std::optional<Sides>)>;
  /// Whether the server is there and has not restarted since before the reading.
  using Confirm = std::function<bool()>;

  /// Both must outlive this.
  TrafficMeter(MeterOptions options, UserApi& api, Logger& log);

  [[nodiscard]] std::string email(std::size_t number, std::size_t side) const;

  /// A call has the number from now on.
  void begin(std::size_t number, TimePoint now);
  /// The call is over. `used` is called once: now, by a later `read`, or by `expire`.
  void end(std::size_t number, Used used, TimePoint now);
  /// There was no call after all.
  void drop(std::size_t number);
  /// Its users are removed: the number is to rest.
  void rest(std::size_t number, TimePoint now);
  /// Numbers that have rested, each once.
  [[nodiscard]] std::vector<std::size_t> take_rested(TimePoint now);

  void server_restarted(TimePoint now);
  /// Ended calls that have waited too long are told what is known.
  void expire(TimePoint now);
  [[nodiscard]] bool is_due(TimePoint now) const;
  /// False: calls that begin now could not be told what they have used.
  [[nodiscard]] bool has_baseline() const { return has_baseline_; }
  /// When something is due; `is_reachable`: the server is.
  [[nodiscard]] TimePoint next(bool is_reachable) const;
  /// Blocks for as long as the API does.
  void read(TimePoint now, const Confirm& confirm);
  /// Tells ended calls what there is to tell, and leaves zeros behind.
  void finish();

  [[nodiscard]] const MeterCounters& counters() const { return counters_; }

 private:
  static constexpr std::size_t kWays = 4;  // sent and received of both sides
  using Values = std::array<std::int64_t, kWays>;
  struct Number {
    Values seen{};  // at the last reading
    Values sum{};   // of the call that has it
    TimePoint rest_until{};
    bool is_used = false;   // by a call, until it has been told
    bool is_known = false;  // nobody moves the counters, and `seen` is what they say
    bool counts = false;    // of the call: it was known at its start
    bool was_read = false;  // of the call: since its start
  };
  struct Ended {
    std::size_t number = 0;
    Used used;
    TimePoint until{};
  };
  enum class Whole : bool { No, Yes };
  enum class Service : std::uint8_t { Untried, Usable, Silent, Refused };
  struct Place {
    std::size_t number = 0;
    std::size_t way = 0;
  };

  [[nodiscard]] bool is_needed() const;
  [[nodiscard]] std::optional<Place> place_of(const TrafficCounter& counter) const;
  [[nodiscard]] std::vector<std::string> what_to_ask(bool all) const;
  void take_all(const std::vector<TrafficCounter>& counters, Reset reset, TimePoint now);
  void take_some(const std::vector<TrafficCounter>& counters);
  void add(Number& number, std::size_t way, std::int64_t value) const;
  void free_rested(TimePoint now);
  void lose_baseline();
  void failed(const TrafficAnswer& answer, TimePoint now);
  void succeeded();
  void tell_all();
  void tell(Ended ended, Whole whole);
  void give_up(Ended ended);
  void leave_out(Ended ended, Uncounted why);
  [[nodiscard]] Number& at(std::size_t number);

  const MeterOptions options_;
  UserApi& api_;
  Logger& log_;
  std::vector<Number> numbers_;
  std::deque<std::size_t> resting_;  // in the order of their time
  std::vector<std::size_t> rested_;
  std::deque<Ended> ended_;  // likewise
  std::size_t used_ = 0;     // numbers
  Service service_ = Service::Untried;
  Duration retry_{};
  TimePoint retry_at_{};
  TimePoint read_at_{};           // all, next
  bool has_baseline_ = false;     // numbers that nobody had so far have `seen` as well
  bool has_values_ = false;       // the server's counters may not be zero
  bool has_counters_ = false;     // the server has shown one of ours, in this life of it
  bool told_of_silence_ = false;  // that it shows none
  MeterCounters counters_;
};

}  // namespace zvonok::tunnel_xray
