#!/usr/bin/env bash
# How many phone calls a core carries: a server with one media thread and the mock provider, and calls whose telephone
# echoes without delay. Usage: bench/phone/run.sh [calls with G.711] [calls with Opus]
set -euo pipefail
cd "$(dirname "$0")/../.."
port="${PORT:-18080}"
folder="$(mktemp -d)"
env -i PATH="$PATH" SERVER_PORT="$port" BIND_ADDRESS=127.0.0.1 DATA_DIR="$folder" MEDIA_THREADS=1 \
  MEDIA_ADVERTISED_IP=127.0.0.1 VOIP_PROVIDER=mock VOIP_CALLS_MAX=100000 VOIP_MINUTES_PER_USER_PER_DAY=0 \
  VOIP_CALLS_PER_USER_MAX=100000 VOIP_CALLS_PER_USER_PER_DAY=0 \
  VOIP_MINUTES_PER_DAY=0 VOIP_INITIATIONS_PER_MINUTE=1000000 VOIP_REQUESTS_PER_MINUTE=1000000 LOG_LEVEL=warn \
  build/zvonok serve >"$folder/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
  curl -fs "http://127.0.0.1:$port/healthz" >/dev/null 2>&1 && break
  sleep 0.1
done
build/bench/bench_phone --port "$port" --pid "$server" --calls "${1:-500}" --codec g711
build/bench/bench_phone --port "$port" --pid "$server" --calls "${2:-150}" --codec opus
