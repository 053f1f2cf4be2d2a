# SPDX-License-Identifier: GPL-2.0-only
"""Two devices alternately: each pair of runs has both, in alternating order, so that
other load on the machine affects both alike."""
import statistics


def nodes_for(row, nodes):
    """The devices that the row is about."""
    return [row.only] if row.only else list(nodes)


def turns(row, nodes, pairs):
    """The row's runs in their order: the device of each."""
    found = []
    for i in range(pairs):
        found += nodes_for(row, nodes)[::1 if i % 2 else -1]
    return found


def series(runs, nodes):
    """(node, figure or None) of one row's runs, in their order, as {node: [figure, ...],
    "ratio": [viaduct's to the in-tree driver's, pair by pair, ...]}."""
    found = {node: [figure for n, figure in runs if n == node] for node in nodes}
    both = zip(found.get("viaduct", []), found.get("in-tree", []))
    found["ratio"] = [mine / theirs for mine, theirs in both if mine and theirs]
    return found


def median(values):
    """Of those that could be measured; 0 if none could."""
    return statistics.median([value for value in values if value] or [0])
