// Under which addresses clients are told to reach media, and what looks wrong about them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "app/config/config.h"
#include "base/address.h"

namespace zvonok::app {

struct AddressFacts {
  std::vector<IpAddress> configured;   // MEDIA_ADVERTISED_IP
  std::vector<IpAddress> local;        // of this machine
  std::optional<IpAddress> seen_from;  // what a STUN server said; only asked for when needs_discovery()
  enum class Listen { Public, Loopback } listen = Listen::Public;  // of HTTP
};

struct AdvertisedAddresses {
  std::vector<IpAddress> addresses;  // best first
  struct Doubt {
    std::string text;
    std::string advice;
  };
  std::vector<Doubt> doubts;
};

/// Nothing is configured, and nobody outside can reach what this machine has.
[[nodiscard]] bool needs_discovery(const AddressFacts& facts);
[[nodiscard]] AdvertisedAddresses choose_addresses(const AddressFacts& facts);

/// What the settings and this machine say.
[[nodiscard]] AddressFacts address_facts(const Config& config);

/// "stun:192.0.2.1:3478": the first address of each family.
[[nodiscard]] std::vector<std::string> stun_urls_of(const std::vector<IpAddress>& addresses, std::uint16_t port);

}  // namespace zvonok::app
