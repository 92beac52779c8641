// The tones of telephone keys as Media Streams carry them, since they have no digits towards the telephone. Pure.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace zvonok::voip_twilio {

/// G.711 u-law, 8 kHz: each of 0-9 * # A-D for a tenth of a second and as long a pause after it (Q.24 asks for 40 ms of
/// each at least), and `,` as half a second of silence. Anything else is passed over.
[[nodiscard]] std::vector<std::uint8_t> tones_of(std::string_view digits);

}  // namespace zvonok::voip_twilio
