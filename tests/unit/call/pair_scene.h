// A stage for pair-call tests: devices have names, time is a number, and what the engine does is told in short lines,
// so that a rule of the protocol reads as a script.
#pragma once
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/entropy.h"
#include "base/overloaded.h"
#include "call/pair_calls.h"
#include "call/presence.h"

namespace zvonok::call {

class CountingEntropy final : public Entropy {
 public:
  void fill(MutableBytes out) override {
    ++next_;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(next_ >> (i % 8 * 8));
  }

 private:
  std::uint64_t next_ = 0;
};

using Lines = std::vector<std::string>;

class PairScene {
 public:
  explicit PairScene(PairOptions options = {}) : calls_{options, presence_, entropy_} {}

  /// `label` is "user/device" or "user"; ":n" behind it tells sockets of one device apart ("bob/phone:2").
  Lines connect(const std::string& label) {
    const ConnectionId id{next_connection_++};
    ids_[label] = id;
    labels_[id] = label;
    const std::string device = label.substr(0, label.find(':'));
    const auto slash = device.find('/');
    const std::string name = slash == std::string::npos ? "" : device.substr(slash + 1);
    return tell(DeviceConnected{id, UserId{device.substr(0, slash)}, DeviceName{name}});
  }
  Lines drop(const std::string& label) { return tell(DeviceDisconnected{ids_.at(label)}); }
  /// Says hello without showing the answer.
  void with_added(const std::string& label) { tell(Hello{ids_.at(label)}); }
  Lines hello(const std::string& label) { return tell(Hello{ids_.at(label)}); }
  Lines offer(const std::string& label, const std::string& user, const std::string& payload) {
    return tell(Offer{ids_.at(label), UserId{user}, payload});
  }
  Lines offer_chat(const std::string& label, const std::string& chat, const std::string& payload) {
    return tell(Offer{ids_.at(label), ChatId{chat}, payload});
  }
  Lines answer(const std::string& label, const std::string& payload) { return tell(Answer{ids_.at(label), payload}); }
  Lines ice(const std::string& label, const std::string& payload) { return tell(Ice{ids_.at(label), payload}); }
  Lines hangup(const std::string& label, const std::string& payload = "",
               const std::optional<std::string>& reason = std::nullopt) {
    return tell(Hangup{ids_.at(label), payload, reason});
  }
  Lines watch(const std::string& label, const std::vector<std::string>& users) {
    std::vector<UserId> list;
    for (const auto& user : users) list.emplace_back(user);
    return tell(WatchPresence{ids_.at(label), std::move(list)});
  }
  Lines found(std::uint64_t lookup, const std::string& user) {
    return tell(TargetFound{LookupId{lookup}, UserId{user}});
  }
  Lines missing(std::uint64_t lookup) { return tell(TargetMissing{LookupId{lookup}}); }
  Lines lookup_failed(std::uint64_t lookup) { return tell(LookupFailed{LookupId{lookup}}); }
  Lines drain() { return tell(Drain{}); }
  Lines shutdown() { return tell(Shutdown{}); }

  /// Lets time pass and does what is due on the way, each thing at its own time.
  Lines wait(Duration duration) {
    const TimePoint until = now_.mono + duration;
    Effects effects;
    while (calls_.next_timeout() <= until) {
      go_to(calls_.next_timeout());
      calls_.handle_timeout(now_, effects);
    }
    go_to(until);
    return describe(effects);
  }

  Lines tell(Command command) {
    Effects effects;
    calls_.handle(std::move(command), now_, effects);
    return describe(effects);
  }

  [[nodiscard]] PairCalls& calls() { return calls_; }
  [[nodiscard]] Presence& presence() { return presence_; }
  [[nodiscard]] const std::vector<CallRecord>& records() const { return records_; }
  [[nodiscard]] const Now& now() const { return now_; }

 private:
  void go_to(TimePoint at) {
    now_.wall += std::chrono::duration_cast<milliseconds>(at - now_.mono);
    now_.mono = at;
  }

  Lines describe(const Effects& effects) {
    Lines lines;
    for (const Effect& effect : effects) lines.push_back(line(effect));
    return lines;
  }

  std::string to(ConnectionId id) const {
    const auto label = labels_.find(id);
    return (label == labels_.end() ? "?" : label->second) + " <- ";
  }

  std::string line(const Effect& effect) {
    std::ostringstream out;
    std::visit(Overloaded{
                   [&](const DeliverOffer& e) { out << to(e.to) << "offer " << e.payload << " from " << e.from; },
                   [&](const DeliverAnswer& e) { out << to(e.to) << "answer " << e.payload; },
                   [&](const DeliverIce& e) { out << to(e.to) << "ice " << e.payload; },
                   [&](const DeliverHangup& e) {
                     out << to(e.to) << "hangup " << to_text(e.reason);
                     if (!e.payload.empty()) out << " with " << e.payload;
                     if (e.reason_from == ReasonFrom::Client) out << " (own reason)";
                   },
                   [&](const DeliverError& e) { out << to(e.to) << "error " << to_text(e.code); },
                   [&](const DeliverServerHello& e) {
                     out << to(e.to) << "hello " << e.user << "/" << e.device;
                     if (e.call) {
                       out << " " << e.call->state << " " << to_text(e.call->role) << " with " << e.call->peer;
                     }
                   },
                   [&](const DeliverCallStarted& e) {
                     out << to(e.to) << "started " << to_text(e.role) << " with " << e.peer;
                   },
                   [&](const DeliverRinging& e) { out << to(e.to) << "ringing " << e.devices; },
                   [&](const DeliverAnswered& e) { out << to(e.to) << "answered"; },
                   [&](const DeliverPeerState& e) { out << to(e.to) << "peer " << to_text(e.state); },
                   [&](const DeliverPresence& e) {
                     out << to(e.to) << "presence";
                     for (const auto& user : e.users) out << " " << user.user << (user.online ? "+" : "-");
                   },
                   [&](const SaveRecord& e) {
                     records_.push_back(e.record);
                     out << "save " << e.record.caller << ">" << e.record.callee << " " << e.record.state;
                     if (e.record.reason) out << " " << *e.record.reason << " " << e.record.duration_seconds << "s";
                   },
                   [&](const LookUpTarget& e) {
                     out << "look up ";
                     std::visit(Overloaded{[&](const UserId& id) { out << "user " << id; },
                                           [&](const ChatId& id) { out << "chat " << id; }},
                                e.target);
                     out << " for " << e.asker << " #" << e.lookup;
                   },
                   [&](const CloseConnection& e) {
                     out << "close " << labels_.at(e.connection)
                         << (e.reason == CloseReason::Replaced ? " replaced" : "");
                   },
               },
               effect);
    return out.str();
  }

  Presence presence_;
  CountingEntropy entropy_;
  PairCalls calls_;
  Now now_{.mono = TimePoint{hours{1}}, .wall = wall_from_unix_milliseconds(1'700'000'000'000)};
  std::uint64_t next_connection_ = 1;
  std::map<std::string, ConnectionId> ids_;
  std::map<ConnectionId, std::string> labels_;
  std::vector<CallRecord> records_;
};

}  // namespace zvonok::call
