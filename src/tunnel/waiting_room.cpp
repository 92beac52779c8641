#include "tunnel/waiting_room.h"

namespace zvonok::tunnel {
namespace {

/// Who has an address: an IPv6 network gives everybody 2^64 of them.
IpAddress owner_of(const IpAddress& ip) {
  return ip.is_v4() ? ip : IpAddress::v6(ip.high(), 0);
}

}  // namespace

std::optional<StreamId> WaitingRoom::crowded_out_by(const IpAddress& remote) const {
  const auto owner = owners_.find(owner_of(remote));
  if (owner != owners_.end() && owner->second.size() >= limits_.per_address_max) {
    return all_.at(*owner->second.begin());
  }
  if (!all_.empty() && all_.size() >= limits_.all_max) return all_.begin()->second;
  return std::nullopt;
}

WaitingRoom::Place WaitingRoom::enter(StreamId stream, const IpAddress& remote) {
  const Place place = next_++;
  all_.emplace(place, stream);
  owners_[owner_of(remote)].insert(place);
  return place;
}

void WaitingRoom::leave(Place place, const IpAddress& remote) {
  all_.erase(place);
  const auto owner = owners_.find(owner_of(remote));
  if (owner == owners_.end()) return;
  owner->second.erase(place);
  if (owner->second.empty()) owners_.erase(owner);
}

}  // namespace zvonok::tunnel
