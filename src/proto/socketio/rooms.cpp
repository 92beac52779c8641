#include "proto/socketio/rooms.h"

#include <algorithm>

namespace zvonok::socketio {

std::string Rooms::key_of(Name name) {
  std::string key{name.nsp};
  key += ',';
  key += name.room;
  return key;
}

bool Rooms::join(Stay& stay, std::string_view room) {
  const bool fresh = rooms_[key_of({stay.nsp, room})].emplace(stay.number, &stay).second;
  if (fresh) stay.rooms.emplace_back(room);
  return fresh;
}

bool Rooms::leave(Stay& stay, std::string_view room) {
  const auto place = std::ranges::find(stay.rooms, room);
  if (place == stay.rooms.end()) return false;
  take_out(stay, room);
  stay.rooms.erase(place);  // `room` may be a view of it
  return true;
}

void Rooms::leave_all(Stay& stay) {
  for (const std::string& room : stay.rooms) take_out(stay, room);
  stay.rooms.clear();
}

void Rooms::take_out(const Stay& stay, std::string_view room) {
  const auto found = rooms_.find(key_of({stay.nsp, room}));
  if (found == rooms_.end()) return;
  found->second.erase(stay.number);
  if (found->second.empty()) rooms_.erase(found);
}

std::vector<std::uint64_t> Rooms::members(Name name) const {
  std::vector<std::uint64_t> numbers;
  const auto found = rooms_.find(key_of(name));
  if (found == rooms_.end()) return numbers;
  numbers.reserve(found->second.size());
  for (const auto& [number, stay] : found->second) numbers.push_back(number);
  return numbers;
}

Stay* Rooms::find(Name name, std::uint64_t member) const {
  const auto found = rooms_.find(key_of(name));
  if (found == rooms_.end()) return nullptr;
  const auto place = found->second.find(member);
  return place == found->second.end() ? nullptr : place->second;
}

}  // namespace zvonok::socketio
