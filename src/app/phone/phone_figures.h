// What a phone provider counts, for /metrics.
#pragma once
#include <functional>
#include <string>

namespace zvonok::app {

struct PhoneFigure {
  const char* name;
  const char* help;
  const char* label = "";  // its name, or none
  std::string label_value;
  double value = 0;
  bool is_gauge = false;
};

class PhoneFigures {
 public:
  using Tell = std::function<void(const PhoneFigure&)>;

  virtual ~PhoneFigures() = default;
  /// Figures of one name in a row. On the loop's thread.
  virtual void report(const Tell& tell) const = 0;
};

}  // namespace zvonok::app
