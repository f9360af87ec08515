"""Processes beside qemu-aarch64, in the same images: fork, exec, pipes, make, git, find: `make bench`.

Each number is measured inside by guest/processes.c; qemu runs the programs that a program starts through
binfmt_misc of a user namespace (scripts/matrix/namespace.py).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import Row, Table, take_turns

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))

from matrix import engines  # noqa: E402

COMPILER = "aarch64-linux-gnu-gcc"
MAKE = """cd /tmp && mkdir project && cd project
for i in $(seq 50); do echo "int f$i(int x) { return x * $i; }" > f$i.c; done
echo 'int main(void) { return 0; }' > main.c
cat >Makefile <<'END'
OBJ := $(patsubst %.c,%.o,$(wildcard *.c))
all: $(OBJ); cc -o all $(OBJ)
clean:; rm -f all *.o
END
"""
GIT = """cd /tmp && mkdir repository && cd repository && git init -q .
for d in $(seq 50); do mkdir d$d; for f in $(seq 100); do echo "$d $f" > d$d/f$f; done; done
git -c user.name=a -c user.email=a add . && git -c user.name=a -c user.email=a commit -q -m all
"""


@dataclass(frozen=True)
class Case:
    """`words` of processes, in the image, after the shell has run `before`."""

    name: str
    image: str
    words: str
    most: float  # of qemu's time
    before: str = ""


CASES = [
    Case("fork and wait", "build", "fork 300", 0.5),
    Case("fork, exec static true", "build", "exec 50 /bench/true", 1.0),
    Case("fork, exec dynamic true", "build", "exec 50 /bin/true", 1.0),
    Case("posix_spawn true", "build", "spawn 50 true", 1.0),
    Case("byte between processes", "build", "pipe 20000", 1.0),
    Case("byte between threads", "build", "threads 20000", 1.0),
    Case("1 GiB through cat | wc", "build", "command 1 sh -c 'head -c 1G /dev/zero | cat | wc -c'", 1.0),
    Case("find /", "build", "command 3 sh -c 'find / -xdev >/dev/null'", 1.0),
    Case("make, 50 files", "build", "command 1 sh -c 'make -s -C /tmp/project clean all'", 1.0, MAKE),
    Case("git status, 5000 files", "programs", "command 5 git -C /tmp/repository status --short", 0.5, GIT),
    Case("python3 -c pass", "python", "command 5 python3 -c pass", 1.0),
]  # fmt: skip


def build(folder: Path) -> None:
    for name, source in (("processes", HERE / "guest/processes.c"), ("true", None)):
        text = source.read_text() if source else "int main(void) { return 0; }\n"
        flags = ["-O2", "-static", "-pthread", "-I", str(HERE / "guest"), "-x", "c", "-"]
        subprocess.run([COMPILER, *flags, "-o", str(folder / name)], input=text, text=True, check=True)
    folder.chmod(0o755)


def microseconds(engine: engines.Elfuse | engines.Namespace, case: Case, folder: Path) -> float:
    script = f"set -e\n{case.before}cd /tmp\n/bench/processes {case.words}\n"
    job = engines.Job(case.image, ["/bin/sh", "-c", script], 600, binds={str(folder): "/bench"})
    outcome = engine.run(job)
    if outcome.status != 0:
        raise SystemExit(
            f"bench: {case.name}, {engine.name}: ended with {outcome.status}: {outcome.output[-1000:]}"
        )
    return float(outcome.output.split()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="cases whose name has it; repeatable"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    cases = [case for case in CASES if not args.only or any(text in case.name for text in args.only)]
    table = Table()
    table.head("processes, microseconds")
    ours, qemu = engines.Elfuse(), engines.qemu()
    with tempfile.TemporaryDirectory(prefix="elfuse-bench-") as name:
        folder = Path(name)
        build(folder)
        for case in cases:
            for engine in (ours, qemu):
                engine.prepare(case.image)
            microseconds(ours, case, folder)  # its translations are kept from here on
            sides = take_turns(
                args.rounds,
                [
                    lambda c=case: microseconds(ours, c, folder),
                    lambda c=case: microseconds(qemu, c, folder),
                ],
            )  # type: ignore[misc]
            mine, theirs = (statistics.median(side) for side in sides)
            text = f"at most {case.most}x qemu's"
            table.add(Row("processes", case.name, "us", mine, theirs, None, text, mine <= case.most * theirs))
    if args.json:
        table.write(args.json, rounds=args.rounds)
    missed = table.missed()
    print(f"\n{len(missed)} of {len(table.rows)} bounds missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
