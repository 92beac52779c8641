// What a final response to our INVITE means for the call (RFC 3261 section 21), and whether another trunk is worth a
// try. A cause of the telephone network beside it (Q.850, by RFC 3326) says it better. The table is
// docs/protocol/sip.md's.
#pragma once
#include <optional>

#include "adapter/voip_sip/sip_agent.h"
#include "call/phone_words.h"

namespace zvonok::voip_sip {

struct Verdict {
  call::phone::Over over;
  /// It is the trunk that failed, and not the number or its owner.
  bool another_trunk = false;
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// `rang`: the telephone did, before.
[[nodiscard]] Verdict verdict_of(const Refused& refused, bool rang);

}  // namespace zvonok::voip_sip
