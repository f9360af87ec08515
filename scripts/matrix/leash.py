#!/usr/bin/env python3
"""Runs a command for at most SECONDS and ends all that it started: leash.py SECONDS REPORT COMMAND ...

REPORT gets a JSON document: `timeout`, and `left`, the command lines of what still ran a second after the
command ended. Exit status: the command's own, 128+N for a signal.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
GRACE = 1.0  # seconds in which what the command started may end by itself


def descendants() -> dict[int, str]:
    """All processes below this one, by /proc; what is already dead is reaped."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found: dict[int, str] = {}
    below = {os.getpid()}
    while below:
        below = {pid for pid, parent in parents.items() if parent in below and pid not in found}
        for pid in below:
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                line = b"?"
            found[pid] = line.replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    return found


def end_all() -> None:
    while left := descendants():
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def stop(*_: object) -> None:
    end_all()
    os._exit(143)


def main() -> int:
    limit, report, *command = sys.argv[1:]
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    # Handled here, they are at their defaults in the command, even where a shell or nohup ignores them.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, stop)
    process = subprocess.Popen(command, start_new_session=True)
    told = {"timeout": False, "left": []}
    try:
        process.wait(float(limit))
    except subprocess.TimeoutExpired:
        told["timeout"] = True
    else:
        until = time.monotonic() + GRACE
        while (left := descendants()) and time.monotonic() < until:
            time.sleep(0.05)
        told["left"] = list(left.values())
    end_all()
    Path(report).write_text(json.dumps(told))
    status = process.returncode
    return 124 if status is None else 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main())
