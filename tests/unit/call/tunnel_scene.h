// A stage for tests of tunnelled calls: devices have names, time is a number, and what the engine does is told in short
// lines.
#pragma once
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/overloaded.h"
#include "call/tunnel_calls.h"
#include "unit/call/pair_scene.h"

namespace zvonok::call::tunnel {

class TunnelScene {
 public:
  explicit TunnelScene(Options options = {}) : calls_{options, presence_, entropy_} {}

  /// `label` is "user/device" or "user"; ":n" behind it tells sockets of one device apart ("bob:2").
  Lines connect(const std::string& label) {
    const ConnectionId id{next_connection_++};
    ids_[label] = id;
    labels_[id] = label;
    const std::string device = label.substr(0, label.find(':'));
    const auto slash = device.find('/');
    const std::string name = slash == std::string::npos ? "" : device.substr(slash + 1);
    return tell(Connected{id, UserId{device.substr(0, slash)}, DeviceName{name}});
  }
  Lines drop(const std::string& label) { return tell(Disconnected{ids_.at(label)}); }
  Lines initiate(const std::string& label, const std::string& callee) {
    return tell(Initiate{ids_.at(label), UserId{callee}});
  }
  /// The newest call, unless named.
  Lines accept(const std::string& label, const std::string& call = "") {
    return tell(Accept{ids_.at(label), id(call)});
  }
  Lines reject(const std::string& label, const std::string& call = "") {
    return tell(Reject{ids_.at(label), id(call)});
  }
  Lines ready(const std::string& label, const std::string& call = "") { return tell(Ready{ids_.at(label), id(call)}); }
  Lines hangup(const std::string& label, const std::string& call = "") {
    return tell(Hangup{ids_.at(label), id(call)});
  }
  Lines say(const std::string& label, const std::string& data, const std::string& call = "") {
    return tell(Relay{ids_.at(label), id(call), data});
  }
  Lines watch(const std::string& label, const std::vector<std::string>& users) {
    std::vector<UserId> list;
    for (const auto& user : users) list.emplace_back(user);
    return tell(Watch{ids_.at(label), std::move(list)});
  }
  Lines opened() { return tell(TunnelOpened{id("")}); }
  Lines refused() { return tell(TunnelRefused{id("")}); }
  Lines lost() { return tell(TunnelLost{id("")}); }

  Lines tell(Command command) {
    Effects effects;
    calls_.handle(std::move(command), now_, effects);
    return describe(effects);
  }

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

  /// alice calls bob, who accepts; both have their configuration.
  void connecting() {
    connect("alice");
    connect("bob");
    initiate("alice", "bob");
    accept("bob");
    opened();
  }
  void active() {
    connecting();
    ready("alice");
    ready("bob");
  }

  [[nodiscard]] TunnelCalls& calls() { return calls_; }
  [[nodiscard]] Presence& presence() { return presence_; }
  [[nodiscard]] const std::vector<CallRecord>& records() const { return records_; }

 private:
  [[nodiscard]] CallId id(const std::string& call) const { return call.empty() ? newest_ : CallId{call}; }

  void go_to(TimePoint at) {
    now_.wall += std::chrono::duration_cast<milliseconds>(at - now_.mono);
    now_.mono = at;
  }

  Lines describe(const Effects& effects) {
    Lines lines;
    for (const Effect& effect : effects) lines.push_back(line(effect));
    return lines;
  }

  [[nodiscard]] std::string to(ConnectionId connection) const {
    const auto label = labels_.find(connection);
    return (label == labels_.end() ? "?" : label->second) + " <- ";
  }

  std::string line(const Effect& effect) {
    std::ostringstream out;
    std::visit(
        Overloaded{
            [&](const CallInitiated& e) {
              newest_ = e.call;
              out << to(e.to) << "call-initiated " << e.caller << " " << e.callee;
            },
            [&](const IncomingCall& e) { out << to(e.to) << "incoming-call " << e.caller << " " << e.callee; },
            [&](const CallAccepted& e) { out << to(e.to) << "call-accepted"; },
            [&](const ConfigReceived& e) { out << to(e.to) << "vpn-config-received as " << call::to_text(e.role); },
            [&](const PeerConnected& e) { out << to(e.to) << "vpn-connected as " << call::to_text(e.role); },
            [&](const Relayed& e) { out << to(e.to) << "e2e " << e.data; },
            [&](const CallRejected& e) { out << to(e.to) << "call-rejected"; },
            [&](const CallOver& e) { out << to(e.to) << "call-hangup " << to_text(e.over); },
            [&](const CallError& e) { out << to(e.to) << "call-error " << to_text(e.error); },
            [&](const DeliverPresence& e) {
              out << to(e.to) << "presence";
              for (const auto& user : e.users) out << " " << user.user << (user.online ? "+" : "-");
            },
            [&](const OpenTunnel& e) { out << "open tunnel " << e.caller << " " << e.callee; },
            [&](const CloseTunnel&) { out << "close tunnel"; },
            [&](const SaveRecord& e) {
              records_.push_back(e.record);
              out << "save " << e.record.state;
              if (e.record.reason) out << " " << *e.record.reason;
            },
            [&](const LookUpCallee& e) { out << "look up " << e.user << " as " << e.lookup; },
            [&](const CloseConnection& e) { out << "close " << labels_.at(e.connection); },
        },
        effect);
    return out.str();
  }

  Presence presence_;
  CountingEntropy entropy_;
  TunnelCalls calls_;
  Now now_{.mono = TimePoint{} + hours{1}, .wall = WallTime{} + hours{24 * 365 * 50}};
  std::map<std::string, ConnectionId> ids_;
  std::map<ConnectionId, std::string> labels_;
  CallId newest_;
  std::vector<CallRecord> records_;
  std::uint64_t next_connection_ = 1;
};

}  // namespace zvonok::call::tunnel
