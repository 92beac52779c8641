// The ports of media when the settings name none.
#pragma once
#include <cstdint>

namespace zvonok::app {

inline constexpr std::uint16_t kMediaUdpPort = 10000;
inline constexpr std::uint16_t kStunPort = 3478;  // RFC 8489 section 8.1; of TURN as well

}  // namespace zvonok::app
