"""Run one arm64 program in a fresh root.

python tests/guest/run.py [--strace] [--overlay | --kernel] FILE ARGS
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.guest import harness


def main() -> int:
    words = sys.argv[1:]
    options = {word for word in words if word in ("--strace", "--overlay", "--kernel")}
    words = [word for word in words if word not in options]
    if not words:
        sys.exit(__doc__)
    kind = next((kind for kind in ("overlay", "kernel") if f"--{kind}" in options), "plain")
    root = harness.GuestRoot(kind)
    try:
        root.install(Path(words[0]), "/bin/program")
        spec = harness.spec_for(root, ["/bin/program", *words[1:]], strace="--strace" in options)
        done = harness.run_spec(spec)
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        return done.returncode
    finally:
        root.remove()


if __name__ == "__main__":
    sys.exit(main())
