# shellcheck shell=bash
# `./dev verify`, which reads this file and gives it its functions (build, suite, fake_api …).
#
# What is longer than a test may be. Each part can be run alone; its rows of docs/verification.md
# say on which commit and when that was.
verify_parts='tsan clang tidy fuzz ledger kills disk api cluster'
verify_rows=()

row() {  # row WHAT RESULT: of the part that runs
    local commit
    commit=$(git rev-parse --short=12 HEAD)$(git diff --quiet HEAD || echo ' with changes')
    verify_rows+=("| $part | $1 | $2 | $commit | $(date -u '+%Y-%m-%d %H:%M') |")
}

# Runs a command and makes the last line of what it says a row.
said() {  # said WHAT COMMAND ARG…
    local what=$1 log=build/verify.log
    shift
    ("$@") 2>&1 | tee "$log" || total_failed=$((total_failed + 1))
    row "$what" "$(tail -n 1 "$log")"
}

verify_suite() {  # verify_suite PRESET WHAT [WRAPPER…]
    local preset=$1 what=$2
    shift 2
    passed=0 failed=0
    if build "$preset"; then suite "$preset" "$@"; else failed=1; fi
    row "$what" "$passed passed, $failed failed"
    total_failed=$((total_failed + failed))
}

verify_tsan() {
    # Where addresses are too random for it, thread sanitizer needs them fixed.
    local fixed=()
    if setarch -R true 2>/dev/null; then fixed=(setarch -R); fi
    verify_suite tsan 'all tests under thread sanitizer' "${fixed[@]}"
}

verify_clang() { verify_suite clang 'all tests built by clang 14, warnings as errors'; }

verify_tidy() {
    local log=build/clang/tidy.log result=clean
    mkdir -p build/clang
    cmake --preset clang >"$log"
    find parsers storage alerts daemon -name '*.cpp' |
        xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/clang >"$log" 2>/dev/null || true
    if grep -E '(error|warning):' "$log"; then
        result="$(grep -cE '(error|warning):' "$log") findings"
        total_failed=$((total_failed + 1))
    fi
    row "clang-tidy 14, the checks of \`.clang-tidy\`" "$result"
}

fuzz_one() {  # fuzz_one TARGET SECONDS
    local name=${1##*/fuzz_}
    mkdir -p "build/fuzz/corpus/$name"
    nice -n 15 "$1" -max_total_time="$2" -timeout=20 -rss_limit_mb=1024 -max_len=8192 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/found/$name-" \
        "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1 ||
        touch "build/fuzz/$name.bad"
}

# Each fuzzer for FUZZ_SECONDS (default 600). What one finds is to be kept in its corpus.
verify_fuzz() {
    local seconds=${FUZZ_SECONDS:-600} target name runs result targets=()
    if ! build fuzz fuzzers; then
        total_failed=$((total_failed + 1))
        row fuzzers 'do not build'
        return
    fi
    rm -f build/fuzz/*.bad
    mkdir -p build/fuzz/found
    for target in build/fuzz/tests/fuzz/fuzz_*; do
        if [ -x "$target" ] && [ -f "$target" ]; then targets+=("$target"); fi
    done
    export -f fuzz_one
    printf '%s\n' "${targets[@]}" |
        xargs -P "$(nproc)" -I '{}' bash -c "fuzz_one '{}' $seconds"
    for target in "${targets[@]}"; do
        name=${target##*/fuzz_} result='nothing found'
        if [ -e "build/fuzz/$name.bad" ]; then
            result="a finding, see build/fuzz/$name.log"
            total_failed=$((total_failed + 1))
        fi
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log")
        row "fuzzer \`$name\`, $seconds s" "${runs:-no} executions, $result"
    done
}

# Acceptance tests that kill the daemon give an account of it; it becomes a row.
kill_account() {  # kill_account WHAT FILTER VARIABLE=KILLS
    local log=build/$part.log sum
    env "$3" build/release/tests/acceptance_tests --gtest_filter="$2" >"$log" 2>&1 ||
        { tail -n 40 "$log"; total_failed=$((total_failed + 1)); }
    sum=$(grep ' kills, ' "$log") || true
    row "$1" "${sum:-no account}, $(tail -n 1 "$log")"
}

# Files and journals, the daemon killed LEDGER_KILLS (default 200) times; then pods of the fake API
# server and of a real cluster.
verify_ledger() {
    local log=build/ledger.log kills=${LEDGER_KILLS:-200} sum
    build release
    kill_account 'files and journals' 'FileLedger.*' RUNNERWATCH_LEDGER_KILLS="$kills"
    (export LEDGER_KILLS=$kills
     fake_api test -count=1 -v -timeout 120m -run TestEveryLineIsAccountedForOnce .) 2>&1 |
        tee "$log" || total_failed=$((total_failed + 1))
    sum=$(grep -o '[0-9]* lines, .*' "$log" | tail -n 1) || true
    row "50 containers, $kills kills" "${sum:-no account}, $(tail -n 1 "$log")"
    need_go
    said 'a real cluster, 30 kills' tests/acceptance/ledger_test.sh build/release/runnerwatch
}

# People act over the API while the logs are busy; the daemon is killed KILLS (default 200) times.
verify_kills() {
    build release
    kill_account 'changes over the API' 'ActKill.*' RUNNERWATCH_ACT_KILLS="${KILLS:-200}"
}

verify_disk() {
    build release
    said 'a full disk, and a file system that turns read-only' \
        tests/acceptance/disk_test.sh build/release/runnerwatch
}

verify_api() {
    build release
    said 'the API does what its OpenAPI document says' \
        tests/acceptance/api_document_test.sh build/release/runnerwatch
}

verify_cluster() {
    build release
    said 'real kube-apiserver, kubelet and Alertmanager' test_cluster
    said "the manifests' rights on a real API server" \
        tests/acceptance/rbac_test.sh build/release/runnerwatch
    said 'fake API server with faults' fake_api test -count=1 .
    said "the container image's steps in a Debian root" \
        tests/acceptance/container_test.sh build/release/runnerwatch
}

# The parts that ran, with what the document says of the others.
write_verification() {  # write_verification PART…
    local document=docs/verification.md known
    # shellcheck disable=SC1091
    known=$({ . /etc/os-release && echo "$PRETTY_NAME"; })
    {
        echo '# Verification'
        echo
        echo 'Written by `./dev verify`: what is too long for `./dev test`, and when it was run last.'
        echo "Machine: $(nproc) cores, $known, $(g++ --version | head -n 1)."
        echo
        echo '| part | what | result | commit | UTC |'
        echo '|---|---|---|---|---|'
        for part in $verify_parts; do
            case " $* " in
                *" $part "*) printf '%s\n' "${verify_rows[@]}" | grep "^| $part |" ;;
                *) grep "^| $part |" "$document" 2>/dev/null ||
                    echo "| $part | | not run | | |" ;;
            esac
        done
    } >build/verification.md
    mv build/verification.md "$document"
}

verify() {  # verify [PART…]
    local part
    total_failed=0
    # shellcheck disable=SC2086
    [ $# -gt 0 ] || set -- $verify_parts
    for part in "$@"; do
        case " $verify_parts " in
            *" $part "*) ;;
            *) say "there is no part \"$part\" to verify; these are known: $verify_parts" && exit 2 ;;
        esac
    done
    setup build test verify
    for part in "$@"; do
        "verify_$part"
        write_verification "$part"
    done
    cat docs/verification.md
    [ "$total_failed" = 0 ]
}
