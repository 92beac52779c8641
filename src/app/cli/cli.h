// The command line: `zvonok serve | config | migrate | user | token | doctor | loadtest | call | version`.
#pragma once

namespace zvonok::app {

/// Runs the command and returns the process's exit status: 0 well, 1 failed, 2 wrong usage or configuration.
int run_cli(int argc, char** argv);

}  // namespace zvonok::app
