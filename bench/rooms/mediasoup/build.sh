#!/usr/bin/env bash
# Builds mediasoup for the comparison: the npm package as it is, and its worker from the package's C++ source with
# Debian's libraries in place of the ones it would download. Prints the worker's path.
#
#   bench/rooms/mediasoup/build.sh [folder]       default: build/bench/mediasoup; once, some ten minutes of one core
#
# Needs meson ninja-build g++ pkg-config, libssl-dev libuv1-dev libsrtp2-dev nlohmann-json3-dev libusrsctp-dev libabsl-dev,
# and Node.js with npm. JOBS: compilers at once (2), at the
# lowest priority; BUILD_LIMIT: then it gives up (40m).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
folder="${1:-$here/../../../build/bench/mediasoup}"
jobs="${JOBS:-2}"
limit="${BUILD_LIMIT:-40m}"

for tool in meson ninja g++ pkg-config node npm; do
  command -v "$tool" >/dev/null || { echo "mediasoup: $tool is missing (scripts/deps.sh bench installs it)" >&2; exit 3; }
done
modules=(openssl libuv libsrtp2 nlohmann_json usrsctp absl_flat_hash_map)
for module in "${modules[@]}"; do
  pkg-config --exists "$module" || { echo "mediasoup: $module is missing (scripts/deps.sh bench installs it)" >&2; exit 3; }
done

mkdir -p "$folder"
exec 9>"$folder/.lock" # one at a time in a folder
flock -w 3600 9

# What the result is of: an equal one is kept.
recipe="$(
  cat "${BASH_SOURCE[0]}" "$here/package.json" "$here/package-lock.json"
  pkg-config --modversion "${modules[@]}"
  g++ -dumpfullversion
)"
stamp="$(sha256sum <<<"$recipe" | cut -d' ' -f1)"
worker="$folder/mediasoup-worker"
if [ -x "$worker" ] && [ "$(cat "$folder/.built-from" 2>/dev/null)" = "$stamp" ]; then
  echo "$worker"
  exit 0
fi

folder="$(cd "$folder" && pwd)"
worker="$folder/mediasoup-worker"
rm -rf "$folder/.built-from" "$folder/worker" "$worker"
cp "$here/package.json" "$here/package-lock.json" "$folder/"
# Without its scripts, which would fetch a worker or the sources of its libraries.
(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
cp -r "$folder/node_modules/mediasoup/worker" "$folder/worker"
cd "$folder/worker"

# stub <subproject> <meson lines>: names the library of the system where the wrap would download one.
stub() {
  rm -f "subprojects/$1.wrap"
  mkdir -p "subprojects/$1"
  { echo "project('$1', ['c', 'cpp'])"; cat; } >"subprojects/$1/meson.build"
}
stub openssl <<'STUB'
openssl_dep = dependency('openssl')
libcrypto_lib = []
libssl_lib = []
STUB
stub nlohmann_json <<'STUB'
nlohmann_json_dep = dependency('nlohmann_json')
STUB
stub libuv <<'STUB'
libuv_dep = dependency('libuv')
libuv = []
STUB
stub libsrtp2 <<'STUB'
libsrtp2_system = dependency('libsrtp2')
libsrtp2_dep = declare_dependency(dependencies: libsrtp2_system,
  compile_args: '-I' + libsrtp2_system.get_variable(pkgconfig: 'includedir') / 'srtp2')
libsrtp2 = []
STUB
stub usrsctp <<'STUB'
usrsctp_dep = dependency('usrsctp')
usrsctp = []
STUB
stub abseil-cpp <<'STUB'
absl_container_dep = declare_dependency(dependencies: [dependency('absl_flat_hash_map'),
  dependency('absl_flat_hash_set'), dependency('absl_btree'), dependency('absl_inlined_vector')])
absl_container_lib = []
absl_strings_dep = dependency('absl_strings')
absl_types_dep = declare_dependency(dependencies: [dependency('absl_optional'), dependency('absl_memory')])
STUB
stub catch2 <<'STUB'
catch2_dep = declare_dependency()
STUB
# Options that the wraps' own projects would have.
for name in libuv:build_tests libuv:build_benchmarks usrsctp:sctp_build_programs; do
  echo "option('${name#*:}', type: 'boolean', value: false)" >>"subprojects/${name%:*}/meson_options.txt"
done
for name in crypto-library crypto-library-kdf tests; do
  echo "option('$name', type: 'string', value: '')" >>subprojects/libsrtp2/meson_options.txt
done
# Debian 12 has Meson 1.0.1, which knows all that is used.
sed -i "s/meson_version: '>= 1.1.0'/meson_version: '>= 1.0.0'/" meson.build

# The package's own flags for a release (worker/Makefile).
meson setup out --wrap-mode=nodownload --buildtype release -Db_ndebug=true -Db_pie=true -Db_staticpic=true >&2
timeout "$limit" nice -n 19 ninja -C out -j "$jobs" mediasoup-worker >&2
cp out/mediasoup-worker "$worker"
rm -rf out
echo "$stamp" >"$folder/.built-from"
echo "$worker"
