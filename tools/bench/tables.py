#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tables.py build/bench/KERNEL.json...: the table of instructions per packet for
Documentation/performance.rst, of what `bench` has left there."""
import json
import pathlib
import sys


def figures(theirs, mine):
    """Three cells."""
    ratio = f"{mine / theirs:.2f}" if theirs and mine else "-"
    return [f"{theirs:.0f}" if theirs else "-", f"{mine:.0f}" if mine else "-", ratio]


def main():
    kernels = [json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:]]
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
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rule = " ".join("=" * width for width in widths)
    text = [" ".join([line[0].ljust(widths[0])] +
                     [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])])
            for line in lines]
    print("\n".join([rule, text[0], rule, *text[1:], rule]))


main()
