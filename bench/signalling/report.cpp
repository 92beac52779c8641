#include "signalling/report.h"

#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <ostream>
#include <string_view>

#include "signalling/samples.h"

namespace zvonok::bench {
namespace {

constexpr int kTitleWidth = 36;
constexpr int kCellWidth = 32;
constexpr int kRatioWidth = 8;

/// "123 456.7": thousands apart, since the numbers are long.
std::string format_number(double value, int decimals) {
  std::array<char, 64> digits{};
  std::snprintf(digits.data(), digits.size(), "%.*f", decimals, value);
  const std::string_view plain{digits.data()};
  const std::size_t point = std::min(plain.find('.'), plain.size());
  std::string text;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const bool between_digits = i > 0 && i < point && plain[i - 1] != '-';
    if (between_digits && (point - i) % 3 == 0) text.push_back(' ');
    text.push_back(plain[i]);
  }
  return text;
}

std::string format_cell(const Measure& measure, Server server) {
  const std::vector<double>& values = measure.values[static_cast<std::size_t>(server)];
  if (values.empty()) return "-";
  std::string text = format_number(median(values), measure.decimals);
  if (values.size() == 1) return text;
  const auto [least, greatest] = std::ranges::minmax(values);
  return text + " (" + format_number(least, measure.decimals) + ".." + format_number(greatest, measure.decimals) + ")";
}

std::string format_ratio(const Measure& measure) {
  const double ratio = ratio_of(measure);
  return ratio > 0 ? format_number(ratio, 1) + "x" : "";
}

}  // namespace

double ratio_of(const Measure& measure) {
  if (measure.better == Better::Neither) return 0;
  const std::vector<double>& first = measure.values[static_cast<std::size_t>(Server::Zvonok)];
  const std::vector<double>& second = measure.values[static_cast<std::size_t>(Server::Node)];
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    const double above = measure.better == Better::More ? first[i] : second[i];
    const double below = measure.better == Better::More ? second[i] : first[i];
    if (below > 0) ratios.push_back(above / below);
  }
  return median(ratios);
}

void Report::add(const Measure& description, Server server, double value) {
  auto found = std::ranges::find_if(measures_, [&](const Measure& measure) {
    return measure.section == description.section && measure.title == description.title;
  });
  if (found == measures_.end()) found = measures_.insert(found, description);
  found->values[static_cast<std::size_t>(server)].push_back(value);
}

void Report::print(std::ostream& out) const {
  const auto row = [&out](const std::string& title, const std::string& first, const std::string& second,
                          const std::string& ratio, const std::string& goal) {
    out << std::left << std::setw(kTitleWidth) << title << std::right << std::setw(kCellWidth) << first
        << std::setw(kCellWidth) << second << std::setw(kRatioWidth) << ratio << "  " << goal << "\n";
  };
  row("median of the rounds (least..greatest)", "zvonok", "node ws", "ratio", "goal");
  out << std::string(kTitleWidth + 2 * kCellWidth + kRatioWidth + 8, '-') << "\n";
  std::string_view section;
  for (const Measure& measure : measures_) {
    if (measure.section != section) out << measure.section << "\n";
    section = measure.section;
    row("  " + measure.title, format_cell(measure, Server::Zvonok), format_cell(measure, Server::Node),
        format_ratio(measure), measure.goal);
  }
}

}  // namespace zvonok::bench
