#!/bin/sh
# Shows that each rule of tidy.sh fires on a planted breach, and that none fires without.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(mktemp -d) || exit 2
trap 'rm -rf "$root"' EXIT
passed=0
failed=0

fresh() {  # an empty project
    rm -rf "${root:?}"/*
    mkdir -p "$root/parsers" "$root/storage" "$root/alerts" "$root/daemon/runtime" "$root/tests"
}

verdict() {  # verdict NAME EXPECTED-STATUS EXPECTED-TEXT
    output=$("$here/tidy.sh" "$root")
    status=$?
    case "$status $output" in
        "$2 "*"$3"*) passed=$((passed + 1)) ;;
        *)
            failed=$((failed + 1))
            echo "not as expected: $1"
            printf '    wanted status %s and: %s\n' "$2" "$3"
            echo "    status $status: $output"
            ;;
    esac
}

# breach FILE TEXT MESSAGE  : TEXT in FILE is reported with MESSAGE
breach() {
    fresh
    mkdir -p "$root/$(dirname "$1")"
    printf '%s\n' "$2" >"$root/$1"
    verdict "$1: $2" 1 "$3"
}

# fine FILE TEXT  : nothing is reported
fine() {
    fresh
    printf '%s\n' "$2" >"$root/$1"
    verdict "$1: $2" 0 ''
}

line() { printf "%$1s" '' | tr ' ' x; }

fresh
verdict 'an empty project' 0 ''

breach parsers/a.cpp '#include "storage/rows.h"' 'parsers/ depends on nothing of ours'
breach storage/a.h '#include "alerts/route.h"' 'storage/ may use only parsers/'
breach alerts/a.cpp '#include "daemon/config.h"' 'alerts/ may use only parsers, storage'
fine daemon/a.cpp '#include "alerts/route.h"'
breach daemon/a.cpp '#include <sqlite3.h>' 'only storage/ knows SQL'
fine storage/a.cpp '#include <sqlite3.h>'
breach parsers/a.h '#include <boost/asio/awaitable.hpp>' 'only daemon/ does I/O'
breach alerts/a.cpp '#include <spdlog/spdlog.h>' 'only daemon/ does I/O'
breach parsers/a.cpp '#include <fstream>' 'text in, values out: no files'
breach alerts/a.cpp 'std::printf("%d", n);' 'text in, values out: no files'
fine parsers/a.cpp 'std::snprintf(digits, sizeof digits, "%02d", n);'
fine storage/a.cpp '#include <filesystem>'
breach storage/a.cpp '#include <curl/curl.h>' 'the network is for daemon/'
breach alerts/a.cpp 'auto now = std::chrono::system_clock::now();' 'only daemon/ reads a clock'
breach storage/a.cpp 'auto now = time(nullptr);' 'only daemon/ reads a clock'
fine parsers/a.cpp 'auto read = parse_time(text);'
breach daemon/a.cpp 'auto now = std::chrono::system_clock::now();' 'ask the Clock'
fine daemon/runtime/clock.cpp 'auto now = std::chrono::system_clock::now();'
breach daemon/a.cpp 'asio::co_spawn(loop, task(), asio::detached);' 'spawn into a TaskGroup'
breach tests/a.cpp 'std::this_thread::sleep_for(1s);' 'wait for an event, not for a time'
breach daemon/a.cpp '// FIXME: later' 'finish it, or write an issue'
fine daemon/a.cpp 'char name[] = "/var/tmp/XXXXXX";'
breach tests/a.cpp "$(line 101)" 'at most 100 columns'
fine tests/a.cpp "$(line 100)"
fine tests/a.cpp "// $(line 97 | sed 's/x/…/g')"
breach alerts/a.cpp "$(seq 401)" 'at most 400 lines'
fine alerts/a.cpp "$(seq 400)"
breach tests/a.cpp "$(seq 601)" 'at most 600 lines'
fine tests/a.cpp "$(seq 600)"
breach parsers/text_util.cpp '' 'a drawer'
breach daemon/common/a.h '' 'a drawer'
breach tests/helpers.h '' 'a drawer'
fine daemon/utilization.cpp ''

trap='name the lambda or braced value before the co_await'
breach daemon/a.cpp 'co_await run([s = text]() -> Task { co_return; });' "$trap"
breach daemon/a.cpp 'co_await run(loop, [this] { stop(); });' "$trap"
breach daemon/a.cpp 'co_await run([n]() mutable { ++n; });' "$trap"
breach daemon/a.cpp 'co_await send(Reply{200, body});' "$trap"
breach daemon/a.cpp 'co_await send({200, body});' "$trap"
breach tests/a.cpp 'auto code = co_await send(
    loop,
    {200, body});' "$trap"
fine daemon/a.cpp 'co_await send(std::string(text), std::move(reply));'
fine daemon/a.cpp 'if (int n = co_await read(buffer)) { use(n); }'
fine daemon/a.cpp 'auto [fault] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));'
fine daemon/a.cpp 'auto done = co_await (transfer() || timer.async_wait(asio::use_awaitable));'
fine daemon/a.cpp 'co_await next(bytes[0], limits_.lines);'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
