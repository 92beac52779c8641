// Users with devices that call one another at random over the engine: each device sends in order, devices among
// themselves in any order, late, twice, and nonsense. Every step is checked by the model and the invariants.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "call/pair_calls.h"
#include "call/presence.h"
#include "pair_invariants.h"
#include "pair_model.h"
#include "sim_random.h"

namespace zvonok::sim {

enum class Trace { Off, On };

class PairWorld {
 public:
  PairWorld(std::uint64_t seed, Trace trace);

  /// The whole run. Throws Violation.
  void run();
  [[nodiscard]] const Tally& tally() const { return invariants_.tally(); }
  [[nodiscard]] const std::string& trace() const { return trace_text_; }

 private:
  enum class Intent { Offer, OfferChat, Answer, Ice, Hangup, HangupWithReason, Hello, Watch };
  struct Device {
    UserId user;
    DeviceName name;
    std::optional<ConnectionId> connection;
    std::optional<UserId> peer;  // whom it believes to be talking with
    std::deque<Intent> outbox;
    std::uint64_t sent = 0;
  };

  static call::PairOptions make_options(Random& random);
  void make_devices();

  void step();
  void send_something();
  void want_something();
  void come_or_go();
  void answer_look_up();
  void talk_nonsense();
  void say_it_again();
  void pass_time();
  void let_pass(Duration duration);
  void settle_time(TimePoint until);
  void finish();

  void connect(Device& device);
  void disconnect(Device& device);
  void send(Device& device, Intent intent);
  void call_somebody(Device& device);
  void hear(const call::Effects& effects);
  void heard(Device& device, const call::Effect& effect);
  std::string payload(Device& device);
  UserId somebody();
  std::vector<Device*> connected_devices();

  void tell(call::Command command);
  void fire();
  void note(const std::string& line);
  void note_effects(const call::Effects& effects);

  Random random_;
  bool tracing_;
  std::string trace_text_;
  RandomEntropy entropy_;
  call::PairOptions options_;
  call::Presence presence_;
  call::PairCalls engine_;
  PairModel model_;
  PairInvariants invariants_;
  std::vector<UserId> users_;
  std::deque<Device> devices_;
  std::vector<std::pair<call::LookupId, call::LookUpTarget>> look_ups_;
  std::optional<call::Command> last_;  // to be said twice
  Now now_{.mono = TimePoint{hours{1}}, .wall = wall_from_unix_milliseconds(1'700'000'000'000)};
  std::uint64_t next_connection_ = 1;
};

}  // namespace zvonok::sim
