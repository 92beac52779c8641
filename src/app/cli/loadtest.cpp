#include "app/cli/loadtest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/cli/loadtest_flags.h"
#include "base/overloaded.h"
#include "load/report.h"
#include "load/scenario.h"

namespace zvonok::app {
namespace {

constexpr int kFailed = 1;
constexpr int kUsageError = 2;

int complain(const std::string& what, int code) {
  std::cerr << "zvonok: " << what << "\n";
  return code;
}

/// A run, with its name when it is of a scenario file.
struct Planned {
  std::string name;
  std::string json_file;
  LoadtestPlan plan;
};

template <class Options, class Result>
int tell(const Planned& planned, const Options& options, const Result& result) {
  if (!result) return complain(result.error(), kFailed);
  load::print_table(std::cout, options, *result);
  std::cout << std::flush;
  if (!planned.json_file.empty()) {
    std::ofstream file{planned.json_file, std::ios::app};
    file << load::to_json(planned.name, options, *result) << "\n";
    if (!file.flush()) return complain(planned.json_file + " can't be written", kFailed);
  }
  return result->good() ? 0 : kFailed;
}

int run_one(const Planned& planned) {
  return std::visit(Overloaded{[&](const load::LoadOptions& options) {
                                 return tell(planned, options, load::run_load(options, std::cout));
                               },
                               [&](const load::PairLoadOptions& options) {
                                 return tell(planned, options, load::run_pair_load(options, std::cout));
                               }},
                    planned.plan);
}

/// What the file says of itself comes first, so that what is given with the command has the last word.
Result<Planned, std::string> plan_scenario(const load::Scenario& scenario, const std::vector<std::string>& given) {
  CLI::App parser;
  LoadtestFlags flags;
  add_loadtest_flags(parser, flags);
  for (CLI::Option* const option : parser.get_options()) option->take_last();
  std::vector<std::string> arguments = scenario.arguments;
  arguments.insert(arguments.end(), given.begin(), given.end());
  std::ranges::reverse(arguments);  // as CLI11 takes them
  try {
    parser.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return fail("[" + scenario.name + "] " + error.what());
  }
  // Rooms and users of their own: what one leaves behind is not in the next one's way.
  flags.prefix += scenario.name + "-";
  auto plan = read_loadtest_flags(flags);
  if (!plan) return fail("[" + scenario.name + "] " + plan.error());
  return Planned{.name = scenario.name, .json_file = flags.json_file, .plan = std::move(*plan)};
}

Result<std::vector<Planned>, std::string> plan_file(const std::string& path, const std::vector<std::string>& given) {
  std::ifstream file{path};
  if (!file) return fail("--scenario " + path + " can't be read");
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto scenarios = load::parse_scenarios(text, std::filesystem::path{path}.stem().string());
  if (!scenarios) return fail(path + ", " + scenarios.error());
  std::vector<Planned> out;
  for (const load::Scenario& scenario : *scenarios) {
    auto planned = plan_scenario(scenario, given);
    if (!planned) return fail(path + ", " + planned.error());
    out.push_back(std::move(*planned));
  }
  return out;
}

/// The flags as they were given, as arguments.
std::vector<std::string> given_flags(const CLI::App& command) {
  std::vector<std::string> out;
  for (const CLI::Option* const option : command.get_options()) {
    if (option->count() == 0 || option->check_lname("scenario") || option->check_lname("help")) continue;
    const std::string name = "--" + option->get_lnames().front();
    const bool is_flag = option->get_items_expected_max() == 0;
    out.push_back(is_flag ? name : name + "=" + option->results().back());
  }
  return out;
}

int run_loadtest(const CLI::App& command, const LoadtestFlags& flags) {
  std::vector<Planned> all;
  if (flags.scenario_file.empty()) {
    auto plan = read_loadtest_flags(flags);
    if (!plan) return complain(plan.error(), kUsageError);
    all.push_back({.name = "", .json_file = flags.json_file, .plan = std::move(*plan)});
  } else {
    auto planned = plan_file(flags.scenario_file, given_flags(command));
    if (!planned) return complain(planned.error(), kUsageError);
    all = std::move(*planned);
  }
  int worst = 0;
  for (const Planned& planned : all) {
    if (!planned.name.empty()) std::cout << (&planned == all.data() ? "" : "\n") << "[" << planned.name << "]\n";
    worst = std::max(worst, run_one(planned));
  }
  return worst;
}

}  // namespace

LoadtestCommand add_loadtest(CLI::App& app) {
  // Owned by the closure and by CLI11's options, which point into it: both live as long as `app` and the result.
  const auto flags = std::make_shared<LoadtestFlags>();
  CLI::App* const command =
      app.add_subcommand("loadtest", "Fill a server with participants and calls, and measure what they get");
  add_loadtest_flags(*command, *flags);
  return {.command = command, .run = [flags, command] { return run_loadtest(*command, *flags); }};
}

}  // namespace zvonok::app
