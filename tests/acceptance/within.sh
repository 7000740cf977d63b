# shellcheck shell=bash
# Read by tests that are scripts: a check that may take its time, and how many there were.
passed=0
failed=0

within() {  # within SECONDS WHAT COMMAND…
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            failed=$((failed + 1))
            echo "FAILED  $what"
            return
        fi
        sleep 0.2
    done
    passed=$((passed + 1))
    echo "ok      $what"
}
