// The streams that have not shown a good key yet: how many there are of one address and of all, and who gives way.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/address.h"
#include "tunnel/sink.h"

namespace zvonok::tunnel {

class WaitingRoom {
 public:
  struct Limits {
    std::size_t per_address_max = 0;  // 1 or more; of an IPv6 address: of its /64
    std::size_t all_max = 0;          // likewise
  };
  /// A place in it, in order of coming.
  using Place = std::uint64_t;

  explicit WaitingRoom(Limits limits) : limits_{limits} {}

  /// Who has to give way before one from `remote` may come; ask until nobody has to.
  [[nodiscard]] std::optional<StreamId> crowded_out_by(const IpAddress& remote) const;
  Place enter(StreamId stream, const IpAddress& remote);
  void leave(Place place, const IpAddress& remote);
  [[nodiscard]] std::size_t size() const { return all_.size(); }

 private:
  Limits limits_;
  Place next_ = 1;
  std::map<Place, StreamId> all_;
  std::unordered_map<IpAddress, std::set<Place>> owners_;
};

}  // namespace zvonok::tunnel
