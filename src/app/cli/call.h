// `zvonok call`: its flags, and what it prints. The call is made by caller/session.h.
#pragma once
#include <functional>

namespace CLI {
class App;
}  // namespace CLI

namespace zvonok::app {

/// Adds the command. Parsed, `run` does it. 0: there was a call and the other side was heard, 1: it failed, 2: wrong
/// usage, 3: not answered, 4: a call in which nothing of the other side could be decoded.
struct CallCommand {
  CLI::App* command = nullptr;
  std::function<int()> run;
};
[[nodiscard]] CallCommand add_call(CLI::App& app);

}  // namespace zvonok::app
