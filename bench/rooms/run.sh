#!/usr/bin/env bash
# Loads our server, Janus and a Pion SFU with the same rooms, in turn, and prints one table.
#
#   bench/rooms/run.sh                         build/zvonok, three rounds: about ten minutes
#   ZVONOK_BINARY=... ROUNDS=1 SCENARIOS="webinar audio" TARGETS="zvonok janus" bench/rooms/run.sh
#
# Needs Debian's golang-go, golang-github-pion-webrtc.v3-dev, golang-github-gorilla-websocket-dev and janus, and two cores: the
# server under test gets the one, the generator the other. As root both get the most of the scheduler (autogroup), so
# that what else the machine does disturbs little. JANUS_LOOPS: Janus' event loops: one is its best on one core; `thread`: a thread for each
# handle, its default.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
binary="${ZVONOK_BINARY:-$here/../../build/zvonok}"
rounds="${ROUNDS:-3}"
window="${WINDOW:-5s}"
server_core="${SERVER_CORE:-0}"
load_core="${LOAD_CORE:-1}"
work="$(mktemp -d)"
results="${RESULTS:-$work/results.jsonl}"
loops="${JANUS_LOOPS:-1}"
secret="only-for-the-benchmark-0123456789abcdef"

declare -A scenario=(
  [webinar]="-publishers 1 -subscribers 150 -video 100"
  [audio]="-rooms 10 -publishers 9 -subscribers 0 -meet"
  [meeting]="-rooms 2 -publishers 9 -subscribers 0 -meet -video 60"
  [joins]="-publishers 1 -subscribers 100 -parallel 0 -video 60"
  [flood]="-publishers 1 -subscribers 150 -video 1000 -join-video 60"
)
read -ra scenarios <<<"${SCENARIOS:-webinar audio meeting joins flood}"
read -ra targets <<<"${TARGETS:-zvonok janus pion}"

server=""
stop_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  for _ in $(seq 30); do
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=""
}
trap 'stop_server; rm -rf "$work"' EXIT

# As root, in a session whose autogroup comes before all others; the process stays the same one.
first=()
if [ "$(id -u)" -eq 0 ] && [ -w /proc/self/autogroup ]; then
  first=(setsid bash -c 'echo -20 >/proc/self/autogroup; exec "$@"' first)
fi
address="$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m1 -E '^[0-9]+(\.[0-9]+){3}$' || true)"
address="${address:-127.0.0.1}"

build() {
  mkdir -p "$work/go/src"
  ln -s "$here" "$work/go/src/rooms"
  export GO111MODULE=off GOFLAGS= GOPATH="$work/go:/usr/share/gocode"
  go build -o "$work/load" rooms/load
  go build -o "$work/pion_sfu" rooms/pion_sfu
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

await_port() {
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
    sleep 0.05
  done
  echo "the server does not listen; its log ends with:" >&2
  tail -5 "$work/log" >&2
  return 1
}

janus_config() {
  mkdir -p "$work/janus"
  local all=/usr/lib/*/janus
  local others
  list() { (cd $all/"$1" && ls -- *.so | grep -v "$2" | paste -sd,); }
  others="$(list plugins videoroom)"
  cat >"$work/janus/janus.jcfg" <<END
general: { debug_level = 1 $([ "$loops" = thread ] || echo ", event_loops = $loops") }
nat: { ice_lite = true, ice_enforce_list = "$address" }
plugins: { disable = "$others" }
transports: { disable = "$(list transports websockets)" }
events: { broadcast = false }
END
  echo "general: { json = \"compact\", ws = true, ws_port = $1, ws_ip = \"127.0.0.1\", wss = false }" \
    >"$work/janus/janus.transport.websockets.jcfg"
  echo "general: { }" >"$work/janus/janus.plugin.videoroom.jcfg"
}

start() { # target, port
  local command
  case "$1" in
    zvonok)
      rm -rf "$work/data"
      command=(env -i PATH=/usr/bin:/bin SERVER_PORT="$2" BIND_ADDRESS=127.0.0.1 DATA_DIR="$work/data" MEDIA_UDP_PORT=0
        MEDIA_ADVERTISED_IP="$address" JWT_SECRET="$secret" AUTH_PROVISION=jit CONNECTIONS_PER_IP_MAX=10000 LOG_LEVEL=warn
        SHUTDOWN_TIMEOUT=1s "$binary" serve)
      ;;
    janus)
      janus_config "$2"
      command=(janus --configs-folder="$work/janus" --disable-colors)
      ;;
    pion) command=("$work/pion_sfu" -listen "127.0.0.1:$2" -address "$address") ;;
    *) echo "unknown target $1" >&2; return 2 ;;
  esac
  "${first[@]}" taskset -c "$server_core" "${command[@]}" >"$work/log" 2>&1 &
  server=$!
  await_port "$2"
}

run_one() { # scenario, target
  local port flags
  port="$(free_port)"
  read -ra flags <<<"${scenario[$1]:?no such scenario}"
  start "$2" "$port" || { stop_server; return 0; }
  timeout 90 "${first[@]}" taskset -c "$load_core" "$work/load" -name "$1" -target "$2" \
    -url "ws://127.0.0.1:$port" -secret "$secret" -address "$address" -pid "$server" -core "$server_core" \
    -window "$window" -out "$results" "${flags[@]}" || echo "  $1 against $2 failed"
  stop_server
}

version() { dpkg-query -W -f='${Version}' "$1" 2>/dev/null || echo unknown; }

build
priority="ordinary priority"
[ "${#first[@]}" -eq 0 ] || priority="autogroups at -20"
echo "Linux $(uname -r), $(nproc) cores of$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2), server on core $server_core," \
  "generator on core $load_core, $priority, load average $(cut -d' ' -f1 /proc/loadavg)"
echo "$("$binary" --version), janus $(version janus) (event loops: $loops), pion $(version golang-github-pion-webrtc.v3-dev)," \
  "$(go version | cut -d' ' -f3)"
for name in "${scenarios[@]}"; do echo "  $name: load ${scenario[$name]}"; done
for round in $(seq "$rounds"); do
  echo "round $round"
  for name in "${scenarios[@]}"; do
    for target in "${targets[@]}"; do run_one "$name" "$target"; done
  done
done
echo
"$work/load" report "$results"
