// Scenario files of load tests: what else would be flags, one `name = value` a line, in sections that run one after the
// other. Sans-IO.
//
//     # A webinar.
//     [webinar]
//     subscribers = 150
//     meet = false
//
// A flag without a value stands alone or is `true`; `false` is as if it weren't there. Lines before the first section
// hold for all of them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace zvonok::load {

struct Scenario {
  std::string name;
  std::vector<std::string> arguments;  // `--name=value`, in order
};

/// A text without sections is one scenario, named `fallback_name`. The error is one line and names the line.
[[nodiscard]] Result<std::vector<Scenario>, std::string> parse_scenarios(std::string_view text,
                                                                         std::string_view fallback_name);

}  // namespace zvonok::load
