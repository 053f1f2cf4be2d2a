#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tables.py build/bench/KERNEL.json...: the table of instructions per packet for
Documentation/performance.rst, of what `bench` has left there. tables.py
build/bench/native.json: that of time, of what `make bench NATIVE=1` has."""
import json
import pathlib
import statistics
import sys


def figures(theirs, mine):
    """Three cells."""
    ratio = f"{mine / theirs:.2f}" if theirs and mine else "-"
    return [f"{theirs:.0f}" if theirs else "-", f"{mine:.0f}" if mine else "-", ratio]


def native(found):
    """Lines of cells: medians, and median, least and greatest of the pairs' ratios."""
    lines = [["row", "in-tree ns", "viaduct", "ratio", "min", "max",
              "in-tree kpps", "viaduct", "ratio", "min", "max"]]
    for name, by in found["rows"].items():
        cells = [name]
        for what in ("ns", "kpps"):
            theirs, mine = by["in-tree"][what], by["viaduct"][what]
            ratios = [m / t for m, t in zip(mine, theirs) if m and t]
            cells += [f"{statistics.median(x for x in of if x):.0f}" for of in (theirs, mine)]
            cells += [f"{x:.2f}" for x in (statistics.median(ratios), min(ratios), max(ratios))]
        lines.append(cells)
    return lines


def instructions(kernels):
    lines = [["row"]]
    for found in kernels:
        lines[0] += [f"{found['kernel']} in-tree", "viaduct", "ratio"]
    for name in kernels[0]["costs"]:
        cells = [figures(found["costs"][name].get("in-tree"), found["costs"][name].get("viaduct"))
                 for found in kernels]
        lines.append([name, *sum(cells, [])])
    for name in kernels[0]["floor"]:
        cells = [figures(found["floor"][name], None) for found in kernels]
        lines.append([f"{name}, the tap alone", *sum(cells, [])])
    return lines


def main():
    runs = [json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:]]
    lines = native(runs[0]) if "rows" in runs[0] else instructions(runs)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rule = " ".join("=" * width for width in widths)
    text = [" ".join([line[0].ljust(widths[0])] +
                     [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])])
            for line in lines]
    print("\n".join([rule, text[0], rule, *text[1:], rule]))


main()
