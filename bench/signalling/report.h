// The table at the end: for every measure the median of the rounds and their range, for each server, and the ratio.
#pragma once
#include <array>
#include <iosfwd>
#include <string>
#include <vector>

namespace zvonok::bench {

constexpr std::size_t kServers = 2;
enum class Server { Zvonok, Node };

enum class Better { More, Less, Neither };

struct Measure {
  std::string section;
  std::string title;  // with its unit; unique in its section
  Better better = Better::Neither;
  int decimals = 0;
  std::string goal = {};                               // in words; empty: none
  std::array<std::vector<double>, kServers> values{};  // by Server, one a round
};

/// Measures in the order in which they were first added.
class Report {
 public:
  /// One round's value of the measure of that section and title, which is made when it is new.
  void add(const Measure& description, Server server, double value);
  void print(std::ostream& out) const;

 private:
  std::vector<Measure> measures_;
};

/// The median of the rounds' ratios, the greater the better for the first server; 0 when there is none.
[[nodiscard]] double ratio_of(const Measure& measure);

}  // namespace zvonok::bench
