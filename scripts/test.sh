#!/usr/bin/env bash
# All tests, or the parts named: scripts/test.sh [native] [clients] [asan] [tsan] [fuzz] [web] [e2e]
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

# Builds with what the tests that follow leave of the machine: they mostly wait. Whatever fails there fails again, and is
# shown, in `build`.
build_ahead() { # preset; targets in $targets
  [ -z "$ahead" ] || return 0
  export jobs targets
  export -f build
  # shellcheck disable=SC2016
  setsid chrt --idle 0 bash -c 'build "$0"' "$1" >/dev/null 2>&1 &
  ahead=$!
}
ahead=""
finish_ahead() {
  [ -z "$ahead" ] || wait "$ahead" || true
  ahead=""
}
stop_ahead() {
  [ -z "$ahead" ] || kill -- "-$ahead" 2>/dev/null || true
}
trap stop_ahead EXIT

run_ctest() { # folder, then ctest options
  local folder="$1"
  shift
  ctest --test-dir "$folder" --output-on-failure --no-tests=error "$@"
}

# What needs speed, other programs, or the program as it is shipped. All the rest runs with sanitizers below, and half of
# the compiling is saved.
part_native() {
  say "native: simulated worlds, the program as a process"
  targets="zvonok socketio_echo sim_call sim_room sim_bwe sim_media sim_tunnel integration_process bench_path" \
    build release -DZVONOK_TESTS=ON -DZVONOK_BENCH=ON
  if is_wanted asan; then targets="" build_ahead asan; fi
  run_ctest build -j 1 -R '^(sim_.*|integration_process)$'
  scripts/budget.sh build
  say "alert rules"
  promtool check rules deploy/prometheus/zvonok.rules.yml
  promtool test rules deploy/prometheus/zvonok.test.yml
}

part_clients() {
  say "clients: the document of the REST API, the official Socket.IO client and a tunnel client, other WebRTC stacks"
  targets="zvonok socketio_echo" build release
  scripts/build_web.sh
  if is_wanted asan; then targets="" build_ahead asan; fi
  run_npm tests/rest tests/socketio tests/rooms
}

part_asan() {
  say "everything with AddressSanitizer and UndefinedBehaviorSanitizer"
  finish_ahead
  targets="" build asan
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  # Virtual time does not mind company; the others talk to the real clock.
  run_ctest build/asan -j "$jobs" -R '^(unit|sim)_'
  if is_wanted tsan; then targets="$tsan_targets" build_ahead tsan; fi
  run_ctest build/asan -j 1 -E '^(unit|sim|fuzz)_|^integration_server'
  run_ctest build/asan -j "$jobs" -R '^integration_server'
}

tsan_targets="unit_app integration_server"
part_tsan() {
  say "threaded parts with ThreadSanitizer"
  finish_ahead
  targets="$tsan_targets" build tsan
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
    run_ctest build/tsan -j "$jobs" -R '^(unit_app|integration_server_.)$'
}

part_fuzz() {
  say "fuzz targets, $fuzz_seconds s each"
  targets="fuzz_targets" build asan # its libraries are instrumented for both
  export fuzz_seconds
  export -f fuzz
  # shellcheck disable=SC2016
  find build/asan/tests/fuzz -maxdepth 1 -name 'fuzz_*' -type f -executable -print0 | sort -z |
    xargs -0 -n 1 -P "$jobs" bash -c 'fuzz "$0"'
}

fuzz() { # program
  local name corpus seeds
  name="$(basename "$1")"
  corpus="build/asan/fuzz/corpus/$name"
  seeds="tests/fuzz/corpus/${name#fuzz_}"
  [ -d "$seeds" ] || seeds=""
  mkdir -p "$corpus"
  # The log is shown only when something is found.
  if ! "$1" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/asan/fuzz/" "$corpus" ${seeds:+"$seeds"} > "build/asan/fuzz/$name.log" 2>&1; then
    tail -n 60 "build/asan/fuzz/$name.log"
    echo "$name found something" >&2
    return 1
  fi
  echo "$name: $(sed -n 's/stat::number_of_executed_units: *//p' "build/asan/fuzz/$name.log") inputs"
}

part_web() {
  say "web: SDK and web app, types and unit tests"
  local folder
  for folder in web/client web/app; do
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error && npm run --silent typecheck && npm test --silent)
  done
}

part_e2e() {
  say "end to end: browsers with fake devices against the server"
  targets="zvonok" build release
  scripts/build_web.sh
  run_npm tests/e2e
}

run_npm() { # folders
  local folder
  for folder in "$@"; do
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error && npm test --silent)
  done
}

parts=("$@")
[ "${#parts[@]}" -gt 0 ] || parts=(native clients asan tsan fuzz web e2e)
is_wanted() {
  [[ " ${parts[*]} " == *" $1 "* ]]
}
started=$SECONDS
for part in "${parts[@]}"; do
  case "$part" in
    native | clients | asan | tsan | fuzz | web | e2e) "part_$part" ;;
    *) echo "usage: $0 [native] [clients] [asan] [tsan] [fuzz] [web] [e2e]" >&2; exit 2 ;;
  esac
  say "$part passed ($((SECONDS - started)) s since the start)"
done
