// How many files a run may have open: two for each participant, which is more than systems give by default.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace zvonok::load {

/// Raises the process's limit so that `needed` fit. The error is one line and says what the limit is and who raises it.
[[nodiscard]] Result<void, std::string> allow_descriptors(std::uint64_t needed);

}  // namespace zvonok::load
