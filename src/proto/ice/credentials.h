// The user fragment and password of one side and one generation of an ICE session (RFC 8445 section 5.3).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/entropy.h"

namespace zvonok::ice {

/// Both are secrets of the call: neither goes to a log.
struct Credentials {
  std::string ufrag;  // 4 to 256 ice-chars
  std::string pwd;    // 22 to 256 ice-chars
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// 8 and 24 characters, 48 and 144 random bits. A ufrag that routes packets must be looked up for a collision first.
[[nodiscard]] Credentials make_credentials(Entropy& entropy);

/// The ufrag of the receiver in the USERNAME of a STUN Binding request; nothing for anything else. Cheap, and checks
/// nothing: it only tells which agent is to judge the packet. A view into `packet`.
[[nodiscard]] std::optional<std::string_view> requested_ufrag(Bytes packet);

}  // namespace zvonok::ice
