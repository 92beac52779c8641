#!/usr/bin/env bash
# clang-format (no differences) and clang-tidy over the server's own sources. Extra arguments go to run-clang-tidy.
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files -z 'src/*.h' 'src/*.cpp' 'tests/*.h' 'tests/*.cpp' 'bench/*.h' 'bench/*.cpp' |
  xargs -0 clang-format-19 --dry-run --Werror
cmake --preset debug -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
cmake --build --preset debug -j "$(nproc)" --target zvonok >/dev/null  # generated sources
run-clang-tidy-19 -quiet -j "$(nproc)" -p build/debug "$@" "^$PWD/src/.*\.cpp$"
