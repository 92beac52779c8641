#!/usr/bin/env bash
# How many phone calls a core carries: a server that has core 0 to itself, with one media thread, and browsers and
# telephones on core 1. Usage: [PROVIDER=sip|mock] [SECONDS_EACH=20] bench/phone/run.sh [G.711+Opus]...
# Each argument is a run, such as 500+0, 0+150, 500+150 (these three by default).
set -euo pipefail
cd "$(dirname "$0")/../.."
port="${PORT:-18080}"
sip_port=$((port + 1000))
trunk_port=$((port + 2000))
echo_port=$((port + 3000))
provider="${PROVIDER:-sip}"
duration="${SECONDS_EACH:-20}"
# As root REALTIME=1 puts both before everything else, on a machine that does other things too.
first=()
[ -z "${REALTIME:-}" ] || first=(chrt --rr 5)
server_on=("${first[@]}" taskset -c "${SERVER_CORE:-0}")
load_on=("${first[@]}" taskset -c "${LOAD_CORE:-1}")
[ "$#" -gt 0 ] || set -- 500+0 0+150 500+150
ulimit -n "$(ulimit -Hn)"

pids=()
folder=""
clean() {
  [ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  [ "${#pids[@]}" -eq 0 ] || wait "${pids[@]}" 2>/dev/null || true
  pids=()
  [ -z "$folder" ] || rm -rf "$folder"
  folder=""
}
trap clean EXIT

for run in "$@"; do
  folder="$(mktemp -d)"
  options=(--number +15005550020)
  if [ "$provider" = sip ]; then
    options=(--number +491512345678 --echo-port "$echo_port")
    "${load_on[@]}" sipp -sf bench/phone/telephone.xml -key echo_port "$echo_port" -i 127.0.0.1 -p "$trunk_port" -nostdin \
      >/dev/null 2>&1 &
    pids+=($!)
  fi
  env -i PATH="$PATH" SERVER_PORT="$port" BIND_ADDRESS=127.0.0.1 DATA_DIR="$folder" MEDIA_THREADS=1 \
    MEDIA_ADVERTISED_IP=127.0.0.1 VOIP_PROVIDER="$provider" VOIP_SIP_SERVER="sip:127.0.0.1:$trunk_port" \
    VOIP_SIP_PORT="$sip_port" VOIP_FROM_NUMBER=+4930123456 VOIP_ALLOW_PREFIXES=+ VOIP_CALLS_MAX=100000 \
    VOIP_MINUTES_PER_USER_PER_DAY=0 VOIP_CALLS_PER_USER_MAX=100000 VOIP_CALLS_PER_USER_PER_DAY=0 \
    VOIP_MINUTES_PER_DAY=0 VOIP_INITIATIONS_PER_MINUTE=1000000 VOIP_REQUESTS_PER_MINUTE=1000000 LOG_LEVEL=warn \
    "${server_on[@]}" build/zvonok serve >"$folder/log" 2>&1 &
  pids+=($!)
  server=$!
  for _ in $(seq 100); do
    curl -fs "http://127.0.0.1:$port/healthz" >/dev/null 2>&1 && break
    sleep 0.1
  done
  # Media threads choose a priority of their own.
  [ -z "${REALTIME:-}" ] || chrt --all-tasks --rr --pid 5 "$server"
  "${load_on[@]}" build/bench/bench_phone --port "$port" --pid "$server" --g711 "${run%+*}" --opus "${run#*+}" \
    --seconds "$duration" "${options[@]}" || { tail -n 20 "$folder/log" >&2; exit 1; }
  clean
done
