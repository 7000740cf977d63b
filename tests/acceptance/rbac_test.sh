#!/usr/bin/env bash
# rbac_test.sh PROGRAM: the manifests of packaging/kubernetes on a real API server and kubelet
# (tests/cluster). runnerwatch runs outside with exactly the token of the ServiceAccount they make,
# does its work, and says which right it lacks when they are taken away one by one. The workload
# itself (volumes, ConfigMaps) is checked by the server, not run: the kubelet there mounts nothing.
# Prints a line per check and "N passed, M failed".
set -euo pipefail
program=$(realpath "${1:?usage: rbac_test.sh PROGRAM}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/acceptance/within.sh
. tests/acceptance/within.sh
pid=
dir=$(mktemp -d /tmp/rw.XXXXXX)
finish() {
    trap - EXIT
    if [ -n "$pid" ]; then kill "$pid" 2>/dev/null && wait "$pid" || true; fi
    [ "$failed" = 0 ] || tail -n 40 "$dir/log"
    [ ! -e "$dir/cluster/pids" ] || tests/cluster/down.sh "$dir/cluster" >/dev/null || true
    rm -rf "$dir"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}
trap 'failed=$((failed + 1)); echo "FAILED  the test itself, near line $LINENO"; finish' EXIT
kubectl() { "$dir/cluster/kubectl" "$@"; }

tests/cluster/up.sh "$dir/cluster" --replicas 1 >"$dir/up.log" 2>&1 || cat "$dir/up.log"
manifests=packaging/kubernetes
kubectl create namespace runnerwatch >/dev/null
within 10 'the server takes the workload' kubectl apply --dry-run=server -f $manifests/statefulset.yaml
within 10 'and the ClusterRole' kubectl apply --dry-run=server -f $manifests/cluster-role.yaml
"$program" run --print-rbac --config <(echo 'clusters: [{namespaces: [gitlab-runner]}]') >"$dir/rbac.yaml"
within 10 'the printed rights are the manifest'"'"'s' kubectl apply --dry-run=server -f "$dir/rbac.yaml"
kubectl apply -f $manifests/namespace-role.yaml >/dev/null
kubectl apply -f - >/dev/null < <(sed -n '/kind: ServiceAccount/,/^---/p' $manifests/statefulset.yaml |
    sed '1i apiVersion: v1' | sed '/^---/d')
token=$(kubectl create token runnerwatch -n runnerwatch)
sed "s|^\( *token:\).*|\1 $token|" "$dir/cluster/kubeconfig-token" >"$dir/kubeconfig"

port=$((20000 + RANDOM % 10000))
cat >"$dir/runnerwatch.yaml" <<YAML
clusters: [{name: test, kubeconfig: $dir/kubeconfig, namespaces: [gitlab-runner]}]
storage: {database: $dir/runnerwatch.db}
http: {listen: "127.0.0.1:$port"}
probe_listen: "127.0.0.1:$((port + 1))"
YAML
start() {
    : >"$dir/log"
    "$program" run --config "$dir/runnerwatch.yaml" >"$dir/log" 2>&1 &
    pid=$!
}
stop() { kill "$pid" && wait "$pid" || true; pid=; }
said() { grep -qF "$1" "$dir/log"; }
ready() { curl -sf "http://127.0.0.1:$((port + 1))/readyz" -o "$dir/ready"; }
degraded() { ready && ! jq -e '.degraded == []' "$dir/ready"; }
in_order() { ready && jq -e '.degraded == []' "$dir/ready"; }

start
within 60 'it is ready with the manifest'"'"'s token' in_order
pod=$(kubectl get pods -l app=gitlab-runner -o jsonpath='{.items[0].metadata.name}')
"$dir/cluster/ctl" logs append --pod "gitlab-runner/$pod" <tests/recordings/seed-403-readonly.runner.log
found() { curl -sf "http://127.0.0.1:$port/api/v1/incidents" | jq -e '.incidents | length > 0'; }
within 60 'and finds what the log says' found
stop

rules() {  # rules PODS LOGS: the Role with these verbs
    kubectl patch role runnerwatch -n gitlab-runner --type json -p \
        "[{\"op\": \"replace\", \"path\": \"/rules/0/verbs\", \"value\": $1},
          {\"op\": \"replace\", \"path\": \"/rules/1/verbs\", \"value\": $2}]" >/dev/null
}
lacks() {  # lacks VERB RESOURCE: started without it, it says so and goes on; given back, all is well
    start
    within 60 "without $1 on $2 it says so" \
        said "runnerwatch may not $1 $2 in namespace gitlab-runner: the credentials lack verb $1 on $2"
    within 30 "  and goes on, degraded" degraded
    rules '["get", "list", "watch"]' '["get"]'
    within 120 "  and all is well when it is given back" in_order
    stop
}
rules '["list", "watch"]' '["get"]' && lacks get pods
rules '["get", "watch"]' '["get"]'
# A list that the server streams needs no right to list.
start
within 60 'without list it lists by watching' in_order
stop
rules '["get", "list"]' '["get"]' && lacks watch pods
rules '["get", "list", "watch"]' '["delete"]' && lacks get pods/log
finish
