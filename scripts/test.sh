#!/usr/bin/env bash
# All tests, or the parts named: scripts/test.sh [native] [asan] [tsan] [fuzz] [web] [e2e]
# Stops at the first part that fails. Needs what scripts/deps.sh test installs.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs="${JOBS:-$(nproc)}"
fuzz_seconds="${FUZZ_SECONDS:-8}"
export GTEST_BRIEF=1 # what failed, without the hundreds of lines of what did not

say() { printf '\n== %s\n' "$*"; }

build() { # preset, then cmake options; targets in $targets
  cmake --preset "$@" >/dev/null
  # shellcheck disable=SC2086
  cmake --build --preset "$1" -j "$jobs" ${targets:+--target $targets}
}

run_ctest() { # folder, then ctest options
  local folder="$1"
  shift
  ctest --test-dir "$folder" --output-on-failure --no-tests=error "$@"
}

# What needs speed, other programs, or the program as it is shipped. The unit and server tests run with sanitizers below,
# and a third of all compiling is saved.
part_native() {
  say "native: simulated worlds, contracts with real databases, the program as a process"
  targets="zvonok sim_call sim_room sim_bwe sim_media sim_tunnel contract_store contract_authorizer contract_tunnel contract_phone integration_process bench_path" \
    build release -DZVONOK_TESTS=ON -DZVONOK_BENCH=ON
  run_ctest build -j 1 -R '^(sim_.*|contract_.*|integration_process)$'
  scripts/budget.sh build
  say "alert rules"
  promtool check rules deploy/prometheus/zvonok.rules.yml
  promtool test rules deploy/prometheus/zvonok.test.yml
}

part_asan() {
  say "everything with AddressSanitizer and UndefinedBehaviorSanitizer"
  targets="" build asan
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  # Virtual time does not mind company; the others talk to the real clock.
  run_ctest build/asan -j "$jobs" -R '^(unit|sim)_'
  run_ctest build/asan -j 1 -E '^(unit|sim|fuzz)_'
}

part_tsan() {
  say "threaded parts with ThreadSanitizer"
  targets="unit_app integration_server" build tsan
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
    run_ctest build/tsan -j 1 -R '^(unit_app|integration_server)$'
}

part_fuzz() {
  say "fuzz targets, $fuzz_seconds s each"
  targets="fuzz_targets" build asan # its libraries are instrumented for both
  local target
  for target in build/asan/tests/fuzz/fuzz_*; do
    [ -x "$target" ] && [ -f "$target" ] || continue
    local name corpus
    name="$(basename "$target")"
    corpus="build/asan/fuzz/corpus/$name"
    mkdir -p "$corpus"
    echo "-- $name"
    local seeds="tests/fuzz/corpus/${name#fuzz_}"
    [ -d "$seeds" ] || seeds=""
    # The log is shown only when something is found.
    if ! "$target" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/asan/fuzz/" "$corpus" ${seeds:+"$seeds"} > "build/asan/fuzz/$name.log" 2>&1; then
      tail -n 60 "build/asan/fuzz/$name.log"
      echo "$name found something" >&2
      exit 1
    fi
    grep -E 'stat::number_of_executed_units' "build/asan/fuzz/$name.log"
  done
}

part_web() {
  say "web: SDK and web app, types and unit tests"
  local folder
  for folder in web/client web/app; do
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error && npm run --silent typecheck && npm test --silent)
  done
}

part_e2e() {
  say "end to end: the document of the REST API, the official Socket.IO client and a tunnel client, other WebRTC stacks, and browsers with fake devices, against the server"
  cmake --preset release >/dev/null
  cmake --build build -j "$jobs" --target zvonok socketio_echo
  scripts/build_web.sh
  local folder
  for folder in tests/rest tests/socketio tests/rooms tests/e2e; do
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error && npm test --silent)
  done
}

parts=("$@")
[ "${#parts[@]}" -gt 0 ] || parts=(native asan tsan fuzz web e2e)
started=$SECONDS
for part in "${parts[@]}"; do
  case "$part" in
    native | asan | tsan | fuzz | web | e2e) "part_$part" ;;
    *) echo "usage: $0 [native] [asan] [tsan] [fuzz] [web] [e2e]" >&2; exit 2 ;;
  esac
  say "$part passed ($((SECONDS - started)) s since the start)"
done
