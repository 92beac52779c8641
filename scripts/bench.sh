#!/usr/bin/env bash
# Builds the server, the load generator and what it is compared with, and runs the signalling benchmark.
# docs/benchmarks.md explains the numbers. Takes about six minutes.
# Usage: scripts/bench.sh [options of bench_signalling]   (--help lists them)
#   BENCH_BUILD   the build folder (build)
#   BENCH_NICE    priority of servers and generator, such as -15 on a machine that does other things too; needs root
set -euo pipefail
cd "$(dirname "$0")/.."

build="${BENCH_BUILD:-build}"

cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DZVONOK_TESTS=OFF -DZVONOK_BENCH=ON >/dev/null
cmake --build "$build" --target zvonok bench_signalling
# No scripts of packages are run: the one native addon brings its binary with it.
(cd bench/node_ws && npm ci --ignore-scripts --no-audit --no-fund)

if [ "$(nproc)" -lt 2 ]; then
  echo "The benchmark needs two cores: one for the servers, one for the load generator." >&2
  exit 1
fi
ulimit -n "$(ulimit -Hn)"

echo "Linux $(uname -r), $(nproc) cores,$(sed -n 's/^model name[^:]*://p' /proc/cpuinfo | head -n 1), TCP congestion control" \
  "$(cat /proc/sys/net/ipv4/tcp_congestion_control), Node.js $(node --version)," \
  "ws $(node -p 'require("./bench/node_ws/node_modules/ws/package.json").version')"

run=("$build/bench/bench_signalling" --zvonok "$build/zvonok" --node-server bench/node_ws/server.mjs)
# A session of its own: where sessions are scheduled as groups, the priority is the session's.
[ -n "${BENCH_NICE:-}" ] && run=(setsid --wait "${run[@]}" --nice="$BENCH_NICE")
exec "${run[@]}" "$@"
