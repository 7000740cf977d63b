#!/usr/bin/env bash
# pages.sh PROGRAM DAEMON_LOAD [SECONDS]: the API while 1,000 detections a second are ingested into
# 1,000 open incidents: a page of 50 asked for by 100 connections (wrk), the same while statistics
# and full text are asked for, and 1,000 listeners to events.
set -euo pipefail
program=$(realpath "$1") load=$(realpath "$2") seconds=${3:-10}
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT
cd "$work"
port=18090
cat >runnerwatch.yaml <<TEXT
files: [{name: managers, path: $work/managers.log}]
storage: {database: $work/runnerwatch.db}
http: {listen: "127.0.0.1:$port"}
probe_listen: "127.0.0.1:$((port + 1))"
alerts: {receivers: [{name: nobody, webhook: {url: "http://127.0.0.1:9/"}}], route: {receiver: nobody}}
TEXT
touch managers.log
ulimit -n "$(ulimit -Hn)"
${WRAP:-} "$program" run --config runnerwatch.yaml >daemon.log 2>&1 &
daemon=$!
for _ in {1..100}; do
    curl -sf "127.0.0.1:$((port + 1))/readyz" >/dev/null && break
    sleep 0.1
done

page="http://127.0.0.1:$port/api/v1/incidents?limit=50"
lines() {  # what the daemon has taken of the log so far
    curl -s "127.0.0.1:$((port + 1))/metrics" | awk '/^runnerwatch_lines_read_total/ {n += $2} END {print n + 0}'
}
cpu() { awk '{print ($14 + $15) * 10}' "/proc/$daemon/stat"; }  # ms
ask() {  # ask NAME CONNECTIONS
    local lines_before=$(lines) cpu_before=$(cpu)
    wrk -t2 -c"$2" -d"${seconds}s" --latency "$page" >wrk.txt
    local took=$(( $(lines) - lines_before )) used=$(( $(cpu) - cpu_before ))
    awk -v name="$1" -v lines="$took" -v cpu="$used" -v seconds="$seconds" '
        /Requests\/sec/ {rate = $2} $1 == "50%" {half = $2} $1 == "99%" {most = $2}
        /Non-2xx/ {bad = $NF}
        END {printf "| %s | %.0f | %s | %s | %s | %.0f | %.0f %% |\n", name, rate, half, most,
             bad + 0, lines / seconds, cpu / seconds / 10}' wrk.txt
}

"$load" feed managers.log 5000 1 1000
for _ in {1..100}; do [ "$(lines)" -ge 5000 ] && break; sleep 0.1; done
"$load" feed managers.log 1000 $((seconds * 8 + 60)) 1000 &
feeder=$!
echo '| pages of 50 incidents | a second | p50 | p99 | not 200 | lines/s taken | CPU of the daemon |'
echo '|---|---|---|---|---|---|---|'
ask '100 connections' 100
(while curl -s -o /dev/null "127.0.0.1:$port/api/v1/stats?since=90d" &&
    curl -s -o /dev/null "127.0.0.1:$port/api/v1/incidents?text=forbidden+correlation"; do :; done) &
asking=$!
ask '100 connections, statistics and full text beside' 100
kill $asking 2>/dev/null
wait $asking 2>/dev/null || true
echo
"$load" listen $port 1000 5
kill $feeder 2>/dev/null
wait $feeder 2>/dev/null || true
echo 'The same without detections:'
"$load" listen $port 1000 5
grep -E 'error|critical' daemon.log | grep -v nobody | head -5 || true
