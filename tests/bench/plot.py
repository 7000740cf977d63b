#!/usr/bin/env python3
"""plot.py TABLE >PLOT.svg: how the speed of matching grows with rules, with the share of lines that
match, and with the size of chunks. TABLE is what match_core prints; its files are named
match-SHARE.log. Three plots beside each other, MB/s upwards on a logarithmic scale."""
import csv
import math
import os
import re
import sys

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 300, 260, 52, 34, 44, 24
LOW, HIGH = 30, 30000
COLOURS = {"re2_set": "#8a8a8a", "find": "#0b66c3", "count": "#c2410c", "count_lines": "#4d7c0f"}
NAMES = {"re2_set": "RE2::Set, 50 patterns", "find": "runnerwatch, with captures",
         "count": "runnerwatch, only which rule", "count_lines": "newlines counted"}
CHUNK = 256 * 1024


def rows(path):
    with open(path, newline="") as table:
        for engine, rules, file, chunk, speed, _ in csv.reader(table, delimiter="\t"):
            share = float(re.search(r"match-([\d.]+)\.log", os.path.basename(file)).group(1))
            yield engine, int(rules), share, int(chunk), float(speed)


def y_of(speed):
    part = math.log(max(speed, LOW) / LOW) / math.log(HIGH / LOW)
    return TOP + HEIGHT - part * HEIGHT


def text(x, y, words, anchor="middle", size=12, colour="#333"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{colour}">{words}</text>')


def panel(left, title, ticks, series):
    """ticks: names of the places on the x axis; series: engine -> {place: speed}."""
    out = [text(left + WIDTH / 2, TOP - 14, title, size=13, colour="#111")]
    for speed in (30, 100, 300, 1000, 3000, 10000, 30000):
        y = y_of(speed)
        out.append(f'<path d="M{left} {y:.1f}h{WIDTH}" stroke="#ddd"/>')
        out.append(text(left - 6, y + 4, speed, "end", 11))
    places = [left + WIDTH * (i + 0.5) / len(ticks) for i in range(len(ticks))]
    for x, tick in zip(places, ticks):
        out.append(text(x, TOP + HEIGHT + 18, tick))
    for engine, speeds in series.items():
        points = [(places[place], y_of(speed)) for place, speed in sorted(speeds.items())]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        colour = COLOURS[engine]
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return out


def main(path):
    table = list(rows(path))
    most = max(rules for engine, rules, *_ in table if engine == "count")
    rules = sorted({r[1] for r in table if r[0] == "find"})
    shares = sorted({r[2] for r in table})
    chunks = sorted({r[3] for r in table if r[0] == "find"})

    def collect(engines, where, place):
        series = {}
        for row in table:
            if row[0] in engines and where(row):
                series.setdefault(row[0], {})[place(row)] = row[4]
        return series

    by_rules = collect(["find"], lambda r: r[2] == 0.001 and r[3] == CHUNK,
                       lambda r: rules.index(r[1]))
    by_share = collect(COLOURS, lambda r: r[0] not in ("find",) or (r[1], r[3]) == (most, CHUNK),
                       lambda r: shares.index(r[2]))
    by_chunk = collect(["find"], lambda r: r[2] == 0.001 and r[1] == most,
                       lambda r: chunks.index(r[3]))
    step = WIDTH + LEFT + GAP
    out = panel(LEFT, "rules (0.1 % match)", rules, by_rules)
    out += panel(LEFT + step, "share of the lines that match (all rules)",
                 [f"{share * 100:g} %" for share in shares], by_share)
    out += panel(LEFT + 2 * step, "chunk (all rules, 0.1 %)",
                 [f"{chunk // 1024} KiB" for chunk in chunks], by_chunk)
    bottom = TOP + HEIGHT + BOTTOM
    for i, engine in enumerate(["find", "count", "re2_set", "count_lines"]):
        x = LEFT + i * 230
        out.append(f'<path d="M{x} {bottom - 4}h18" stroke="{COLOURS[engine]}" stroke-width="3"/>')
        out.append(text(x + 24, bottom, NAMES[engine], "start"))
    total = 3 * step
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {bottom + 12}" '
          f'font-family="sans-serif">')
    print(f'<title>MB per second of processor time</title>'
          f'<rect width="{total}" height="{bottom + 12}" fill="#fff"/>')
    print("\n".join(out))
    print("</svg>")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
