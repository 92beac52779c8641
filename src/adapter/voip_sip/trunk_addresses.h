// Where each trunk may call from, by what DNS has said of it, sans-IO. A look-up that fails takes nothing away;
// addresses stay for hours after DNS has named them last, because calls go on over them, and because names with several
// addresses may show one at a time.
//
// Threads: none of its own.
#pragma once
#include <cstddef>
#include <map>
#include <vector>

#include "adapter/voip_sip/trunk.h"
#include "base/address.h"
#include "base/time.h"

namespace zvonok::voip_sip {

class TrunkAddresses {
 public:
  static constexpr Duration kLinger = hours{4};
  static constexpr std::size_t kPerTrunkMax = 32;  // of DNS; the ones that were seen last stay

  /// With the addresses that settings name: those stay.
  explicit TrunkAddresses(const std::vector<Trunk>& trunks);

  /// What one look-up of that trunk's name found; nothing: it failed. `now` does not go back.
  void on_looked_up(TimePoint now, std::size_t trunk, const std::vector<IpAddress>& found);
  /// Whether every trunk has an address.
  [[nodiscard]] bool complete() const;

  struct Source {
    IpAddress ip;
    std::size_t trunk = 0;
  };
  /// Each address once, as the first trunk's that has it; those of settings first, then by when they were seen last.
  [[nodiscard]] std::vector<Source> sources() const;

 private:
  struct Known {
    std::vector<IpAddress> fixed;
    std::map<IpAddress, TimePoint> seen;
  };
  std::vector<Known> trunks_;
};

}  // namespace zvonok::voip_sip
