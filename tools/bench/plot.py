# SPDX-License-Identifier: GPL-2.0-only
"""Pictures of a benchmark's figures, by gnuplot."""
import subprocess

COLOURS = {"in-tree": "#b0b0b0", "viaduct": "#2060a0"}


def quoted(text):
    return '"' + text.replace('"', "'") + '"'


def bars(path, title, unit, found):
    """Two horizontal bars a row: the first of @found on top."""
    rows = [(name, by) for name, by in reversed(found.items()) if any(by.values())]
    blocks = []
    for shift, node in ((0.2, "in-tree"), (-0.2, "viaduct")):
        lines = [f"0 {y + shift} 0 {by[node]} {y + shift - 0.18} {y + shift + 0.18}"
                 for y, (_, by) in enumerate(rows) if by.get(node)]
        blocks.append("\n".join(lines) + "\n")
    tics = ", ".join(f"{quoted(name)} {y}" for y, (name, _) in enumerate(rows))
    script = f"""
set terminal svg size 900,{120 + 26 * len(rows)} font 'sans,12' background '#ffffff'
set output {quoted(str(path))}
set title {quoted(title)}
set xlabel {quoted(unit)}
set xrange [0:*]
set yrange [-0.6:{len(rows) - 0.4}]
set ytics ({tics}) nomirror scale 0
set xtics nomirror
set grid xtics
set border 3
set key outside top center horizontal
set style fill solid noborder
plot '-' using 1:2:3:4:5:6 with boxxyerror lc rgb {quoted(COLOURS["in-tree"])} title 'in-tree vhost-net', \\
     '-' using 1:2:3:4:5:6 with boxxyerror lc rgb {quoted(COLOURS["viaduct"])} title 'viaduct'
{blocks[0]}e
{blocks[1]}e
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
