// Results of load tests as tables for people and as JSON for programs (docs/performance.md names its fields).
#pragma once
#include <iosfwd>
#include <string>

#include "load/generator.h"
#include "load/pair_run.h"

namespace zvonok::load {

void print_table(std::ostream& out, const LoadOptions& options, const LoadResult& result);
void print_table(std::ostream& out, const PairLoadOptions& options, const PairLoadResult& result);
/// One object on one line, without a line's end. Times are in milliseconds, sizes in bytes, rates a second. `name` is
/// of the scenario; it may be empty.
[[nodiscard]] std::string to_json(const std::string& name, const LoadOptions& options, const LoadResult& result);
[[nodiscard]] std::string to_json(const std::string& name, const PairLoadOptions& options,
                                  const PairLoadResult& result);

}  // namespace zvonok::load
