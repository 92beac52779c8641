#include "load/report_text.h"

#include <cmath>
#include <cstdio>
#include <ostream>

#include "proto/json_scan.h"

namespace zvonok::load {

double as_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double micros_each(double cpu_seconds, std::uint64_t count) {
  return count == 0 ? 0 : cpu_seconds * 1e6 / static_cast<double>(count);
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, std::isfinite(value) ? value : 0);
  return text;
}

std::string percent(double value, int digits) {
  return fixed(100 * value, digits) + " %";
}

std::string quantiles(const LogHistogram& histogram) {
  if (histogram.count() == 0) return "none";
  return "p50 " + fixed(as_ms(histogram.quantile(0.5)), 2) + " ms, p99 " + fixed(as_ms(histogram.quantile(0.99)), 2) +
         " ms, p99.9 " + fixed(as_ms(histogram.quantile(0.999)), 2) + " ms, last " + fixed(as_ms(histogram.most()), 2) +
         " ms";
}

void table_line(std::ostream& out, std::string_view name, const std::string& value) {
  std::string padded{name};
  padded.resize(26, ' ');
  out << "  " << padded << value << "\n";
}

void print_failures(std::ostream& out, const Tally& failures) {
  if (failures.count() == 0) return;
  table_line(out, "failures", std::to_string(failures.count()));
  for (const auto& [reason, of] : failures.reasons()) {
    table_line(out, "", std::to_string(of.count) + " x " + reason + " (first: " + of.first + ")");
  }
}

void print_generator(std::ostream& out, const ProcessWatch::Used& own, double seconds, const std::string& more) {
  table_line(out, "generator",
             percent(own.cpu_seconds / seconds, 0) + " of a core, waited for one " +
                 percent(own.waited_seconds / seconds, 0) + ", " + std::to_string(own.resident_bytes >> 20) +
                 " MiB, socket drops " + std::to_string(own.socket_drops) + more);
}

void JsonObject::raw(std::string_view name, std::string_view value) {
  text_ += text_.empty() ? "{" : ",";
  json::append_string(text_, name);
  text_ += ':';
  text_ += value;
}

void JsonObject::add(std::string_view name, const std::string& text) {
  std::string quoted;
  json::append_string(quoted, text);
  raw(name, quoted);
}

void JsonObject::add(std::string_view name, const LogHistogram& histogram) {
  JsonObject inner;
  inner.add("count", histogram.count());
  inner.add("p50", as_ms(histogram.quantile(0.5)), 3);
  inner.add("p99", as_ms(histogram.quantile(0.99)), 3);
  inner.add("p999", as_ms(histogram.quantile(0.999)), 3);
  inner.add("last", as_ms(histogram.most()), 3);
  raw(name, inner.finish());
}

std::string failures_json(const Tally& failures) {
  std::string out = "[";
  for (const auto& [reason, of] : failures.reasons()) {
    JsonObject one;
    one.add("reason", reason);
    one.add("count", of.count);
    one.add("first", of.first);
    if (out.size() > 1) out += ',';
    out += one.finish();
  }
  return out + "]";
}

JsonObject process_json(const ProcessWatch::Used& used) {
  JsonObject out;
  out.add("cpuSeconds", used.cpu_seconds, 3);
  out.add("waitedSeconds", used.waited_seconds, 3);
  out.add("residentBytes", used.resident_bytes);
  out.add("grownBytes", used.grown_bytes);
  out.add("socketDrops", used.socket_drops);
  return out;
}

}  // namespace zvonok::load
