#!/usr/bin/env bash
# container_test.sh PROGRAM: the steps of the container image, run in a Debian root made by
# mmdebstrap, without a container engine. The program must start there as the image's user with the
# root file system read-only. Needs root. Prints a line per check and "N passed, M failed".
set -euo pipefail
program=$(realpath "${1:?usage: container_test.sh PROGRAM}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dir=$(mktemp -d /tmp/rw-image.XXXXXX)
root=$dir/root
passed=0
failed=0
trap 'rm -rf --one-file-system "$dir"' EXIT

check() {  # check WHAT COMMAND…
    local what=$1
    shift
    if "$@" >"$dir/out" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "FAILED  $what"
        cat "$dir/out"
    fi
}

mmdebstrap --quiet --variant=apt bookworm "$root" 2>"$dir/log" || { cat "$dir/log"; exit 1; }
cp packaging/container/install.sh "$root/tmp/install.sh"
check 'the steps of the image' chroot "$root" sh /tmp/install.sh
cp "$program" "$root/usr/bin/runnerwatch"
rm "$root/tmp/install.sh"
cat >"$root/etc/runnerwatch/runnerwatch.yaml" <<'YAML'
files: [{path: /var/lib/runnerwatch/manager.log}]
storage: {database: /var/lib/runnerwatch/runnerwatch.db}
http: {listen: "127.0.0.1:0"}
probe_listen: "127.0.0.1:0"
YAML

# inside COMMAND…: as the image's user, with nothing writable but /var/lib/runnerwatch
inside() {
    unshare --mount sh -c '
        root=$1; shift
        mount --bind "$root" "$root" && mount -t proc proc "$root/proc"
        mount -t tmpfs -o uid=65532,gid=65532,mode=0700 tmpfs "$root/var/lib/runnerwatch"
        mount -o remount,bind,ro "$root"
        cd "$root" && exec chroot --userspec=65532:65532 "$root" "$@"' sh "$root" "$@"
}
check 'the program starts' inside runnerwatch --version
check 'it is not root' inside sh -c '[ "$(id -u)" = 65532 ]'
check 'the root is read-only' inside sh -c '! touch /etc/x 2>/dev/null && ! touch /tmp/x 2>/dev/null'
check 'its configuration is in order' inside runnerwatch check-config --config /etc/runnerwatch/runnerwatch.yaml
# It stops in order when told to, so it has opened its database and its listeners.
check 'it runs and stops in order' inside sh -c '
    : >/var/lib/runnerwatch/manager.log
    runnerwatch run --config /etc/runnerwatch/runnerwatch.yaml 2>/var/lib/runnerwatch/log & pid=$!
    for i in $(seq 100); do grep -q "caught up" /var/lib/runnerwatch/log && break; sleep 0.2; done
    kill -TERM $pid; wait $pid; status=$?; cat /var/lib/runnerwatch/log
    [ $status = 0 ] && [ -s /var/lib/runnerwatch/runnerwatch.db ] && grep -q "caught up" /var/lib/runnerwatch/log'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
