#!/usr/bin/env bash
# Installs what the server is built from, runs with and is tested against, from Debian 12's packages.
# Usage: scripts/deps.sh build|test|lint   (each includes the one before)
#        scripts/deps.sh bench             (build, and what bench/rooms compares with and bench/floor tries)
# Asks nothing; uses sudo when it is not root; does nothing when everything is there.
set -euo pipefail

what="${1:-build}"

build=(
  build-essential cmake ninja-build ccache pkg-config
  libboost1.81-dev libssl-dev libsodium-dev zlib1g-dev
  libsoci-dev libsqlite3-dev libpq-dev
  libcurl4-openssl-dev libsofia-sip-ua-dev libopus-dev libspdlog-dev libcli11-dev prometheus-cpp-dev
)
# Intel's AES-GCM; without it OpenSSL's is used.
[ "$(dpkg --print-architecture)" != amd64 ] || build+=(libipsec-mb-dev)
test=(libsrtp2-dev libgtest-dev libgmock-dev libbenchmark-dev postgresql chromium firefox-esr coturn v2ray prometheus sip-tester baresip-core kamailio clang-19 libclang-rt-19-dev procps valgrind iproute2 openssl)
lint=(clang-tidy-19 clang-format-19)
bench=(
  golang-go golang-github-pion-webrtc.v3-dev golang-github-gorilla-websocket-dev procps util-linux janus
  meson libuv1-dev libsrtp2-dev nlohmann-json3-dev libusrsctp-dev libabsl-dev liburing-dev
)

packages=("${build[@]}")
case "$what" in
  build) ;;
  test) packages+=("${test[@]}") ;;
  lint) packages+=("${test[@]}" "${lint[@]}") ;;
  bench) packages+=("${bench[@]}") ;;
  *) echo "usage: $0 build|test|lint|bench" >&2; exit 2 ;;
esac
# The web app needs Node.js 18.20 or newer; one that is there already is kept.
command -v node >/dev/null 2>&1 || packages+=(nodejs)
command -v npm >/dev/null 2>&1 || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "deps.sh needs root or sudo to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
# The programs are what is needed, not their services (databases, SIP and TURN servers): none is started, now or later.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
for package in "${missing[@]}"; do
  case "$package" in
    postgresql | coturn | v2ray | prometheus | kamailio | janus)
      ! command -v systemctl >/dev/null 2>&1 || "${as_root[@]}" systemctl disable --quiet "$package" 2>/dev/null || true ;;
  esac
done
