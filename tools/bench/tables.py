#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tables.py COSTS-6.1.json COSTS-6.12.json: the table of instructions per packet
for Documentation/performance.rst, of what `bench` has left in build/bench."""
import json
import pathlib
import sys

HEAD = ("row", "6.1 in-tree", "viaduct", "ratio", "6.12 in-tree", "viaduct", "ratio")


def figures(theirs, mine):
    """Three cells."""
    ratio = f"{mine / theirs:.2f}" if theirs and mine else "-"
    return [f"{theirs:.0f}" if theirs else "-", f"{mine:.0f}" if mine else "-", ratio]


def main():
    both = [json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:3]]
    lines = [HEAD]
    for name in both[0]["costs"]:
        cells = [figures(found["costs"][name].get("in-tree"), found["costs"][name].get("viaduct"))
                 for found in both]
        lines.append((name, *cells[0], *cells[1]))
    for name in both[0]["floor"]:
        cells = [figures(found["floor"][name], None) for found in both]
        lines.append((f"{name}, the tap alone", *cells[0], *cells[1]))
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    rule = " ".join("=" * width for width in widths)
    text = [" ".join([line[0].ljust(widths[0])] +
                     [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])])
            for line in lines]
    print("\n".join([rule, text[0], rule, *text[1:], rule]))


main()
