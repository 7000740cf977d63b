#!/usr/bin/env bash
# api_document_test.sh PROGRAM: a daemon with incidents answers as its OpenAPI document says, to
# requests that schemathesis (from PyPI) makes of that document, sound ones and broken ones.
set -euo pipefail
program=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/runnerwatch-schemathesis
[ -x "$venv/bin/schemathesis" ] || { python3 -m venv "$venv" && "$venv/bin/pip" -q install schemathesis; }

work=$(mktemp -d)
daemon=
trap 'kill $daemon 2>/dev/null || true; wait; rm -rf "$work"' EXIT
# The seed story as if it had just been written.
at=$(date +%s)
while IFS= read -r line; do
    printf '%s %s\n' "$(date -u -d "@$at" +%Y-%m-%dT%H:%M:%S.000000000Z)" "$line"
done <"$root/tests/recordings/seed-403-readonly.runner.log" >"$work/runner.log"
cat >"$work/config.yaml" <<YAML
files: [{name: runner, path: $work/runner.log}]
storage: {database: $work/runnerwatch.db}
http: {listen: '127.0.0.1:0'}
probe_listen: '127.0.0.1:0'
YAML
"$program" run --config "$work/config.yaml" >"$work/log" 2>&1 &
daemon=$!
for ((i = 0; i < 100; ++i)); do
    port=$(sed -n 's/.*API on [^ ]* (port \([0-9]*\)).*/\1/p' "$work/log")
    [ -z "$port" ] || break
    read -rt 0.1 <> <(:) || true
done
[ -n "$port" ] || { cat "$work/log"; echo 'the daemon did not start'; exit 1; }

# Events never end. What is a day and what is none, a schema cannot say: sound data may be refused.
cd "$work"  # it leaves a folder where it stands
"$venv/bin/schemathesis" run "http://127.0.0.1:$port/openapi.json" --exclude-path /api/v1/events \
    --exclude-checks positive_data_acceptance --phases examples,coverage,fuzzing \
    -n "${API_EXAMPLES:-50}" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
kill -0 "$daemon"
grep -A 1 'Test cases:' "$work/said" | tail -n 1 | sed 's/^ *//'
