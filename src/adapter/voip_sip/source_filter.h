// Closes our SIP port to everybody but the trunks, in the kernel: what scanners send is dropped before any parser sees
// it, and they get no answer that would tell that somebody is here. A filter of classic BPF on the listening sockets.
#pragma once
#include <cstdint>
#include <vector>

#include "base/address.h"

namespace zvonok::voip_sip {

inline constexpr std::size_t kFilterAddressesMax = 400;

/// On every socket of this process that is bound to the UDP port, or listens on the TCP port. Returns how many there
/// were; a later call takes the place of an earlier one. More addresses than the most: the first ones.
std::size_t filter_sources(std::uint16_t port, const std::vector<IpAddress>& allowed);

}  // namespace zvonok::voip_sip
