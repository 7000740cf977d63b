#!/usr/bin/env bash
# run.sh [SIZE]: `runnerwatch scan` beside wc and ripgrep on one generated log, then the matching
# alone beside RE2::Set, by number of rules, share of lines that match, and size of chunks. All
# commands run in turn, A B C, A B C, …, so that a busy machine disturbs them alike: trust the
# ratios.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
size=${1:-256M}
rounds=5
work=../../build/bench
log=$work/runner-$size.log
mkdir -p "$work"

if [ -n "$(find gen_logs.cpp runner_record.h -newer "$work/gen_logs" 2>&1)" ]; then
    g++ -O2 -std=c++17 -o "$work/gen_logs" gen_logs.cpp
    rm -f "$work"/runner-*.log
fi
generate() {  # generate FILE SIZE SHARE
    [ ! -f "$1" ] || return 0
    "$work/gen_logs" --bytes "$2" --match "$3" --rules 50 --pods 64 --seed 42 >"$1.new"
    mv "$1.new" "$1"
}
generate "$log" "$size" 0.001
bytes=$(stat -c %s "$log")

names=('wc -l' 'runnerwatch scan' 'rg -j1 --no-mmap -a -c -f patterns.txt')
commands=("wc -l $log" "${RUNNERWATCH:-../../build/release/runnerwatch} scan $log"
          "rg -j1 --no-mmap -a -c -f patterns.txt $log")

once() {  # once COMMAND: finding something is status 1 with scan
    $1 >/dev/null || [ $? = 1 ]
}

for command in "${commands[@]}"; do once "$command"; done  # warms the page cache
declare -a times=() memory=()
for ((round = 0; round < rounds; ++round)); do
    for i in "${!commands[@]}"; do
        began=${EPOCHREALTIME/[.,]/}
        once "${commands[i]}"
        times[i]+="$((${EPOCHREALTIME/[.,]/} - began)) "
    done
done
for i in "${!commands[@]}"; do
    memory[i]=$(once "/usr/bin/time -f %M ${commands[i]}" 2>&1 | tail -n 1)
done

median() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -n | sed -n "$((rounds / 2 + 1))p"; }
scan=$(median "${times[1]}")

echo "One log of $((bytes / 1000000)) MB, 0.1 % of its lines match; medians of $rounds runs in turn."
echo
echo '| command | wall s (min–max) | MB/s | time, scan = 1 | peak RSS MiB |'
echo '|---|---|---|---|---|'
for i in "${!commands[@]}"; do
    sorted=$(tr ' ' '\n' <<<"${times[i]}" | sed '/^$/d' | sort -n)
    awk -v name="${names[i]}" -v us="$(median "${times[i]}")" -v scan="$scan" -v bytes="$bytes" \
        -v low="$(head -n 1 <<<"$sorted")" -v high="$(tail -n 1 <<<"$sorted")" \
        -v kib="${memory[i]}" 'BEGIN {
            printf "| `%s` | %.3f (%.3f–%.3f) | %.0f | %.2f | %.1f |\n",
                name, us / 1e6, low / 1e6, high / 1e6, bytes / us, us / scan, kib / 1024
        }'
done

shares=(0 0.001 0.01 1)
samples=()
for share in "${shares[@]}"; do
    samples+=("$work/match-$share.log")
    generate "$work/match-$share.log" 32M "$share"
done
echo
echo 'The matching alone, in memory, on one thread: MB per second of processor time, medians of 5 in turn.'
echo
echo '| way | rules | chunk | 0 % | 0.1 % | 1 % | 100 % of the lines match |'
echo '|---|---|---|---|---|---|---|'
"$(dirname "${RUNNERWATCH:-../../build/release/runnerwatch}")/tests/match_core" patterns.txt \
    "${samples[@]}" >"$work/match.tsv"
awk -F'\t' '{
    key = $1 FS $2 FS $4
    if (!(key in row)) order[++count] = key
    row[key] = row[key] " " $5 " |"
}
END {
    for (i = 1; i <= count; ++i) {
        split(order[i], part, FS)
        printf "| %s | %s | %s |%s\n", part[1], part[2], part[3], row[order[i]]
    }
}' "$work/match.tsv"

./plot.py "$work/match.tsv" >"$work/performance.svg"
echo
echo "As plots: build/bench/performance.svg"

echo
echo 'A line of the log API, without the network, in processor time:'
"$(dirname "${RUNNERWATCH:-../../build/release/runnerwatch}")/tests/pod_lines"
