// The rules of docs/protocol/pair.md written down a second time, as plainly as possible: everything is found by walking
// lists, nothing is shared with the engine but its words. The simulation compares the two after every command.
#pragma once
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "call/call.h"
#include "call/pair_command.h"
#include "call/pair_effect.h"
#include "call/pair_options.h"

namespace zvonok::sim {

class PairModel {
 public:
  explicit PairModel(const call::PairOptions& options) : options_{options} {}

  /// What must happen because of the command; compared with the effects. Throws Violation.
  void command(const call::Command& command, const Now& now, const call::Effects& effects);
  void timeout(const Now& now, const call::Effects& effects);

 private:
  enum class Kind { Offer, Answer, Ice };
  struct Message {
    Kind kind = Kind::Ice;
    std::string payload;
  };
  struct Seat {
    UserId user;
    DeviceName name;
    std::optional<ConnectionId> device;
    TimePoint missing_until = TimePoint::max();
    std::vector<Message> due;       // for a missing device
    std::vector<std::string> held;  // a rung device's candidates
    std::size_t seen = 0;           // how many of the caller's candidates it had when it dropped
    bool crossed = false;
  };
  struct Call {
    int serial = 0;
    UserId caller;
    UserId callee;
    std::optional<ChatId> chat;
    bool active = false;
    TimePoint ring_until{};
    TimePoint answered{};
    Seat caller_seat;
    std::vector<Seat> callee_seats;       // one when active
    std::string offer;                    // the caller's newest
    std::vector<std::string> candidates;  // the caller's, for late devices
  };
  struct Loose {
    std::string payload;
    TimePoint until{};
  };
  struct Held {
    std::string payload;
    int call = 0;  // in which its sender sat, 0 for none
  };
  struct Pending {
    std::optional<call::LookupId> lookup;  // unknown until the engine has said it
    call::CallTarget target;
    std::string payload;
    std::vector<Held> candidates;
  };
  struct Client {
    ConnectionId id;
    UserId user;
    DeviceName name;
    bool hello = false;
    std::vector<Loose> loose;
    std::optional<Pending> pending;
    int left_call = 0;  // serial
    std::optional<TimePoint> left_call_at = std::nullopt;
  };
  enum class Placed { Yes, No };
  struct Place {
    Call* call = nullptr;
    Seat* seat = nullptr;
  };

  void on(const call::DeviceConnected& c);
  void on(const call::DeviceDisconnected& c);
  void on(const call::Offer& c);
  void on(const call::Answer& c);
  void on(const call::Ice& c);
  void on(const call::Hangup& c);
  void on(const call::TargetFound& c);
  void on(const call::TargetMissing& c);
  void on(const call::LookupFailed& c);
  void on(const call::Drain& c);
  void on(const call::Shutdown& c);
  void on(const call::Hello& c);
  void on(const call::WatchPresence& c);

  void place_and_release(Client& client, Pending offer, const UserId& target);
  Placed place(Client& client, const Pending& offer, const UserId& target);
  void start(Client& client, const Pending& offer, const UserId& target);
  void release(Client& client, const std::vector<Held>& held, Placed placed);
  Client* client_of(call::LookupId lookup);

  bool relay_offer(Client& client, const std::string& payload);
  bool say(Call& call, Seat& from, const Message& message);
  bool send(Call& call, Seat& to, const Message& message);
  void answer_crossing(Call& call, const std::string& payload);
  void candidate(Client& client, const std::string& payload);
  void activate(Call& call, std::size_t winner);
  void end(Call& call, call::EndReason reason, const Seat* by = nullptr, const std::string& payload = "",
           call::ReasonFrom reason_from = call::ReasonFrom::Server);
  void expire(Call& call);

  bool has_room(const Call& call) const;
  void ring(Call& call, Client& client);
  void ring_more(Call& call);
  void present(const Call& call, ConnectionId to);
  void erase_client(ConnectionId id);

  Client* find(ConnectionId id);
  Client* speaker(ConnectionId id, const call::CallTarget* wants);
  void leave(const Call& call, ConnectionId device);
  bool take_empty_seat(Call& call, Client& fresh);
  Call* call_of(const UserId& user);
  Place place_of(ConnectionId id);
  void tell(ConnectionId to, const std::string& line) { expected_[to].push_back(line); }
  void refuse(const Client& client, call::ErrorCode code);
  void record(const UserId& caller, const UserId& callee, const std::optional<ChatId>& chat, const std::string& rest);
  void compare(const call::Effects& effects);

  const call::PairOptions options_;
  std::list<Client> clients_;  // oldest first
  std::list<Call> calls_;
  int next_serial_ = 1;
  bool draining_ = false;

  Now now_{};
  std::map<ConnectionId, std::vector<std::string>> expected_;
  std::vector<std::string> expected_records_;
  std::vector<std::string> expected_lookups_;
};

}  // namespace zvonok::sim
