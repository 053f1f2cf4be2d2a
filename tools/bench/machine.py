# SPDX-License-Identifier: GPL-2.0-only
"""What a figure depends on: processor, memory, kernel, mitigations, frequency governor,
modules. Nothing that identifies the machine or its owner is read."""
import pathlib
import platform
import re

# Words of the kernel's command line that change what a packet costs; others, such as
# the names of disks, are left out.
TELLING = re.compile(r"(mitigations|spectre\w*|spec_\w+|retbleed|mds|tsx\w*|l1tf|mmio\w*|srbds|nospectre\w*|nopti|pti|"
                     r"isolcpus|nohz\w*|rcu_nocbs|preempt|idle|processor\.max_cstate|intel_idle\.max_cstate|"
                     r"intel_pstate|amd_pstate|intel_iommu|amd_iommu|iommu|transparent_hugepage|hugepages\w*|"
                     r"init_on_\w+|clocksource|tsc|nosmt|maxcpus|nr_cpus|kpti|nosmap|threadirqs)(=.*)?$")


class Machine:
    """The files below @root, which a test fills with recorded ones."""

    def __init__(self, root="/"):
        self.root = pathlib.Path(root)

    def path(self, name):
        return self.root / name.lstrip("/")

    def text(self, name):
        """Contents of the file; empty without it."""
        try:
            return self.path(name).read_text(errors="replace").strip("\0\n ")
        except OSError:
            return ""

    def several(self, pattern):
        """The different contents of the files, with how many have each."""
        texts = [self.text(str(path.relative_to(self.root)))
                 for path in sorted(self.root.glob(pattern))]
        counts = {text: texts.count(text) for text in texts if text}
        if len(counts) == 1:
            return next(iter(counts))
        return ", ".join(f"{text} ({nr})" for text, nr in counts.items())

    def has_module(self, name):
        return self.path(f"sys/module/{name}").is_dir()

    def which(self, name):
        """Path of a program, below the root; empty without it."""
        for folder in ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"):
            if self.path(f"{folder}/{name}").exists():
                return f"/{folder}/{name}"
        return ""

    def kernel(self):
        """Release of the running kernel."""
        return self.text("proc/sys/kernel/osrelease")

    def absent(self, name):
        """Modules that have to be inserted for @name, itself included: none if it is
        there or built in, None if the kernel does not have it."""
        if self.has_module(name):
            return []
        where = f"lib/modules/{self.kernel()}"
        if name in map(module_name, self.text(f"{where}/modules.builtin").splitlines()):
            return []
        for line in self.text(f"{where}/modules.dep").splitlines():
            file, _, needs = line.partition(":")
            if module_name(file) == name:
                names = [module_name(need) for need in reversed(needs.split())] + [name]
                return [need for need in names if not self.has_module(need)]
        return None


def module_name(file):
    """The name of the module in a file, as /proc/modules has it."""
    return file.rsplit("/", 1)[-1].split(".ko")[0].replace("-", "_")


def processor(machine):
    """Model, and how many of which parts."""
    info = machine.text("proc/cpuinfo")
    model = re.search(r"^(?:model name|CPU implementer)\s*:\s*(.*)", info, re.M)
    threads = len(re.findall(r"^processor\s*:", info, re.M))
    packages = len(set(re.findall(r"^physical id\s*:\s*(\d+)", info, re.M))) or 1
    cores = re.search(r"^cpu cores\s*:\s*(\d+)", info, re.M)
    parts = f"{threads} CPUs"
    if cores:
        parts += f" ({packages} x {cores[1]} cores)"
    return f"{model[1] if model else platform.machine()}, {parts}"


def memory(machine):
    """Size, and nodes."""
    total = re.search(r"^MemTotal:\s*(\d+)", machine.text("proc/meminfo"), re.M)
    nodes = len(list(machine.root.glob("sys/devices/system/node/node[0-9]*"))) or 1
    gib = f"{int(total[1]) / 1048576:.1f} GiB" if total else "unknown"
    return gib + (f", {nodes} NUMA nodes" if nodes > 1 else "")


def hypervisor(machine):
    """The hypervisor of the machine; empty on hardware."""
    if "hostvm.accel=tcg" in machine.text("proc/cmdline"):
        return "QEMU's emulator (TCG): rates are those of the emulator"
    vendor = machine.text("sys/class/dmi/id/sys_vendor")
    if re.search(r"^flags\s*:.*\bhypervisor\b", machine.text("proc/cpuinfo"), re.M):
        return f"a hypervisor ({machine.text('sys/hypervisor/type') or vendor or 'unknown'})"
    return ""


def frequency(machine):
    """Governor, driver, boost."""
    base = "sys/devices/system/cpu"
    governor = machine.several(f"{base}/cpu[0-9]*/cpufreq/scaling_governor")
    if not governor:
        return "no frequency scaling that the kernel controls"
    driver = machine.several(f"{base}/cpu[0-9]*/cpufreq/scaling_driver")
    boost = machine.text(f"{base}/cpufreq/boost")
    no_turbo = machine.text(f"{base}/intel_pstate/no_turbo")
    on = {"1": "on", "0": "off"}.get(boost) or {"0": "on", "1": "off"}.get(no_turbo)
    return f"governor {governor}, driver {driver}" + (f", boost {on}" if on else "")


def release(machine):
    """The distribution's own name."""
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', machine.text("etc/os-release"), re.M)
    return name[1] if name else "unknown"


def module(machine, name):
    """Version and parameters of a loaded module."""
    where = machine.path(f"sys/module/{name}")
    if not where.is_dir():
        return "not loaded"
    version = machine.text(f"sys/module/{name}/version")
    source = machine.text(f"sys/module/{name}/srcversion")
    words = [version or "in-tree", f"srcversion {source}" if source else ""]
    words += [f"{path.name}={machine.text(str(path.relative_to(machine.root)))}"
              for path in sorted(where.glob("parameters/*"))]
    return " ".join(word for word in words if word)


def facts(machine):
    """{what: text}, in the order of the report."""
    found = {
        "machine": " ".join(word for word in (machine.text("sys/class/dmi/id/sys_vendor"),
                                              machine.text("sys/class/dmi/id/product_name")) if word),
        "processor": processor(machine),
        "memory": memory(machine),
        "runs on": hypervisor(machine) or "hardware",
        "distribution": release(machine),
        "kernel": f"{machine.kernel()} {machine.text('proc/sys/kernel/version')}",
        "command line": " ".join(word for word in machine.text("proc/cmdline").split()
                                 if TELLING.match(word)) or "nothing that matters here",
        "SMT": machine.text("sys/devices/system/cpu/smt/control") or "unknown",
        "frequency": frequency(machine),
        "clock source": machine.text("sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "huge pages": machine.text("sys/kernel/mm/transparent_hugepage/enabled"),
        "viaduct": module(machine, "viaduct"),
        "vhost_net": module(machine, "vhost_net"),
        "vhost": module(machine, "vhost"),
    }
    mitigations = {path.name: machine.text(str(path.relative_to(machine.root))) for path in
                   sorted(machine.root.glob("sys/devices/system/cpu/vulnerabilities/*"))}
    return {"facts": {name: text for name, text in found.items() if text},
            "mitigations": mitigations}
