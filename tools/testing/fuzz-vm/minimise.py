# SPDX-License-Identifier: GPL-2.0-only
"""Finds the shortest program with which the kernel still complains."""
import re
import shutil

import vm

# Runs of a program that has to make the kernel complain.
TRIES = 8
LIMIT = 90


def kind_of(complaint):
    """What two reports of one fault have in common."""
    text = re.sub(r"\[[ 0-9.]*\]|0x[0-9a-f]+|[0-9a-f]{8,}|\d+", "", complaint)
    return " ".join(text.split())[:60]


class Minimiser:
    def __init__(self, machine, complaint):
        self.machine = machine
        self.kind = kind_of(complaint)
        self.dir = machine.work / "try"

    def complains(self, programs, tries=TRIES):
        """Whether the programs, one after another, lead to the same report."""
        shutil.rmtree(self.dir, ignore_errors=True)
        (self.dir / "out/last").mkdir(parents=True)
        (self.dir / "out/corpus").mkdir()
        paths = []
        for i, lines in enumerate(programs):
            path = self.dir / f"{i:02}.txt"
            path.write_text("".join(lines))
            paths.append(path)
        found, _ = self.machine.run(["replay", self.dir / "out", *paths * tries], LIMIT)
        return bool(found) and kind_of(found) == self.kind

    def choose(self, programs):
        """The last program, if it is enough, or the last ones."""
        for nr in (1, 2, 4, 8, 16):
            if self.complains(programs[-nr:]):
                return programs[-nr:]
            if nr >= len(programs):
                break
        return None

    def shrink(self, programs, budget=60):
        """Without the lines that are not needed, as far as @budget boots go."""
        lines = [(i, line) for i, p in enumerate(programs) for line in p]
        step = max(len(lines) // 2, 1)
        while step:
            at = 0
            while at < len(lines) and budget:
                less = lines[:at] + lines[at + step:]
                budget -= 1
                if less and self.complains(rebuild(less)):
                    lines = less
                else:
                    at += step
            step = step // 2 if budget else 0
        return rebuild(lines)


def rebuild(lines):
    last, programs = None, []
    for i, line in lines:
        if i != last:
            programs.append([])
        last = i
        programs[-1].append(line)
    return programs


def last_programs(out):
    """The programs that ran last, in order."""
    number = int((out / "last/now").read_text().split()[0])
    found = []
    for i in range(max(number - 15, 0), number + 1):
        path = out / f"last/{i % 16:02}.txt"
        if path.exists() and path.read_text():
            found.append(path.read_text().splitlines(keepends=True))
    return found


def write(programs, path, complaint):
    """One file: the programs are one after another, in the same process."""
    text = "".join("".join(p) for p in programs)
    path.write_text(f"# {complaint}\n" + text)
    vm.say(f"wrote {path}")
