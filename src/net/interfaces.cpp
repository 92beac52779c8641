#include "net/interfaces.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "net/sockaddr.h"

namespace zvonok::net {
namespace {

std::optional<IpAddress> address_of(const ifaddrs& entry) {
  if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0) return std::nullopt;
  if (entry.ifa_addr->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, entry.ifa_addr, sizeof v4);
    return IpAddress::v4(ntohl(v4.sin_addr.s_addr));
  }
  if (entry.ifa_addr->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, entry.ifa_addr, sizeof v6);
    return to_ip(v6.sin6_addr);
  }
  return std::nullopt;
}

}  // namespace

std::vector<IpAddress> local_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned{list, &freeifaddrs};
  std::vector<IpAddress> found;
  std::vector<IpAddress> loopback;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const auto address = address_of(*entry);
    if (!address || address->is_link_local() || address->is_unspecified()) continue;
    (address->is_loopback() ? loopback : found).push_back(*address);
  }
  if (found.empty()) found = std::move(loopback);
  std::ranges::stable_partition(found, [](const IpAddress& ip) { return ip.is_v4(); });
  return found;
}

}  // namespace zvonok::net
