#!/usr/bin/env python3
"""Runs a command while Debian's docker-registry serves an empty registry on a free loopback port.

registry.py COMMAND ARGS...     the command finds its address in $REGISTRY
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

CONFIG = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {data}}}}}
http: {{addr: '{address}'}}
"""
PATIENCE = 15.0


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def answers(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The address of a registry that is ready, with its data in a directory that goes with it."""
    program = shutil.which("docker-registry") or "/usr/bin/docker-registry"
    with tempfile.TemporaryDirectory(prefix="elfuse-registry-") as top:
        address = free_address()
        config = Path(top, "config.yml")
        config.write_text(CONFIG.format(data=Path(top, "data"), address=address))
        log = Path(top, "log")
        with log.open("wb") as out:
            process = subprocess.Popen([program, "serve", str(config)], stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(address):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"registry: docker-registry does not start:\n{log.read_text()}")
                time.sleep(0.02)
            yield address
        finally:
            process.terminate()
            process.wait(10)


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    with serving() as address:
        return subprocess.run(sys.argv[1:], env={**os.environ, "REGISTRY": address}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
