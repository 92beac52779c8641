// Pieces of which the tables and the JSON of results are made.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "base/time.h"
#include "load/log_histogram.h"
#include "load/process_meter.h"
#include "load/tally.h"

namespace zvonok::load {

[[nodiscard]] double as_ms(Duration duration);
/// Zero of nothing.
[[nodiscard]] double share_of(std::uint64_t part, std::uint64_t whole);
[[nodiscard]] double per_second(std::uint64_t count, double seconds);
[[nodiscard]] double micros_each(double cpu_seconds, std::uint64_t count);
[[nodiscard]] std::string fixed(double value, int digits);
[[nodiscard]] std::string percent(double value, int digits);
[[nodiscard]] std::string quantiles(const LogHistogram& histogram);

/// One line of a table.
void table_line(std::ostream& out, std::string_view name, const std::string& value);
/// A line for each reason.
void print_failures(std::ostream& out, const Tally& failures);
void print_generator(std::ostream& out, const ProcessWatch::Used& own, double seconds, const std::string& more);

/// Members of one object, in the order in which they are added.
class JsonObject {
 public:
  void add(std::string_view name, double value, int digits) { raw(name, fixed(value, digits)); }
  void add(std::string_view name, std::uint64_t value) { raw(name, std::to_string(value)); }
  void add(std::string_view name, const std::string& text);
  /// {count, p50, p99, p999, last}, in milliseconds.
  void add(std::string_view name, const LogHistogram& histogram);
  void flag(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
  void raw(std::string_view name, std::string_view value);
  [[nodiscard]] std::string finish() const { return (text_.empty() ? "{" : text_) + "}"; }

 private:
  std::string text_;
};
/// [{reason, count, first}, ...]
[[nodiscard]] std::string failures_json(const Tally& failures);
/// {cpuSeconds, waitedSeconds, residentBytes, grownBytes, socketDrops}; for more members, not closed.
[[nodiscard]] JsonObject process_json(const ProcessWatch::Used& used);

}  // namespace zvonok::load
