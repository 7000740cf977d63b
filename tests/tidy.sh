#!/bin/sh
# tidy.sh [ROOT]: rules of this code that neither the compiler nor clang-tidy can check.
# Prints file:line for each breach. Run by ctest as "tidy"; tidy_test.sh plants a breach of each.
cd "${1:-$(dirname "$0")/..}" || exit 2
export LC_ALL=C.UTF-8  # columns are characters
failed=0
code='parsers storage alerts daemon'

breach() {  # breach MESSAGE FOUND: reports the lines of FOUND, if there are any
    [ -n "$2" ] || return 0
    printf '%s\n' "$2" | sed "s|\$|    <- $1|"
    failed=1
}

# rule MESSAGE PATTERN PATH...  : no line in PATH may match PATTERN
rule() {
    message=$1; pattern=$2; shift 2
    breach "$message" "$(grep -rnE --include='*.h' --include='*.cpp' "$pattern" "$@" 2>/dev/null)"
}

clock='(system|steady|high_resolution)_clock::now\(|clock_gettime|gettimeofday|\btime\((0|NULL|nullptr)\)'
io='#include <(boost/asio|boost/beast|curl/|spdlog/|sys/|unistd|fcntl)'

rule 'parsers/ depends on nothing of ours'   '#include "(storage|alerts|daemon)/'  parsers
rule 'storage/ may use only parsers/'        '#include "(alerts|daemon)/'          storage
rule 'alerts/ may use only parsers, storage' '#include "daemon/'                   alerts
rule 'only storage/ knows SQL'               '#include <sqlite3'            parsers alerts daemon
rule 'only daemon/ does I/O'                 "$io"                                 parsers alerts
rule 'text in, values out: no files'  '#include <(fstream|filesystem|iostream)>|\b(fopen|f?printf)\(' \
                                                                                   parsers alerts
rule 'the network is for daemon/'   '#include <(boost/|curl/|spdlog/|sys/socket)'  storage
rule 'only daemon/ reads a clock'            "$clock"                       parsers storage alerts
rule 'spawn into a TaskGroup'                'asio::detached'                      daemon tests
rule 'wait for an event, not for a time'     'sleep_for|sleep_until|\busleep\('    $code tests
rule 'finish it, or write an issue'          '\b(TODO|FIXME|XXX|HACK)\b'           $code tests
rule 'at most 100 columns'                   '^.{101,}'                            $code tests

# The daemon has one clock, which a demonstration can speed up.
breach 'ask the Clock' "$(grep -rnE --include='*.h' --include='*.cpp' --exclude=clock.cpp \
    'system_clock::now\(' daemon 2>/dev/null)"

# g++ 12 frees twice what a braced or lambda temporary owns inside a co_await expression.
for file in $(find daemon tests -name '*.h' -o -name '*.cpp'); do
    if grep -Pzoq 'co_await\b[^;]*?[(,]\s*(\[[^\]]*\]\s*[({m]|\{|[A-Z]\w*\{)' "$file"; then
        breach 'name the lambda or braced value before the co_await (g++ 12 miscompiles it)' "$file"
    fi
done

# longest LINES PATH...  : no file in PATH may be longer
longest() {
    lines=$1; shift
    breach "at most $lines lines: split it" "$(find "$@" -name '*.h' -o -name '*.cpp' |
        xargs -r wc -l | awk -v max="$lines" '$2 != "total" && $1 > max {print $2 ": " $1 " lines"}')"
}
longest 400 $code
longest 600 tests

breach 'a drawer: name it after what is in it' "$(find $code tests config dashboard packaging docs \
    -regextype posix-extended -regex '.*/(.*_)?(util|utils|common|helper|helpers|misc)(_.*)?(\..*)?' \
    2>/dev/null)"

exit $failed
