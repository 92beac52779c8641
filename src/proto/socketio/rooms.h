// Who is in which room of a namespace: a list of members under a name, for events that go to all of them. A room is
// there while it has members; clients that are away and may come back stay in theirs. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/socketio/stay.h"

namespace zvonok::socketio {

class Rooms {
 public:
  /// Of a namespace; the name may be any text.
  struct Name {
    std::string_view nsp;
    std::string_view room;
  };

  /// False when it is in there already.
  bool join(Stay& stay, std::string_view room);
  /// False when it was not.
  bool leave(Stay& stay, std::string_view room);
  void leave_all(Stay& stay);

  /// Numbers of the members, in the order in which they came into the namespace.
  [[nodiscard]] std::vector<std::uint64_t> members(Name name) const;
  /// Null when there is no such member (any more).
  [[nodiscard]] Stay* find(Name name, std::uint64_t member) const;
  [[nodiscard]] std::size_t size() const { return rooms_.size(); }

 private:
  using Members = std::map<std::uint64_t, Stay*>;
  [[nodiscard]] static std::string key_of(Name name);
  void take_out(const Stay& stay, std::string_view room);

  std::unordered_map<std::string, Members> rooms_;  // by namespace, a comma (which it has none of), and room
};

}  // namespace zvonok::socketio
