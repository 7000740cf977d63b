#!/usr/bin/env bash
# disk_test.sh PROGRAM: a daemon whose disk is full, and one whose file system turns read-only while
# it writes, as ext4 does after an error (errors=remount-ro). On real file systems of its own, in a
# mount namespace of its own: it needs root, loop devices and mkfs.ext4, and says so where it cannot.
# Prints a line per check and "N passed, M failed".
set -euo pipefail
program=$(realpath "${1:?usage: disk_test.sh PROGRAM}")
if [ -z "${IN_NAMESPACE:-}" ]; then
    if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
        echo 'not run: it mounts file systems, which takes root'
        exit 0
    fi
    export IN_NAMESPACE=1
    exec unshare -m "$0" "$program"
fi
# shellcheck source=tests/acceptance/within.sh
. "$(dirname "$0")/within.sh"
pid=
dir=$(mktemp -d /tmp/rw.XXXXXX)
disk=$dir/disk
mkdir "$disk"
finish() {
    trap - EXIT
    stop KILL
    [ "$failed" = 0 ] || tail -n 30 "$dir/log"
    umount "$disk" 2>/dev/null || true
    rm -rf "$dir"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}
trap 'failed=$((failed + 1)); echo "FAILED  the test itself, near line $LINENO"; finish' EXIT
port=$((20000 + RANDOM % 10000))
cat >"$dir/runnerwatch.yaml" <<YAML
files: [{name: vm, path: $dir/runner.log}]
storage: {database: $disk/runnerwatch.db}
http: {listen: "127.0.0.1:$port"}
probe_listen: "127.0.0.1:$((port + 1))"
YAML
start() {
    "$program" run --config "$dir/runnerwatch.yaml" >>"$dir/log" 2>&1 &
    pid=$!
}
stop() {  # stop SIGNAL
    if [ -n "$pid" ]; then kill "-$1" "$pid" 2>/dev/null && wait "$pid" || true; fi
    pid=
}
refused() {  # refused RUNNER
    printf 'time="%s" level=error msg="Checking for jobs... forbidden" runner=%s %s %s\n' \
        "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$1" 'runner_name=vm status="POST' \
        'https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden"' >>"$dir/runner.log"
}
listed() {  # listed COUNT: so many incidents are committed
    [ "$("$program" incidents --api "127.0.0.1:$port" -o json | grep -c '"number"')" = "$1" ]
}
ready_says() { curl -sf "http://127.0.0.1:$((port + 1))/readyz" | grep -qF "$1"; }
ready_is_well() { curl -sf "http://127.0.0.1:$((port + 1))/readyz" | grep -q '"degraded":\[\]'; }
log_says() { grep -qF "$1" "$dir/log"; }
answers() { "$program" incident 1 --api "127.0.0.1:$port"; }
is_in_order() { "$program" db check --database "$disk/runnerwatch.db"; }

mount -t tmpfs -o size=8m tmpfs "$disk"
refused glrt-AAA
start
within 20 'with room, an incident is written' listed 1
dd if=/dev/zero of="$disk/ballast" bs=4k 2>/dev/null || true
refused glrt-BBB
within 20 'a full disk is said, and what to do' log_says 'Free space on its disk'
within 20 '/readyz says it' ready_says 'Free space on its disk'
within 5 'what is written is still shown' answers
within 5 'and nothing else' listed 1
rm "$disk/ballast"
within 40 'with room again, what waited is written' listed 2
within 20 '/readyz is well again' ready_is_well
stop TERM
within 5 'the database is in order' is_in_order
umount "$disk"

truncate -s 32M "$dir/image"
if ! mkfs.ext4 -q -F "$dir/image" 2>/dev/null ||
    ! mount -o loop,errors=remount-ro "$dir/image" "$disk" 2>/dev/null; then
    echo 'not run: a file system that turns read-only, which takes mkfs.ext4 and loop devices'
    finish
fi
device=$(basename "$(findmnt -n -o SOURCE "$disk")")
trigger=/sys/fs/ext4/$device/trigger_fs_error
if [ ! -w "$trigger" ]; then
    echo "not run: a file system that turns read-only, which takes a kernel with $trigger"
    finish
fi
start
within 20 'on ext4, both incidents are read and written' listed 2
echo 'an error that a test asked for' >"$trigger"
refused glrt-CCC
within 20 'a file system that turned read-only is named as that' log_says 'read-only'
within 20 '/readyz says it' ready_says 'read-only'
within 5 'what is written is still shown' answers
stop TERM
within 5 'at its stop it says that something is unwritten' log_says 'stopped with unwritten state'
start
within 20 'it does not start on it, and says why' log_says 'cannot be written'
stop KILL
umount "$disk"
fsck.ext4 -fy "$dir/image" >/dev/null 2>&1 || true
mount -o loop "$dir/image" "$disk"
start
within 20 'repaired and mounted again, the third is read again and written' listed 3
stop TERM
within 5 'the database is in order' is_in_order
finish
