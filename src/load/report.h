// The result of a load test as a table for people and as JSON for programs.
#pragma once
#include <iosfwd>
#include <string>

#include "load/generator.h"

namespace zvonok::load {

void print_table(std::ostream& out, const LoadOptions& options, const LoadResult& result);
/// One object on one line, without a line's end. Times are in milliseconds, sizes in bytes, rates a second.
[[nodiscard]] std::string to_json(const LoadOptions& options, const LoadResult& result);

}  // namespace zvonok::load
