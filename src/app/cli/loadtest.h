// `zvonok loadtest`: its flags, and what it prints. The work is done by load/generator.h.
#pragma once
#include <functional>

namespace CLI {
class App;
}  // namespace CLI

namespace zvonok::app {

/// Adds the command. Parsed, `run` does it: 0: everybody joined and all media was as sent, 1: not so, 2: wrong usage.
struct LoadtestCommand {
  CLI::App* command = nullptr;
  std::function<int()> run;
};
[[nodiscard]] LoadtestCommand add_loadtest(CLI::App& app);

}  // namespace zvonok::app
