// What must be true of every run whatever the rules say in detail. Knows nothing of how calls are made: it believes
// only the history records, and what payloads say of themselves.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "call/call.h"
#include "call/pair_command.h"
#include "call/pair_effect.h"

namespace zvonok::sim {

/// A payload says who sent it, from where, as which message of that socket, and in which call, if any.
struct Tag {
  UserId user;
  ConnectionId connection;
  std::uint64_t sequence = 0;
  std::string call;  // empty when the socket was part of none, as far as it could know

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Tag parse(const std::string& payload);
};

struct Tally {
  std::map<std::string, std::uint64_t> ended;   // by reason
  std::map<std::string, std::uint64_t> errors;  // by code
  std::uint64_t attempts = 0;
  std::uint64_t answered = 0;
  std::uint64_t delivered = 0;
  std::uint64_t heirs = 0;  // sockets that took the place of one that was in a call
};

class PairInvariants {
 public:
  /// Throws Violation.
  void command(const call::Command& command, const Now& now, const call::Effects& effects);
  void timeout(const Now& now, const call::Effects& effects);
  /// When all sockets are gone and all time has passed.
  void at_the_end() const;

  /// The id of the call that the socket surely is part of, having made it or heard of it; or "".
  [[nodiscard]] std::string call_of(ConnectionId connection) const;
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  struct Client {
    UserId user;
    DeviceName name;
    bool hello = false;
  };
  struct Call {
    call::CallRecord record;
    TimePoint answered{};
    std::set<ConnectionId> devices;                   // who made it, who was rung, and their heirs
    std::set<std::pair<UserId, DeviceName>> orphans;  // of devices that dropped
    std::set<ConnectionId> involved;                  // of them those that have heard something of it, or made it
    std::set<ConnectionId> dismissed;                 // heard its end
  };

  void observe(const Now& now, const call::Effects& effects);
  void record(const call::CallRecord& record, const Now& now);
  void check_new(const call::CallRecord& record, const Now& now);
  void check_times(const call::CallRecord& record);
  void deliver(const call::Effect& effect);
  void message(ConnectionId to, const Tag& tag);
  void candidate(const call::DeliverIce& effect);
  void offer(const call::DeliverOffer& effect);
  void hangup(const call::DeliverHangup& effect);
  void added(ConnectionId to, const CallId& id, const UserId* peer);
  void connected(const call::DeviceConnected& c);
  void spoke(ConnectionId id);
  void gone(ConnectionId id);
  [[nodiscard]] const Client& client(ConnectionId id) const;
  [[nodiscard]] Call* find_call(const UserId& user);
  [[nodiscard]] Call& call_between(ConnectionId to, const UserId& sender);

  std::map<ConnectionId, Client> clients_;
  std::map<std::string, Call> open_;
  std::map<std::string, Call> closing_;  // ended by this very command: what is told of it is told now
  std::set<std::string> ended_;
  std::map<std::pair<ConnectionId, ConnectionId>, std::uint64_t> ice_;  // sender, receiver: the newest sequence
  std::optional<ConnectionId> acting_;                                  // the socket whose command it is
  bool may_attempt_ = false;
  int attempts_ = 0;
  Tally tally_;
};

}  // namespace zvonok::sim
