#!/usr/bin/env bash
# How many instructions of our own code a forwarded packet takes, counted by callgrind: the same on every run of the same
# compiler, whatever else the machine does. Fails when it is more than bench/path/budget.txt allows. Libraries (cryptography,
# memcpy) are left out: which of their variants runs depends on the processor. What is allocated on the way is counted too.
#
#   scripts/budget.sh [build folder]
set -euo pipefail
cd "$(dirname "$0")/.."
build="${1:-build}"
bench="$build/bench/bench_path"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

failed=0
while read -r name most flags; do
  case "$name" in "" | "#"*) continue ;; esac
  # shellcheck disable=SC2086
  said="$(valgrind --tool=callgrind --collect-atstart=no --callgrind-out-file="$work/out" "$bench" $flags 2>"$work/log")" ||
    { cat "$work/log" >&2; exit 1; }
  packets="$(sed -E 's/.*: ([0-9]+) packets.*/\1/' <<<"$said")"
  callgrind_annotate --auto=no --threshold=100 --show-percs=no "$work/out" >"$work/annotated"
  own="$(grep -E '^ *[0-9,]+ ' "$work/annotated" | grep -vE '\[/|PROGRAM TOTALS' | awk '{gsub(",", "", $1); sum += $1} END {print sum + 0}')"
  allocated="$(grep -E '^ *[0-9,]+ .*:_int_malloc' "$work/annotated" | awk '{gsub(",", "", $1); print $1; exit}')"
  each=$((own / packets))
  printf '%-10s %5d instructions for each of %d packets (at most %d), %d more in malloc\n' \
    "$name" "$each" "$packets" "$most" "$((${allocated:-0} / packets))"
  if [ "$each" -gt "$most" ]; then
    echo "$name: more than allowed. See where: callgrind_annotate; or say in bench/path/budget.txt why it is worth it" >&2
    failed=1
  elif [ "$each" -lt $((most * 9 / 10)) ]; then
    echo "$name: much less than allowed. Lower it in bench/path/budget.txt, so that it stays so" >&2
    failed=1
  fi
done <bench/path/budget.txt
exit "$failed"
