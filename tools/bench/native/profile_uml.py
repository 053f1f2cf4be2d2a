# SPDX-License-Identifier: GPL-2.0-only
"""Where the worker's time goes in a User Mode Linux, by symbol. perf samples the whole
process; a sample's stack pointer identifies the task, because each has its own stack."""
import bisect
import collections
import re
import shutil
import subprocess

# Bytes of a kernel stack: a page, shifted by CONFIG_KERNEL_STACK_ORDER.
STACK = 4096 << 3
# The first match names the part that a symbol of the kernel belongs to.
PARTS = [
    ("User Mode Linux itself", r"^um_[gs]et_sig|^uml_|block_signals|ipi_set|local_ipi"),
    ("copies", r"copy_(from|to|page).*(iter|user)|^iov_iter|^skb_copy_datagram|^memcpy|"
               r"check_object|check_stack|is_vmalloc"),
    ("tap", r"^(tun|tap)_|^__tun"),
    ("flow dissection", r"flow_diss|^bpf_flow|virtio_net_hdr"),
    ("the rest of the stack", r"netif|eth_type|_core_stats|reason_drop"),
    ("packet heads and pages", r"skb|^_*kmem|^_*kmalloc|^_*kfree|slab|page|memset|_pcs_"),
    ("scheduler", r"sched|switch|_task|entity|load_avg|vhost_task|llist|update_|pick_|longjmp"),
    ("host", r"^\[host\]"),
    ("the rest of the stack", ""),
]
FOLDERS = {"ring": "ring engine", "guest": "ring engine"}
MODULES = {"vhost": "ring engine", "vhost_iotlb": "ring engine", "vhost_net": "driver"}


def complaint():
    """Why there is no profile, or None."""
    if not shutil.which("perf"):
        return "perf is missing; run: scripts/setup tools perf"
    probe = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock:u", "-o", "/dev/null", "true"],
                           capture_output=True, text=True, check=False)
    return "perf cannot record: " + probe.stderr.strip() if probe.returncode else None


def record(pid, data, seconds):
    """True if there are samples of that process."""
    command = ["perf", "record", "-q", "-e", "cpu-clock:u", "-F", "5000", "--user-regs=sp",
               "-p", str(pid), "-o", data, "--", "sleep", str(seconds)]
    return not subprocess.run(command, check=False).returncode


def read_symbols(path):
    """Addresses in order, and (name, module) of each."""
    table = []
    for line in path.read_text().splitlines():
        words = line.split()
        if words[1] in "tTwW":
            table.append((int(words[0], 16), (words[2], words[3].strip("[]") if words[3:] else "")))
    table.sort()
    return [address for address, _ in table], [name for _, name in table]


def folders(build):
    """{symbol: folder of drivers/viaduct}"""
    found = {}
    for path in build.glob("drivers/viaduct/*/*.o"):
        text = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
        for name in re.findall(r" [tT] (\S+)", text):
            found[name] = path.parent.name
    return found


def part_of(symbol, places):
    name, module = symbol
    if module == "viaduct":
        return FOLDERS.get(places.get(name), "driver")
    if module in MODULES:
        return MODULES[module]
    return next(part for part, regex in PARTS if re.search(regex, name))


def samples(data, addresses, names):
    """(stack, symbol) of each sample."""
    text = subprocess.run(["perf", "script", "-i", data, "-F", "ip,uregs"], capture_output=True,
                          text=True, check=True).stdout
    for ip, sp in re.findall(r"([0-9a-f]+) ABI:\S+\s+SP:0x([0-9a-f]+)", text):
        at = bisect.bisect_right(addresses, int(ip, 16)) - 1
        # Beyond the last symbol of the text lies the host's own code.
        is_host = at < 0 or int(ip, 16) - addresses[at] > 1 << 20
        yield int(sp, 16) // STACK, ("[host]", "") if is_host else names[at]


def ordered(counter, total):
    return {key: count / total for key, count in counter.most_common()}


def shares(data, kallsyms, build):
    """Of the worker's samples: how many there are, and the share of parts and symbols."""
    addresses, names = read_symbols(kallsyms)
    seen = list(samples(data, addresses, names))
    drivers = collections.Counter(stack for stack, (_, module) in seen if module)
    worker = drivers.most_common(1)[0][0]
    places = folders(build)
    parts, symbols = collections.Counter(), collections.Counter()
    for stack, symbol in seen:
        if stack == worker:
            parts[part_of(symbol, places)] += 1
            symbols[symbol[0]] += 1
    total = sum(symbols.values())
    return {"samples": total, "all_samples": len(seen), "parts": ordered(parts, total),
            "symbols": ordered(symbols, total)}
