#!/usr/bin/env bash
# Loads our server, Janus, mediasoup and a Pion SFU with the same rooms, in turn, and prints one table.
#
#   make bench-compare                         installs and builds what is needed, then all of this
#   bench/rooms/run.sh                         build/zvonok, three rounds: about half an hour
#   ZVONOK_BINARY=... ROUNDS=1 WINDOW=2s SCENARIOS="webinar audio" TARGETS="zvonok janus" bench/rooms/run.sh
#
# Needs what `scripts/deps.sh bench` installs, and two cores: the server under test gets the one, the generator the other.
# As root both get the most of the scheduler (autogroup), so that what else the machine does disturbs little. JANUS_LOOPS: Janus' event
# loops: one is its best on one core; `thread`: a thread for each handle, its default. RESULTS: a file to which a line of JSON
# for each run is added; OUT: the file that gets the table (build/bench/compare.jsonl and compare.md). A target that can't be built
# or started, or that fails, has that in the table.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
binary="${ZVONOK_BINARY:-$here/../../build/zvonok}"
rounds="${ROUNDS:-3}"
window="${WINDOW:-5s}"
server_core="${SERVER_CORE:-0}"
load_core="${LOAD_CORE:-1}"
cache="${BENCH_CACHE:-$here/../../build/bench}"
mkdir -p "$cache"
cache="$(cd "$cache" && pwd)"
out="${OUT:-$cache/compare.md}"
work="$(mktemp -d)"
results="${RESULTS:-$cache/compare.jsonl}"
[ -n "${RESULTS:-}" ] || : >"$results"
loops="${JANUS_LOOPS:-1}"
secret="only-for-the-benchmark-0123456789abcdef"

declare -A scenario=(
  [webinar]="-publishers 1 -subscribers 150 -video 100"
  [audio]="-rooms 10 -publishers 9 -subscribers 0 -meet"
  [meeting]="-rooms 2 -publishers 9 -subscribers 0 -meet -video 60"
  [video400]="-publishers 1 -subscribers 150 -audio=false -video 400 -join-video 60"
  [video1000]="-publishers 1 -subscribers 150 -audio=false -video 1000 -join-video 60"
  [joins]="-publishers 1 -subscribers 100 -parallel 0 -video 60"
  [joins300]="-publishers 1 -subscribers 300 -parallel 0 -video 60"
  [limit]="-limit -publishers 1 -subscribers 150 -audio=false -video 60"
)
read -ra scenarios <<<"${SCENARIOS:-webinar audio meeting video400 video1000 limit joins joins300}"
read -ra targets <<<"${TARGETS:-zvonok janus mediasoup pion}"
for name in "${scenarios[@]}"; do
  [ -n "${scenario[$name]:-}" ] || { echo "no such scenario: $name; there are: ${!scenario[*]}" >&2; exit 2; }
done

server=""
load=""
started="$(date +%s)"

# end <pid>: TERM, after three seconds KILL.
end() {
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 30); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
}
stop_server() {
  [ -n "$server" ] || return 0
  local child children
  children="$(ps -o pid= --ppid "$server" 2>/dev/null || true)"
  end "$server"
  wait "$server" 2>/dev/null || true
  for child in $children; do end "$child"; done
  server=""
}
stop_load() {
  [ -n "$load" ] || return 0
  end "$load"
  load=""
}
trap 'stop_load; stop_server; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# As root, in a session whose autogroup comes before all others; the process stays the same one.
first=()
if [ "$(id -u)" -eq 0 ] && [ -w /proc/self/autogroup ]; then
  first=(setsid bash -c 'echo -20 >/proc/self/autogroup; exec "$@"' first)
fi
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
address="$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m1 -E '^[0-9]+(\.[0-9]+){3}$' || true)"
address="${address:-127.0.0.1}"

wanted() { [[ " ${targets[*]} " == *" $1 "* ]]; }

declare -A broken=() # targets that can't be started: why
build() {
  local need
  for need in go taskset setsid ps; do
    command -v "$need" >/dev/null || { echo "$need is missing: scripts/deps.sh bench installs what this needs" >&2; exit 3; }
  done
  for need in github.com/pion/webrtc github.com/gorilla/websocket; do
    [ -d "/usr/share/gocode/src/$need" ] ||
      { echo "the Go library $need is missing: scripts/deps.sh bench installs what this needs" >&2; exit 3; }
  done
  mkdir -p "$work/go/src"
  ln -s "$here" "$work/go/src/rooms"
  export GO111MODULE=off GOFLAGS='' GOPATH="$work/go:/usr/share/gocode"
  timeout 20m go build -o "$work/load" rooms/load
  if wanted pion; then timeout 20m go build -o "$work/pion_sfu" rooms/pion_sfu || broken[pion]="it does not build"; fi
  if wanted zvonok && [ ! -x "$binary" ]; then broken[zvonok]="there is no $binary"; fi
  if wanted janus && ! command -v janus >/dev/null; then broken[janus]="Debian's janus is not installed"; fi
  if wanted mediasoup; then
    worker="$("$here/mediasoup/build.sh" "$cache/mediasoup" 2>"$work/mediasoup.log")" || {
      tail -5 "$work/mediasoup.log" >&2
      broken[mediasoup]="it does not build: $(tail -1 "$work/mediasoup.log")"
    }
    cp "$here/mediasoup/server.mjs" "$cache/mediasoup/" 2>/dev/null || true
  fi
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

await_port() {
  for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  echo "the server does not listen; its log ends with:" >&2
  tail -5 "$work/log" >&2
  return 1
}

janus_config() {
  mkdir -p "$work/janus"
  local others
  list() { find /usr/lib/*/janus/"$1" -name '*.so' -not -name "*$2*" -printf '%f\n' | paste -sd,; }
  others="$(list plugins videoroom)"
  cat >"$work/janus/janus.jcfg" <<CONFIG
general: { debug_level = 1 $([ "$loops" = thread ] || echo ", event_loops = $loops") }
nat: { ice_lite = true, ice_enforce_list = "$address" }
plugins: { disable = "$others" }
transports: { disable = "$(list transports websockets)" }
events: { broadcast = false }
CONFIG
  echo "general: { json = \"compact\", ws = true, ws_port = $1, ws_ip = \"127.0.0.1\", wss = false }" \
    >"$work/janus/janus.transport.websockets.jcfg"
  echo "general: { }" >"$work/janus/janus.plugin.videoroom.jcfg"
}

# command_of <target> <port>: into `command`.
command_of() {
  case "$1" in
    zvonok)
      command=(env -i PATH=/usr/bin:/bin SERVER_PORT="$2" BIND_ADDRESS=127.0.0.1 DATA_DIR="$work/data" MEDIA_UDP_PORT=0
        MEDIA_ADVERTISED_IP="$address" JWT_SECRET="$secret" AUTH_PROVISION=jit CONNECTIONS_PER_IP_MAX=10000 LOG_LEVEL=warn
        SHUTDOWN_TIMEOUT=1s "$binary" serve)
      ;;
    janus) command=(janus --configs-folder="$work/janus" --disable-colors) ;;
    mediasoup) command=(env MEDIASOUP_WORKER_BIN="${worker:-}" node "$cache/mediasoup/server.mjs" "$2" "$address") ;;
    pion) command=("$work/pion_sfu" -listen "127.0.0.1:$2" -address "$address") ;;
    *) echo "unknown target $1" >&2; return 2 ;;
  esac
}

start() { # target, port
  local command
  command_of "$1" "$2"
  [ "$1" != janus ] || janus_config "$2"
  rm -rf "$work/data"
  "${first[@]}" taskset -c "$server_core" "${command[@]}" >"$work/log" 2>&1 &
  server=$!
  await_port "$2"
}

failed() { # scenario, target, why
  local why
  why="$(tr -cd '[:print:]' <<<"$3" | tr -d '"\\' | cut -c1-200)"
  echo "  $1 against $2 failed: $why"
  echo "{\"name\":\"$1\",\"target\":\"$2\",\"error\":\"$why\"}" >>"$results"
}

run_one() { # scenario, target
  local port flags code=0
  if [ -n "${broken[$2]:-}" ]; then failed "$1" "$2" "${broken[$2]}"; return; fi
  port="$(free_port)"
  read -ra flags <<<"${scenario[$1]}"
  if start "$2" "$port"; then
    timeout --foreground 180 "${first[@]}" taskset -c "$load_core" "$work/load" -name "$1" -target "$2" \
      -url "ws://127.0.0.1:$port" -secret "$secret" -address "$address" -pid "$server" -core "$server_core" \
      -window "$window" -out "$results" "${flags[@]}" 2>"$work/load.log" &
    load=$!
    wait "$load" || code=$?
    load=""
    cat "$work/load.log" >&2
    case "$code" in
      0) ;;
      124) failed "$1" "$2" "it took more than three minutes" ;;
      *) failed "$1" "$2" "$(tail -1 "$work/load.log")" ;;
    esac
  else
    failed "$1" "$2" "it does not start: $(tail -1 "$work/log")"
  fi
  stop_server
}

version() { dpkg-query -W -f='${Version}' "$1" 2>/dev/null || echo unknown; }

# header: all that a reader needs to know what the table is of, and to do it again.
header() {
  local name command priority="ordinary priority"
  [ "${#first[@]}" -eq 0 ] || priority="autogroups at -20"
  echo "Side by side, $(date -u +%Y-%m-%d), $rounds rounds of windows of $window"
  echo
  echo "- Linux $(uname -r), $(nproc) cores of$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2), server on core $server_core," \
    "generator on core $load_core, $priority, load average $(cut -d' ' -f1-3 /proc/loadavg), $(($(date +%s) - started)) s in all"
  wanted zvonok && echo "- zvonok: $("$binary" --version 2>/dev/null || echo missing)"
  wanted janus && echo "- janus: Debian $(version janus), event loops: $loops, libsrtp $(version libsrtp2-1), libnice $(version libnice10)"
  wanted mediasoup && echo "- mediasoup: $(grep -o '"mediasoup": "[^"]*"' "$here/mediasoup/package.json" | cut -d'"' -f4)," \
    "one worker, libuv $(version libuv1), libsrtp $(version libsrtp2-1), OpenSSL $(version libssl3), Node.js $(node --version 2>/dev/null)"
  wanted pion && echo "- pion: webrtc.v3 $(version golang-github-pion-webrtc.v3-dev), $(go version | cut -d' ' -f3)"
  echo "- generator: Pion as above. Audio 50 packets/s of 100 bytes, video packets of 1,100 bytes, both of RTP payload; AES-128-GCM"
  for name in "${scenarios[@]}"; do echo "- $name: \`load -window $window ${scenario[$name]}\`"; done
  for name in "${targets[@]}"; do
    command_of "$name" PORT || continue
    echo "- $name: \`taskset -c $server_core $(sed -e "s|$work|DIR|g; s|$secret|SECRET|g; s|$cache|build/bench|g; s|$binary|zvonok|g" \
      -e "s|$address|ADDRESS|g" <<<"${command[*]}")\`"
  done
  echo
}

build
for round in $(seq "$rounds"); do
  echo "round $round"
  for name in "${scenarios[@]}"; do
    for target in "${targets[@]}"; do run_one "$name" "$target"; done
  done
done
echo
{
  header
  "$work/load" report "$results"
} | tee "$out"
