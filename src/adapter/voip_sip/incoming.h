// Calls that come in from a trunk: how numbers are read, and how a refusal is said. Pure.
#pragma once
#include <string>
#include <string_view>

#include "adapter/voip_sip/trunk.h"
#include "call/phone_words.h"

namespace zvonok::voip_sip {

/// The user part of an address as call::phone::IncomingCall wants it: E.164 where that can be told (`+49151...`,
/// `0049151...`, and of a trunk without plus `49151...`), else what the trunk says, printable and short. "" for the
/// names that withheld numbers have (RFC 3323 section 4.1.1.3).
[[nodiscard]] std::string number_from(std::string_view user, const Trunk& trunk);

/// The final response that says it (RFC 3261 section 21).
[[nodiscard]] int status_of(call::phone::Rejection why);

}  // namespace zvonok::voip_sip
