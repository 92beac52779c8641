// What keeps strangers from running up a telephone bill: which numbers are dear, and which settings let everybody dial
// them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "app/config/config.h"

namespace zvonok::app {

/// Whether the provider takes money for calls.
[[nodiscard]] bool costs_money(const Config& config);

/// VOIP_DENY_PREFIXES, and beginnings of numbers that are dear everywhere: satellites, international and national
/// premium rates. Of these not what VOIP_ALLOW_PREFIXES names.
[[nodiscard]] std::vector<std::string> denied_prefixes(const Config& config);

/// What an error says at every start, in one line: strangers may register here and dial every country for money, and
/// nobody has said that this is meant. It starts all the same: the limits of minutes and calls hold.
[[nodiscard]] std::optional<std::string> spending_risk(const Config& config);

/// What is allowed and worth a warning, in one line.
[[nodiscard]] std::optional<std::string> spending_doubt(const Config& config);

}  // namespace zvonok::app
