# SPDX-License-Identifier: GPL-2.0-only
"""Builds what the VM runs, and runs it: in User Mode Linux, or in the host VM."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
BUILD = ROOT / "build/fuzz-vm"

# What a kernel prints when it finds a fault in itself.
COMPLAINT = re.compile(
    r"BUG[: ]|WARNING:|Oops|general protection|unable to handle|KASAN|UBSAN|Kernel panic"
    r"|INFO: possible|possible (circular|recursive)|inconsistent lock|suspicious RCU"
    r"|INFO: task .* blocked|detected.* stall|refcount_t:|list_(add|del) corruption"
    r"|Bad page|INFO: (trying to register|lockdep)|sleeping function called|@left")

# Flags of the module. In User Mode Linux code is compiled with -mcmodel=large, where the
# function's address stays in a register; report.py finds direct calls only. Modules there
# are near enough to the kernel for them.
FLAGS = """
ccflags-y += -g -fsanitize-coverage=trace-pc
ccflags-$(CONFIG_UML) += -mcmodel=small -fPIE -include $(srctree)/include/linux/hidden.h
obj-m += vdcover.o
ccflags-y += $(call vd-probe,VDCOVER_HAVE_MOD_MEM,MOD_TEXT,linux/module.h)
CFLAGS_REMOVE_vdcover.o := -fsanitize-coverage=trace-pc
KASAN_SANITIZE_vdcover.o := n
"""


def say(text):
    print(f"fuzz-vm: {text}", file=sys.stderr, flush=True)


class Vm:
    """A kernel with the module, and the folder that it writes to."""

    def __init__(self, kernel, memory="1G"):
        self.kernel = kernel
        self.memory = memory
        self.work = BUILD / (kernel or "uml")
        self.tree = None

    def build(self, change=None):
        """Build fuzz and the modules. @change is called with a copy of the source."""
        run = dict(cwd=ROOT, check=True, stdout=sys.stderr)
        subprocess.run(["make", "-s", "-C", str(HERE)], **run)
        if self.kernel:
            command, arch = ["scripts/kdir", self.kernel], []
        else:
            command, arch = ["scripts/uml-kernel", "fuzz"], ["ARCH=um"]
        self.tree = subprocess.run(command, cwd=ROOT, check=True, text=True,
                                   stdout=subprocess.PIPE).stdout.strip()
        src = self.work / "src"
        for part in ("drivers", "include"):
            copy_newer(ROOT / part, src / part)
        copy_newer(HERE / "cover/vdcover.c", src / "vdcover.c")
        (src / "Kbuild").write_text((ROOT / "Kbuild").read_text() + FLAGS)
        if change:
            change(src)
        subprocess.run(["make", "-s", "-C", self.tree, *arch, f"M={src}",
                        "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"], **run)
        for name in ("viaduct.ko", "vdcover.ko"):
            shutil.copy(src / name, self.work)
        shutil.copy(BUILD / "fuzz", self.work)

    def argv(self, seconds):
        if self.kernel:
            return [ROOT / "scripts/hostvm", "-k", self.kernel, "--timeout", str(seconds + 60),
                    "--append", "panic_on_warn=1", "--", HERE / "in-vm", self.work]
        return [pathlib.Path(self.tree) / "linux", f"mem={self.memory}", "rootfstype=hostfs",
                "rootflags=/", "ro", "con0=null,fd:1", "con=null",
                "ssl=null", "seccomp=auto", "loglevel=5", "panic=-1",
                f"init={HERE / 'init'}", f"VD_WORK={self.work}"]

    def run(self, args, seconds, console=None, each=None):
        """Run fuzz with these arguments in a new VM; @each is called with its lines.

        Returns (complaint, text): the first line in which the kernel complains, or what
        else went wrong, or None; and the console's text from there on."""
        (self.work / "command").write_text(" ".join([str(self.work / "fuzz"), *map(str, args)]))
        proc = subprocess.Popen(self.argv(seconds), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors="replace", start_new_session=True)
        timer = threading.Timer(seconds, end, [proc])
        timer.start()
        try:
            found, text, status = watch(proc, console, each, timer)
        finally:
            end(proc)
            timer.cancel()
        if not found and status != 0:
            found = "the VM's time is over" if status is None else f"fuzz ended with {status}"
        return found, text


def copy_newer(src, dst):
    """As cp -u; files that are gone stay gone."""
    if src.is_file():
        if not dst.exists() or dst.read_bytes() != src.read_bytes():
            dst.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(src, dst)
        return
    for path in src.rglob("*"):
        if path.is_file():
            copy_newer(path, dst / path.relative_to(src))


def end(proc):
    try:
        os.killpg(proc.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def watch(proc, console, each, timer):
    """(complaint, text from there on, exit status of fuzz) of a VM."""
    found, text, status = None, [], None
    for line in proc.stdout:
        if console:
            console.write(line)
            console.flush()
        if line.startswith("@status "):
            status = int(line.split()[1])
        elif not found and COMPLAINT.search(line):
            found = line.strip()
            # The rest of its report, and a chance to panic.
            timer.cancel()
            threading.Timer(3, end, [proc]).start()
        elif each and not found:
            each(line)
        if found and len(text) < 200:
            text.append(line)
    if status is None and proc.wait() >= 0:
        status = proc.returncode
    return found, "".join(text), status


def now():
    return time.monotonic()
