// The addresses of this machine.
#pragma once
#include <vector>

#include "base/address.h"

namespace zvonok::net {

/// Of interfaces that are up: global and private ones, IPv4 first; without link-local ones. Loopback addresses only
/// when there are no others.
[[nodiscard]] std::vector<IpAddress> local_addresses();

}  // namespace zvonok::net
