# SPDX-License-Identifier: GPL-2.0-only
"""Processes and modules of a run on a machine, and how they are removed.

The command forks a keeper, which is in a session of its own and ignores signals. The
keeper inserts modules and starts the measurement in a PID, a network and a mount
namespace. Two pipes report a death: that of the command to the keeper, that of the
keeper to the measurement. The measurement is the first process of its PID
namespace, so that the kernel ends all others there with it; taps and mounts go with
the namespaces. Whichever of command and keeper survives removes the modules. A file lists
them in case neither does: the next run, or --clean, removes them."""
import ctypes
import fcntl
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

STATE = pathlib.Path("/run/viaduct-bench.state")
LOCK = pathlib.Path("/run/viaduct-bench.lock")
# Seconds for the last references to a module to go.
PATIENCE = 20
PR_SET_NAME = 15


def say(text):
    print(f"viaduct-bench: {text}", file=sys.stderr, flush=True)


def lock():
    """For as long as the descriptor is open, here or in the keeper; or None."""
    while True:
        fd = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return None
        # A run that has just ended may have removed this file.
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)


def loaded():
    """Modules, the newest first."""
    try:
        return [line.split()[0] for line in open("/proc/modules", encoding="ascii")]
    except FileNotFoundError:
        return []


def insert(wanted, absent):
    """Inserts (name, file or "") one after another. @absent are all that this inserts."""
    whole = STATE.with_suffix(".new")
    whole.write_text(json.dumps(absent))
    whole.rename(STATE)
    for name, file in wanted:
        subprocess.run(["insmod", file] if file else ["modprobe", name], check=True)


def noted():
    """Those that a run has inserted, or was about to."""
    try:
        return json.loads(STATE.read_text())
    except (FileNotFoundError, ValueError):
        return []


def remove():
    """Removes them; those that are in use by others by now stay."""
    names = [name for name in loaded() if name in noted()]
    end = time.monotonic() + PATIENCE
    while names and time.monotonic() < end:
        for name in names:
            subprocess.run(["rmmod", name], stderr=subprocess.DEVNULL, check=False)
        now = loaded()
        names = [name for name in names if name in now]
        if names:
            time.sleep(0.2)
    for path in (STATE, LOCK):
        path.unlink(missing_ok=True)
    if names:
        say(f"still loaded, because something uses them: {', '.join(names)}")
    return not names


def keep(command, modules, results):
    """The keeper's whole life. @results is a descriptor for what @command prints."""
    alive, measurement = os.pipe()
    status = 1
    try:
        insert(*modules)
        with subprocess.Popen(command, stdin=alive, stdout=results) as child:
            os.close(alive)
            os.close(results)
            status = watch(child)
            os.close(measurement)
    except subprocess.CalledProcessError as error:
        say(f"cannot insert a module: {' '.join(map(str, error.cmd))} failed")
    finally:
        status = status if remove() else 1
    return status


def watch(child):
    """Wait until the measurement or the command has ended: status."""
    while child.poll() is None:
        if select.select([0], [], [], 0.1)[0]:
            child.send_signal(signal.SIGKILL)
            child.wait()
            return 1
    return child.returncode


def start(command, modules, fd):
    """Fork the keeper: its process, the descriptor that it watches, and the one with the
    results. @modules are the arguments of insert(), @fd is the lock."""
    watched, mine = os.pipe()
    results, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(watched)
        os.close(theirs)
        return pid, mine, results
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_NAME, b"bench-keeper")
    for nr in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(nr, signal.SIG_IGN)
    os.close(mine)
    os.close(results)
    os.dup2(watched, 0)
    status = 1
    try:
        status = keep(command, modules, theirs)
    except OSError as error:
        say(str(error))
    finally:
        os.close(fd)
        os._exit(status)


def finish(pid):
    """The keeper has ended, or is about to: whether it succeeded. Does its work if it was
    killed."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        say("the keeper was killed")
        remove()
        return False
    return os.WEXITSTATUS(status) == 0
