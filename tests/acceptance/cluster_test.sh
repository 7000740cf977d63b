#!/usr/bin/env bash
# cluster_test.sh PROGRAM: runnerwatch end to end. A real API server and kubelet (tests/cluster), a
# real Alertmanager, and the lines a real runner wrote (tests/recordings): two replicas fail, the
# alert arrives, a rollout fixes them, and the new pods' lines resolve it. Waits are for events,
# each with a deadline; hold-downs pass by the time stamps of the lines. Prints a line per check
# and "N passed, M failed". Everything it starts is ended when it ends.
set -euo pipefail
program=$(realpath "${1:?usage: cluster_test.sh PROGRAM}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

passed=0
failed=0
program_pid=
alertmanager_pid=
dir=$(mktemp -d /tmp/rw.XXXXXX)  # short: Unix sockets are made in it

end() {  # end PID SIGNAL: ends our child, waits at most 20 s; prints its exit status
    local status=0
    kill "-$2" "$1" 2>/dev/null || true
    for ((i = 0; i < 100; ++i)); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.2
    done
    kill -KILL "$1" 2>/dev/null && echo 'it had to be killed' >&2
    wait "$1" 2>/dev/null || status=$?
    return "$status"
}

finish() {
    trap - EXIT
    if [ "$failed" != 0 ]; then
        for log in runnerwatch alertmanager; do
            [ ! -s "$dir/$log.log" ] || { echo "--- the end of $log.log:"; tail -n 40 "$dir/$log.log"; }
        done
    fi
    [ -z "$program_pid" ] || end "$program_pid" TERM || true
    [ -z "$alertmanager_pid" ] || end "$alertmanager_pid" TERM || true
    [ ! -e "$dir/cluster/pids" ] || tests/cluster/down.sh "$dir/cluster" >/dev/null || true
    rm -rf "$dir"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}
trap 'failed=$((failed + 1)); echo "FAILED  the test itself, near line $LINENO"; finish' EXIT
trap 'exit 130' INT TERM

# check WHAT COMMAND…: what must hold now. What follows builds on it, so a failure ends the test.
check() {
    local what=$1
    shift
    if "$@" >/dev/null; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "FAILED  $what"
        finish
    fi
}

# within SECONDS WHAT COMMAND…: what must hold before the deadline.
within() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" 2>/dev/null || ((SECONDS >= deadline)); do sleep 0.5; done
    check "$what" "$@"
}

kubectl() { "$dir/cluster/kubectl" "$@"; }

running_pods() {
    kubectl get pods -l app=gitlab-runner -o json | jq -r '.items[]
        | select(.metadata.deletionTimestamp == null and .status.phase == "Running")
        | .metadata.name' | sort
}

print() {  # print POD [--at TIME] < lines: the container prints them
    local pod=$1
    shift
    "$dir/cluster/ctl" logs append --pod "gitlab-runner/$pod" "$@"
}

later() { date -u -d "+$1 seconds" +%Y-%m-%dT%H:%M:%S.%NZ; }

free_port() {
    local port
    while true; do
        port=$((10000 + RANDOM % 10000))  # below those the cluster takes
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# ---- the cluster, the Alertmanager, the daemon ----------------------------------------------

tests/cluster/up.sh "$dir/cluster" --replicas 2 >"$dir/up.log" 2>&1 || cat "$dir/up.log"
mapfile -t old_pods < <(running_pods)
check 'the cluster runs two runner pods' test "${#old_pods[@]}" = 2

cat >"$dir/alertmanager.yml" <<'YAML'
route: {receiver: nobody, group_wait: 0s}
receivers: [{name: nobody}]
YAML
prometheus-alertmanager --config.file="$dir/alertmanager.yml" --storage.path="$dir/alerts" \
    --web.listen-address=127.0.0.1:0 --cluster.listen-address= >"$dir/alertmanager.log" 2>&1 &
alertmanager_pid=$!
alertmanager_url() {
    sed -n 's/.*msg="Listening on" address=\([0-9.:]*\).*/http:\/\/\1/p' "$dir/alertmanager.log" |
        grep -m 1 .
}
alertmanager_ready() { curl -sf --max-time 5 -o "$dir/ready" "$(alertmanager_url)/-/ready"; }
within 30 'Alertmanager is ready' alertmanager_ready
alertmanager=$(alertmanager_url)

api=127.0.0.1:$(free_port)
probe=127.0.0.1:$(free_port)
cat >"$dir/runnerwatch.yaml" <<YAML
clusters:
  - {name: test, kubeconfig: $dir/cluster/kubeconfig-token, namespaces: [gitlab-runner]}
storage: {database: $dir/runnerwatch.db}
http: {listen: "$api"}
probe_listen: "$probe"
alerts:
  receivers: [{name: alertmanager, alertmanager: {urls: ["$alertmanager"]}}]
  route: {receiver: alertmanager}
YAML
"$program" run --config "$dir/runnerwatch.yaml" >"$dir/runnerwatch.log" 2>&1 &
program_pid=$!
ready() { kill -0 "$program_pid" && curl -sf --max-time 5 -o "$dir/ready" "http://$probe/readyz"; }
within 60 'runnerwatch is ready' ready

# ---- both replicas are refused --------------------------------------------------------------

incidents() { curl -sf --max-time 5 "http://$api/api/v1/incidents$1"; }

# The incidents of the story in full, one JSON object a line.
refusals() {
    local key
    for key in $(incidents '' |
        jq -r '.incidents[] | select(.catalog == "GLR-API-403-JOBREQ") | .key'); do
        incidents "/$key" | jq -c .
    done
}
open_with_both() {
    local found
    found=$(refusals) && [ "$(jq -r .state <<<"$found")" = open ] &&
        [ "$(jq '.members | length' <<<"$found")" = 2 ] && [ "$(jq .count <<<"$found")" = 6 ]
}

for pod in "${old_pods[@]}"; do
    print "$pod" <tests/recordings/seed-403-readonly.runner.log
done
within 90 'one incident is open, with two members and all six refusals' open_with_both
number=$(refusals | jq .number)
rule=$(refusals | jq -r .rule)
check 'its severity is error or critical' grep -qE '^(error|critical)$' <<<"$(refusals | jq -r .severity)"

alerts() {
    curl -sf --max-time 5 "$alertmanager/api/v2/alerts" |
        jq -c --arg rule "$rule" '[.[] | select(.labels.rule == $rule)]'
}
alert_fires() { alerts | jq -e 'length == 1 and .[0].status.state == "active"' >/dev/null; }
within 60 'the alert is in Alertmanager, once' alert_fires
check 'it names namespace and workload' jq -e '.[0].labels
    | .namespace == "gitlab-runner" and (.workload | endswith("/gitlab-runner"))' <<<"$(alerts)"

# ---- a rollout replaces both, and the new ones work -----------------------------------------

kubectl rollout restart deployment/gitlab-runner >/dev/null
check 'the rollout is through' kubectl rollout status deployment/gitlab-runner --timeout=180s
for pod in "${old_pods[@]}"; do
    check "$pod is gone" kubectl wait --for=delete "pod/$pod" --timeout=60s
done
mapfile -t new_pods < <(running_pods)
check 'two new pods run' test "${#new_pods[@]}" = 2
check 'the incident is not resolved by that' test "$(refusals | jq -r .state)" != resolved

healthy=tests/recordings/fix-correct.runner.log
job_line=$(grep -n -m 1 'Checking for jobs\.\.\. received' "$healthy" | cut -d : -f 1)
for pod in "${new_pods[@]}"; do
    head -n "$job_line" "$healthy" | print "$pod"
    tail -n "+$((job_line + 1))" "$healthy" | print "$pod" --at "$(later 120)"
done
resolved() {
    local found
    found=$(refusals) && [ "$(jq -r .state <<<"$found")" = resolved ] &&
        [ "$(jq .number <<<"$found")" = "$number" ]
}
within 120 'the same incident is resolved' resolved
alert_over() { alerts | jq -e 'all(.[]; .status.state != "active")' >/dev/null; }
within 60 'the alert is resolved in Alertmanager' alert_over

stopping=$program_pid
program_pid=
check 'runnerwatch stops when told to' end "$stopping" TERM
finish
