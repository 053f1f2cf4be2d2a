# SPDX-License-Identifier: GPL-2.0-only
"""Lines of the module that were reached: those that have an instruction in a block of the
compiled module that vdcover reports."""
import collections
import functools
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2] / "drivers/viaduct"
TRACE = "__sanitizer_cov_trace_pc"
# The folders that are the subject; the others have fuzzers of their own (make fuzz).
FOLDERS = ("host", "net", "device")
# Blocks that may be reached outside of the sections .text*.
MAX_UNKNOWN = 20


class Disassembly:
    """The instructions of the module, and the blocks that they are in.

    A block begins with a direct call of TRACE, before which the compiler may put others of
    its instructions: all from the last jump, or target of one, on. Where no call follows
    before the next jump, an instruction is in the block before it."""

    def __init__(self, ko):
        self.block = {}         # (section, address): address behind the call of TRACE
        self.section = None
        self.insns = []         # (address, is it a jump) of the function that is being read
        self.traces = set()     # addresses behind the calls of TRACE
        self.targets = set()    # of jumps
        text = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", ko], check=True,
                              text=True, stdout=subprocess.PIPE).stdout
        for line in text.splitlines():
            self.read(line)
        self.finish()

    def read(self, line):
        start = re.match(r"Disassembly of section (\S+):", line)
        reloc = re.match(r"\s+([0-9a-f]+): R_\S+\s+(\S+)", line)
        insn = re.match(r"\s+([0-9a-f]+):\s+(\S+)(?:\s+([0-9a-f]+) <)?", line)
        if start or line.endswith(">:"):
            self.finish()
            self.section = start.group(1) if start else self.section
        elif reloc and reloc.group(2).startswith(TRACE):
            self.traces.add(int(reloc.group(1), 16) + 4)
        elif insn and not reloc:
            is_jump = insn.group(2).startswith(("j", "ret"))
            self.insns.append((int(insn.group(1), 16), is_jump))
            if is_jump and insn.group(3):
                self.targets.add(int(insn.group(3), 16))

    def finish(self):
        """The function ends: assign its instructions to blocks."""
        current, before, after_jump = None, [], True
        for address, is_jump in self.insns:
            if address in self.traces:
                current = address
                self.assign(before, current)
            elif after_jump or address in self.targets:
                self.assign(before, current)
                before.append(address)
            elif before:
                before.append(address)
            if address in self.traces or not before:
                self.assign([address], current)
            if is_jump:
                self.assign(before, current)
            after_jump = is_jump
        self.insns, self.traces, self.targets = [], set(), set()

    def assign(self, addresses, block):
        """Nothing before the first block of a function."""
        if block is None:
            return
        for address in addresses:
            self.block[self.section, address] = block
        addresses.clear()


def place(path):
    """A file below drivers/viaduct, or None."""
    _, found, rest = path.partition("/drivers/viaduct/")
    return rest if found else None


def lines_of(ko, section, addresses):
    """(address, (file, line)) of those that belong to the source below drivers/viaduct."""
    text = subprocess.run(["addr2line", "-e", ko, "-j", section],
                          input="".join(f"{a:#x}\n" for a in addresses), check=True,
                          text=True, stdout=subprocess.PIPE).stdout
    for address, line in zip(addresses, text.splitlines()):
        path, _, nr = line.split(" ")[0].rpartition(":")
        if place(path) and nr.isdigit() and nr != "0":
            yield address, (place(path), int(nr))


class Coverage:
    """Of the module in the folder of a VM."""

    def __init__(self, work):
        ko = work / "viaduct.ko"
        block = Disassembly(ko).block
        self.lines = collections.defaultdict(set)   # (section, block): {(file, line)}
        self.total = collections.defaultdict(set)   # file: {line}
        self.blocks = {(s, b) for (s, _), b in block.items()}
        self.home = {}                              # (section, block): the file that it is in
        for section in {s for s, _ in block if s.startswith(".text")}:
            addresses = [a for s, a in block if s == section]
            for address, (path, nr) in lines_of(ko, section, addresses):
                self.lines[section, block[section, address]].add((path, nr))
                self.total[path].add(nr)
            calls = [b - 1 for s, b in self.blocks if s == section]
            for call, (path, _) in lines_of(ko, section, calls):
                self.home[section, call + 1] = path

    def reached(self, work):
        """{file: {line, ...}} of the blocks that fuzz left there."""
        base = {}
        for line in (work / "sections").read_text().splitlines():
            section, address = line.split()
            base[section] = int(address, 16)
        known = {base[section] + address - base["base"]: lines
                 for (section, address), lines in self.lines.items() if section in base}
        found, nr_unknown, reached = collections.defaultdict(set), 0, self.read_blocks(work)
        there = {base[section] + address - base["base"]
                 for section, address in self.blocks if section in base}
        for address in reached:
            nr_unknown += address not in there
            for path, nr in known.get(address, ()):
                found[path].add(nr)
        reached_set = set(reached)
        self.hit = {key for key in self.home if key[0] in base and
                    base[key[0]] + key[1] - base["base"] in reached_set}
        # Blocks of .init.text are elsewhere. More would mean that blocks are not found.
        if nr_unknown > MAX_UNKNOWN:
            raise ValueError(f"{nr_unknown} of {len(reached)} blocks are not in the module")
        return found

    @staticmethod
    def read_blocks(work):
        return [int(text, 16) for text in (work / "out/blocks").read_text().split()]

    def share(self, reached, paths):
        total = sum(len(self.total[path]) for path in paths)
        hit = sum(len(reached[path]) for path in paths)
        return hit, total, 100 * hit / total if total else 100

    def share_of_blocks(self, paths):
        total = sum(path in paths for path in self.home.values())
        hit = sum(self.home[key] in paths for key in self.hit)
        return hit, total, 100 * hit / total if total else 100

    def print_row(self, name, reached, paths):
        print("%-28s %5d of %5d lines %5.1f %%  %5d of %5d blocks %5.1f %%" %
              (name, *self.share(reached, paths), *self.share_of_blocks(paths)))

    def print_table(self, reached):
        for folder in sorted({path.split("/")[0] for path in self.total if "/" in path}):
            paths = sorted(p for p in self.total if p.startswith(folder + "/"))
            self.print_row(folder, reached, paths)
            for path in paths:
                self.print_row("    " + path, reached, [path])
        paths = [p for p in self.total if p.split("/")[0] in FOLDERS]
        self.print_row(", ".join(FOLDERS), reached, paths)


DEFINITION = re.compile(r"(?=[a-z])[^;=(]*?\b(\w+)\(")


class Source:
    """The lines of a file below drivers/viaduct, and the functions that they are in."""

    def __init__(self, path):
        self.text = (SOURCE / path).read_text().splitlines()
        self.function = []      # of each line, "-" outside of all
        now = "-"
        for line in self.text:
            found = DEFINITION.match(line)
            now = found.group(1) if found else now
            self.function.append(now)
            now = "-" if line.startswith("}") else now

    @staticmethod
    @functools.cache
    def of(path):
        return Source(path)

    def line(self, nr):
        """(function, text). The numbers of a generated line can be beyond the end."""
        if nr > len(self.text):
            return "-", ""
        return self.function[nr - 1], self.text[nr - 1].strip()

    def matches(self, nr, function, text):
        found = self.line(nr)
        return found[0] == function and text in found[1]


class Reasons:
    """The file `unreached`: below each reason the lines that it is for."""

    def __init__(self, path=HERE / "unreached"):
        self.path = path
        self.entries = []       # (file, function, text, reason)
        reason = None
        for line in path.read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                reason = None if not line.strip() else reason
            elif line.startswith("\t"):
                where, function, text = (line.strip() + ": : ").split(": ", 2)
                self.entries.append((where, function, text[:-4], reason))
            else:
                reason = f"{reason} {line}" if reason else line

    def faults(self):
        """Entries without a line in the source, or without a reason."""
        for where, function, text, reason in self.entries:
            source = Source.of(where) if (SOURCE / where).is_file() else None
            if not source or not any(source.matches(nr, function, text)
                                     for nr in range(1, len(source.text) + 1)):
                yield f"{where} has no line in {function} with: {text}"
            if not reason:
                yield f"{where}: {function}: {text}: no reason above it"

    def reason(self, path, nr):
        for where, function, text, reason in self.entries:
            if where == path and Source.of(path).matches(nr, function, text):
                return reason
        return None


def list_unreached(coverage, reached, reasons):
    """(path, line, reason or None) of the lines of FOLDERS that were not reached.

    Numbers of lines outside of functions are wrong debug information."""
    for path in sorted(p for p in coverage.total if p.split("/")[0] in FOLDERS):
        for nr in sorted(coverage.total[path] - reached[path]):
            if Source.of(path).line(nr)[0] != "-":
                yield path, nr, reasons.reason(path, nr)


def print_unreached(lines, is_all):
    """Those without a reason, or all; returns how many have none."""
    nr_open = 0
    for path, nr, reason in lines:
        nr_open += not reason
        if is_all or not reason:
            print(f"{path}:{nr}: {': '.join(Source.of(path).line(nr))}\n"
                  f"    {reason or 'NO REASON'}")
    return nr_open
