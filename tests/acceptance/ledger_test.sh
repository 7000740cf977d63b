#!/usr/bin/env bash
# ledger_test.sh PROGRAM [KILLS [STERN]]: every line of a real cluster is accounted for once. Numbered lines
# go into ten containers of tests/cluster, whose logs the kubelet rotates every few seconds; the
# daemon is killed KILLS times (30); in between, every sixth time, the API server is restarted, killed,
# and the kubelet is restarted. STERN, a program, reads the same logs beside it. Prints the account;
# fails when a line is lost or counted twice outside of a gap record.
set -euo pipefail
program=$(realpath "${1:?usage: ledger_test.sh PROGRAM [KILLS [STERN]]}")
kills=${2:-30}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
dir=$(mktemp -d /tmp/rw.XXXXXX)  # short: Unix sockets are made in it
finish() {
    [ ! -e "$dir/cluster/pids" ] || "$root/tests/cluster/down.sh" "$dir/cluster" >/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM
# By default a restart takes a minute, in which these logs would be rotated more than once.
tests/cluster/up.sh "$dir/cluster" --replicas 10 --apiserver-arg=--shutdown-send-retry-after=true \
     --log-max-size 100Ki --log-monitor-interval 3s \
    >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; exit 1; }
cd tests/fakeapi
go run . --program "$program" --ledger "$dir/cluster" --kills "$kills" --beside "${3:-}"
