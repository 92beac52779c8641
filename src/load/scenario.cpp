#include "load/scenario.h"

#include <algorithm>
#include <cstddef>

namespace zvonok::load {
namespace {

constexpr std::size_t kScenariosMax = 100;
constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.front() != '-' && text.find_first_not_of(kNameLetters) == std::string_view::npos;
}

class Parser {
 public:
  /// What is wrong with the line; empty: nothing.
  std::string_view take(std::string_view line) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#') return {};
    return line.front() == '[' ? begin_section(line) : add(line);
  }
  [[nodiscard]] std::vector<Scenario> finish(std::string_view fallback_name) {
    if (found_.empty()) found_.push_back({.name = std::string{fallback_name}, .arguments = common_});
    return std::move(found_);
  }

 private:
  std::string_view begin_section(std::string_view line) {
    if (line.back() != ']') return "a section without its ]";
    const std::string_view name = trimmed(line.substr(1, line.size() - 2));
    if (!is_name(name)) return "a section's name has letters, digits, - and _";
    if (found_.size() == kScenariosMax) return "too many sections";
    if (std::ranges::find(found_, name, &Scenario::name) != found_.end()) return "a section of that name was before";
    found_.push_back({.name = std::string{name}, .arguments = common_});
    return {};
  }

  std::string_view add(std::string_view line) {
    const std::size_t equals = line.find('=');
    const std::string_view name = trimmed(line.substr(0, equals));
    const std::string_view value = equals == std::string_view::npos ? "true" : trimmed(line.substr(equals + 1));
    if (!is_name(name)) return "neither a section nor name = value";
    if (name == "scenario") return "a scenario can't name a scenario file";
    if (value.empty()) return "no value";
    auto& arguments = found_.empty() ? common_ : found_.back().arguments;
    const std::string flag = "--" + std::string{name};
    // What a section says again is in place of what was said for all.
    std::erase_if(arguments, [&](const std::string& known) { return known == flag || known.starts_with(flag + "="); });
    if (value == "false") return {};
    arguments.push_back(value == "true" ? flag : flag + "=" + std::string{value});
    return {};
  }

  std::vector<std::string> common_;
  std::vector<Scenario> found_;
};

}  // namespace

Result<std::vector<Scenario>, std::string> parse_scenarios(std::string_view text, std::string_view fallback_name) {
  Parser parser;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view wrong = parser.take(text.substr(0, end));
    if (!wrong.empty()) return fail("line " + std::to_string(number) + ": " + std::string{wrong});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.finish(fallback_name);
}

}  // namespace zvonok::load
