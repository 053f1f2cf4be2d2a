# SPDX-License-Identifier: GPL-2.0-only
"""One report of a run on a machine: Markdown, JSON and pictures."""
import json
import shutil

import pairs
import plot

GUEST = {"to host, Mbit/s": "to_host_mbit", "to guest, Mbit/s": "to_guest_mbit",
         "host CPU to host, s/GB": "to_host_cpu_s_per_gb",
         "host CPU to guest, s/GB": "to_guest_cpu_s_per_gb",
         "worker to host, s/GB": "to_host_worker_s_per_gb",
         "worker to guest, s/GB": "to_guest_worker_s_per_gb",
         "round trip, us": "round_trip_us"}
# The rows of scripts/demo.
WAYS = {"vhost=off": "virtio-net", "in-tree": "vhost-net", "viaduct": "viaduct"}


def cell(value, form="{:.1f}"):
    return form.format(value) if value else "-"


def table(head, lines, align="--:"):
    """Markdown, the figures to the right."""
    rule = ["---"] + [align] * (len(head) - 1)
    return [f"| {' | '.join(line)} |" for line in [head, rule, *lines]]


def spread(ratios):
    """Median, least and most."""
    if not ratios:
        return ["-", "-", "-"]
    return [f"{value:.2f}" for value in (pairs.median(ratios), min(ratios), max(ratios))]


def rate_lines(found):
    return [[name, cell(pairs.median(by.get("in-tree", []))), cell(pairs.median(by.get("viaduct", []))),
             *spread(by.get("ratio", []))] for name, by in found.items()]


def delay_lines(found):
    """Median and 99th percentile."""
    lines = []
    for name, by in found.items():
        cells = [f"{cell(by[node].get('median_us'))} / {cell(by[node].get('p99_us'))}"
                 if by.get(node) else "-" for node in ("in-tree", "viaduct")]
        lines.append([name, *cells])
    return lines


def guest_lines(found):
    """@found: {row of the demo: {what: [figure, ...]}}"""
    lines = []
    for name, key in GUEST.items():
        by = {way: found.get(row, {}).get(key, []) for way, row in WAYS.items()}
        if not any(by.values()):
            continue
        ratios = [mine / theirs for mine, theirs in zip(by["viaduct"], by["in-tree"]) if theirs and mine]
        lines.append([name, *(cell(pairs.median(by[way]), "{:.2f}") for way in WAYS), *spread(ratios)])
    return lines


def markdown(run):
    """The whole text. @run is what JSON has."""
    lines = [f"# viaduct and vhost-net on one machine, {run['date']}", ""]
    lines += table(["", ""], [[name, text.replace("|", "/")] for name, text in run["machine"]["facts"].items()],
                   "---")
    if run["machine"]["mitigations"]:
        lines += ["", "Mitigations of processor vulnerabilities:", ""]
        lines += [f"- {name}: {text}" for name, text in run["machine"]["mitigations"].items()]
    if run["notes"]:
        lines += ["", "About this run:", ""]
        lines += [f"- {note}" for note in run["notes"]]
    ratio = ["ratio", "min", "max"]
    if run.get("rates"):
        lines += ["", "## Thousand packets a second", "",
                  f"A driver in user space, a tap in a network namespace. Medians of {run['pairs']} pairs of "
                  "runs that alternate; the ratio is of each pair: viaduct's to the in-tree driver's.", ""]
        lines += table(["", "in-tree", "viaduct", *ratio], rate_lines(run["rates"]))
        lines += ["", "![packets a second](rates.svg)"] if run.get("pictures") else []
    if run.get("delays"):
        lines += ["", "## Delays, us", "", "Median / 99th percentile.", ""]
        lines += table(["", "in-tree", "viaduct"], delay_lines(run["delays"]))
    if run.get("guest"):
        lines += ["", "## TCP through a guest", "",
                  f"Medians of {run['turns']} turns. Host CPU is QEMU and worker together.", ""]
        lines += table(["", *WAYS, *ratio], guest_lines(run["guest"]))
        lines += ["", "![TCP](guest.svg)"] if run.get("pictures") else []
    return "\n".join(lines) + "\n"


def draw(run, directory):
    """Bars, by gnuplot."""
    nodes = ("in-tree", "viaduct")
    where = f"{run['machine']['facts']['processor']}, {run['date']}"
    if run.get("rates"):
        plot.bars(directory / "rates.svg", f"Packets a second, {where}", "thousand packets a second",
                  {name: {node: pairs.median(by.get(node, [])) for node in nodes}
                   for name, by in run["rates"].items()})
    if run.get("guest"):
        plot.bars(directory / "guest.svg", f"TCP through a guest, {where}", "Mbit/s",
                  {name: {node: pairs.median(run["guest"].get(WAYS[node], {}).get(GUEST[name], []))
                          for node in nodes} for name in list(GUEST)[:2]})


def write(run, directory):
    """All files of the report: their names."""
    directory.mkdir(parents=True, exist_ok=True)
    run["pictures"] = bool(shutil.which("gnuplot"))
    without = "no pictures: gnuplot is missing (apt-get install gnuplot-nox)"
    run["notes"] = [note for note in run["notes"] if note != without]
    if run["pictures"]:
        draw(run, directory)
    else:
        run["notes"].append(without)
    (directory / "report.json").write_text(json.dumps(run, indent=1) + "\n")
    (directory / "report.md").write_text(markdown(run))
    return sorted(path.name for path in directory.iterdir())
