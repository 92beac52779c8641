// Who is connected, on which devices, who is in a call, and who wants to know. About sockets only: there is no grace
// here. Shared by all dialects. Pure; belongs to the control thread.
#pragma once
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/id.h"

namespace zvonok::call {

enum class Dialect { Pair, SocketIo };

struct Device {
  ConnectionId connection;
  UserId user;
  DeviceName name;  // may be empty
  Dialect dialect = Dialect::Pair;
};

/// What a connect or disconnect did to the user as seen by others.
enum class PresenceChange { None, CameOnline, WentOffline };

class Presence {
 public:
  static constexpr std::size_t kWatchedUsersMax = 500;

  /// `device.connection` must be new.
  PresenceChange connect(Device device);
  /// Forgets the device and its watch list. None for an unknown connection.
  PresenceChange disconnect(ConnectionId connection);

  [[nodiscard]] const Device* find(ConnectionId connection) const;
  /// The newest device of that user, dialect and name; a name is never empty here.
  [[nodiscard]] std::optional<ConnectionId> find_named(const UserId& user, const DeviceName& name,
                                                       Dialect dialect) const;
  [[nodiscard]] bool is_online(const UserId& user) const { return users_.contains(user); }
  [[nodiscard]] bool has_device(const UserId& user, Dialect dialect) const;
  /// Newest first.
  [[nodiscard]] std::vector<ConnectionId> devices_of(const UserId& user, Dialect dialect) const;

  /// Replaces the list of a connected device. At most kWatchedUsersMax users; repeated ones count once.
  void watch(ConnectionId connection, std::vector<UserId> users);
  /// The list as set, without repetitions, in its order.
  [[nodiscard]] std::vector<UserId> watched_by(ConnectionId connection) const;
  /// Connections that must hear of a change of `user`, in order of their ids.
  [[nodiscard]] std::vector<ConnectionId> watchers_of(const UserId& user) const;

  [[nodiscard]] std::size_t connection_count() const { return devices_.size(); }
  [[nodiscard]] std::size_t online_user_count() const { return users_.size(); }
  /// In a call, of whatever kind. One call at most.
  void engage(const UserId& user) { engaged_.insert(user); }
  void disengage(const UserId& user) { engaged_.erase(user); }
  [[nodiscard]] bool is_engaged(const UserId& user) const { return engaged_.contains(user); }
  [[nodiscard]] std::size_t engaged_count() const { return engaged_.size(); }

  /// Users somebody watches.
  [[nodiscard]] std::size_t watched_user_count() const { return watchers_.size(); }

 private:
  void unwatch(ConnectionId connection);

  std::unordered_map<ConnectionId, Device> devices_;
  std::unordered_map<UserId, std::vector<ConnectionId>> users_;  // oldest first; no empty list
  std::unordered_map<ConnectionId, std::vector<UserId>> watched_;
  std::unordered_set<UserId> engaged_;
  // Ordered: anybody may watch any text, and texts that all hash alike must not slow everybody down. No empty set.
  std::map<UserId, std::unordered_set<ConnectionId>> watchers_;
};

}  // namespace zvonok::call
