# SPDX-License-Identifier: GPL-2.0-only
"""The measurement, in namespaces of its own. Standard input is a pipe, which ends when the
keeper has died. Prints a line of JSON for each result."""
import json
import os
import pathlib
import subprocess
import sys
import threading

import rows

# Private to the mount namespace: guests' files, and the cache of scripts/lib.sh.
SCRATCH = pathlib.Path("/run/viaduct-bench")
# Delays of single frames. The memory of idle devices cannot be told from that of other programs.
DELAYS = [row for row in rows.PROBES if not row.args.startswith("--idle")]


def print_line(**what):
    print(json.dumps(what), flush=True)


def die_with_keeper():
    """The end of the first process of a PID namespace ends all others."""
    def wait():
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def make_mounts():
    """sysfs of this network namespace, and a /run that ends with it."""
    for command in (["mount", "-t", "sysfs", "sysfs", "/sys"], ["mount", "-t", "tmpfs", "tmpfs", "/run"]):
        subprocess.run(command, check=True, stdout=sys.stderr)
    SCRATCH.mkdir()


def vbench(plan, row, node, count=0):
    """One run: what it found, nothing if it failed."""
    command = [plan["vbench"], *row.args.split(), *(["--count", str(count)] if count else [])]
    env = {**os.environ, "VD_DEVICE": plan["nodes"][node], "VD_LAYOUT": row.layout}
    try:
        run = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             timeout=120, check=True, text=True)
        return json.loads(run.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        print(f"viaduct-bench: {row.name}, {node}: {error}", file=sys.stderr, flush=True)
        return {}


def frames(plan, row):
    """The number that the faster device handles in the time of a run, from a run that is
    not counted."""
    fastest = max(vbench(plan, row, node).get("kpps", 0) for node in set(plan["turns"][row.name]))
    return int(min(max(fastest * 1000 * plan["seconds"], 1000), 100_000_000))


def measure_rates(plan):
    for row in rows.RATES:
        if not plan["turns"].get(row.name):
            continue
        count = frames(plan, row)
        for node in plan["turns"][row.name]:
            print_line(what="rate", row=row.name, node=node, kpps=vbench(plan, row, node, count).get("kpps"))


def measure_delays(plan):
    for row in DELAYS:
        for node in plan["nodes"]:
            print_line(what="delay", row=row.name, node=node, found=vbench(plan, row, node))


def guest_cache(plan):
    """A cache for scripts/lib.sh: a static busybox, and a kernel in the form in which
    scripts/setup leaves it."""
    cache = SCRATCH / "cache"
    home = cache / "kernel"
    (home / "boot").mkdir(parents=True)
    (home / "lib/modules").mkdir(parents=True)
    guest = plan["guest"]
    (cache / "busybox").symlink_to(guest["busybox"])
    (home / "boot" / f"vmlinuz-{guest['release']}").symlink_to(guest["image"])
    (home / "lib/modules" / guest["release"]).symlink_to(guest["modules"])
    return cache, home


def measure_guest(plan):
    """scripts/demo.d/rows, which is the host's part of the demo."""
    guest = plan["guest"]
    cache, home = guest_cache(plan)
    results = SCRATCH / "guest.json"
    env = {**os.environ, "VD_CACHE": str(cache), "VD_GUEST_KERNEL": str(home), "VD_DEMO_STARTED": guest["started"],
           "VD_DEMO_ROWS": ",".join(guest["rows"]), "VD_DEMO_SECONDS": str(guest["seconds"]),
           "VD_DEMO_REPEAT": str(guest["turns"]), "VD_DEMO_ROUND_TRIPS": guest["round_trips"],
           "VD_DEMO_JSON": str(results), "VD_DEMO_PROPS": "", "VD_DEMO_IOMMU": "", "VD_DEMO_MEGABYTES": "",
           "VD_DEMO_APART": ""}
    run = subprocess.run([f"{plan['scripts']}/demo.d/rows"], env=env, stdin=subprocess.DEVNULL,
                         stdout=sys.stderr, check=False)
    try:
        found = json.loads(results.read_text())["rows"]
    except (OSError, ValueError):
        found = []
    print_line(what="guest", status=run.returncode, found={row.pop("name"): row for row in found})


def main(plan):
    die_with_keeper()
    make_mounts()
    if "rates" in plan["parts"]:
        measure_rates(plan)
    if "delays" in plan["parts"]:
        measure_delays(plan)
    if "guest" in plan["parts"]:
        measure_guest(plan)
