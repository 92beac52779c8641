#include "call/presence.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace zvonok::call {

PresenceChange Presence::connect(Device device) {
  std::vector<ConnectionId>& connections = users_[device.user];
  connections.push_back(device.connection);
  const PresenceChange change = connections.size() == 1 ? PresenceChange::CameOnline : PresenceChange::None;
  const ConnectionId id = device.connection;
  const bool inserted = devices_.emplace(id, std::move(device)).second;
  ZVONOK_CHECK(inserted);
  return change;
}

PresenceChange Presence::disconnect(ConnectionId connection) {
  const auto device = devices_.find(connection);
  if (device == devices_.end()) return PresenceChange::None;
  unwatch(connection);
  const auto user = users_.find(device->second.user);
  std::erase(user->second, connection);
  PresenceChange change = PresenceChange::None;
  if (user->second.empty()) {
    users_.erase(user);
    change = PresenceChange::WentOffline;
  }
  devices_.erase(device);
  return change;
}

const Device* Presence::find(ConnectionId connection) const {
  const auto device = devices_.find(connection);
  return device == devices_.end() ? nullptr : &device->second;
}

std::optional<ConnectionId> Presence::find_named(const UserId& user, const DeviceName& name, Dialect dialect) const {
  const auto connections = users_.find(user);
  if (connections == users_.end() || name.empty()) return std::nullopt;
  for (auto id = connections->second.rbegin(); id != connections->second.rend(); ++id) {
    const Device& device = devices_.at(*id);
    if (device.dialect == dialect && device.name == name) return *id;
  }
  return std::nullopt;
}

bool Presence::has_device(const UserId& user, Dialect dialect) const {
  const auto connections = users_.find(user);
  if (connections == users_.end()) return false;
  return std::ranges::any_of(connections->second, [&](ConnectionId id) { return devices_.at(id).dialect == dialect; });
}

std::vector<ConnectionId> Presence::devices_of(const UserId& user, Dialect dialect) const {
  std::vector<ConnectionId> result;
  const auto connections = users_.find(user);
  if (connections == users_.end()) return result;
  for (auto id = connections->second.rbegin(); id != connections->second.rend(); ++id) {
    if (devices_.at(*id).dialect == dialect) result.push_back(*id);
  }
  return result;
}

void Presence::watch(ConnectionId connection, std::vector<UserId> users) {
  ZVONOK_CHECK(devices_.contains(connection) && users.size() <= kWatchedUsersMax);
  unwatch(connection);
  std::vector<UserId> list;
  for (UserId& user : users) {
    if (watchers_[user].insert(connection).second) list.push_back(std::move(user));
  }
  if (!list.empty()) watched_.emplace(connection, std::move(list));
}

std::vector<UserId> Presence::watched_by(ConnectionId connection) const {
  const auto list = watched_.find(connection);
  return list == watched_.end() ? std::vector<UserId>{} : list->second;
}

std::vector<ConnectionId> Presence::watchers_of(const UserId& user) const {
  const auto watchers = watchers_.find(user);
  if (watchers == watchers_.end()) return {};
  std::vector<ConnectionId> result{watchers->second.begin(), watchers->second.end()};
  std::ranges::sort(result);
  return result;
}

void Presence::unwatch(ConnectionId connection) {
  const auto list = watched_.find(connection);
  if (list == watched_.end()) return;
  for (const UserId& user : list->second) {
    const auto watchers = watchers_.find(user);
    watchers->second.erase(connection);
    if (watchers->second.empty()) watchers_.erase(watchers);
  }
  watched_.erase(list);
}

}  // namespace zvonok::call
