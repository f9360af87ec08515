"""The translator beside qemu-aarch64 and the same programs built for this machine: `make bench`.

ELFUSE_ENGINE chooses the engine and ELFUSE_VM the launcher, for this as for every run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Command, Row, Table, Timed, geometric_mean, median_seconds, take_turns, time_of
from programs import LONG, START, Program, Sides, c

Chosen = Callable[[str, str], bool]


def total(commands: list[Command]) -> Timed:
    """One after another: all they print, and the sum of their times."""
    parts = [time_of(command) for command in commands]
    return Timed("\n".join(part.checksum for part in parts), sum(part.seconds for part in parts))


def same_answer(name: str, *sides: Timed) -> None:
    answers = {side.checksum for side in sides}
    if len(answers) != 1:
        raise SystemExit(f"bench: {name} answers differently: {sorted(answers)}")


def start(sides: Sides, table: Table, rounds: int, chosen: Chosen) -> None:
    """Wall time of the whole process; cold is with an empty translation cache, warm with its own."""
    programs = [p for p in START if chosen("start", p.name)]
    if not programs:
        return
    table.head("start, ms (cold, and with what an earlier run kept)")
    for program in programs:
        qemu, warm = sides.qemu(program)[0], sides.ours(program)[0]
        qemu.run()
        if qemu.run() != warm.run():
            raise SystemExit(f"bench: {program.name} prints something else than under qemu")
        walls = take_turns(
            max(rounds, 3),
            [lambda p=program: sides.ours(p, sides.fresh_cache())[0].wall(), warm.wall, qemu.wall],  # type: ignore[misc]
        )
        cold_ms, warm_ms, qemu_ms = (statistics.median(side) * 1e3 for side in walls)
        bounds = (0.5, 0.35) if program.name == "static hello" else (1.0, 0.5)
        for kind, ours, bound in (("cold", cold_ms, bounds[0]), ("warm", warm_ms, bounds[1])):
            text = f"at most {bound}x qemu's"
            table.add(
                Row(
                    "start",
                    f"{program.name}, {kind}",
                    "ms",
                    ours,
                    qemu_ms,
                    None,
                    text,
                    ours <= bound * qemu_ms,
                )
            )


def long_runs(sides: Sides, table: Table, rounds: int, chosen: Chosen) -> None:
    programs = [p for p in LONG if chosen(p.group, p.name) or chosen("long", p.name)]
    if not programs:
        return
    table.head("long runs, seconds")
    rows = []
    for program in programs:
        commands = [sides.ours(program), sides.qemu(program), sides.native(program)]
        run = [lambda c=command: total(c) for command in commands if command]
        samples = take_turns(min(rounds, program.most), run)
        # Rounding of the last digits apart, a native program of another compiler answers the same.
        same_answer(program.name, *(sample for side in samples for sample in side))
        ours, qemu, *native = (median_seconds(side) for side in samples)
        rows.append(
            Row(
                program.group,
                program.name,
                "s",
                ours,
                qemu,
                native[0] if native else None,
                "no slower than qemu",
                ours <= qemu,
            )
        )
        table.add(rows[-1])
    speedup = geometric_mean(row.qemu / row.ours for row in rows if row.qemu)
    complete = len(rows) == len(LONG)
    table.add(
        Row(
            "long",
            f"{len(rows)} programs: times qemu's",
            "x",
            speedup,
            None,
            None,
            "at least 2.5 (geometric mean)",
            speedup >= 2.5 if complete else None,
        )
    )
    for group in dict.fromkeys(row.section for row in rows):
        of = [row for row in rows if row.section == group]
        by = geometric_mean(row.qemu / row.ours for row in of if row.qemu)
        table.add(Row("long", f"  {group}: times qemu's", "x", by))
        shares = [row.native / row.ours for row in of if row.native]
        if shares:
            share = 100 * geometric_mean(shares)
            whole = len(of) == sum(p.group == group for p in LONG)
            bound = "at least 40" if group == "integer" else ""
            holds = share >= 40 if bound and whole else None
            table.add(Row("long", f"  {group}: of native speed", "%", share, None, None, bound, holds))


def thread_program(*args: str) -> Program:
    return c("threads", "threads", *args)


def resident_mib(command: Command) -> float:
    """The process's memory while all its threads wait."""
    process = subprocess.Popen(
        command.words, env=dict(command.env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    if process.stdout.readline() != "ready\n":
        process.kill()
        raise SystemExit(f"bench: {' '.join(command.words)} did not start its threads")
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.stdin.close()
    process.stdout.read()
    if process.wait(timeout=60):
        raise SystemExit(f"bench: {' '.join(command.words)} failed")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def threads(sides: Sides, table: Table, rounds: int, chosen: Chosen) -> None:
    cases: list[tuple[str, tuple[str, ...], int, float, str]] = [
        ("pthread create + join", ("create", "300"), 300, 0.5, "us"),
        ("signal to a busy thread", ("signal", "1000"), 1000, 0, "us"),
    ]
    for kind in ("llsc", "lse"):
        for count in ("2", "8"):
            cases.append((f"{kind} counter, {count} threads", (kind, count, "2000000"), 2000000, 1.0, "ns"))
    wanted = [case for case in cases if chosen("threads", case[0])]
    many = chosen("threads", "memory of 500 threads")
    if wanted or many:
        table.head("threads")
    for name, args, turns, bound, unit in wanted:
        program = thread_program(*args)
        commands = [sides.ours(program), sides.qemu(program), sides.native(program)]
        samples = take_turns(rounds, [lambda c=command: total(c) for command in commands if command])  # type: ignore[misc]
        same_answer(name, *(sample for side in samples for sample in side))
        scale = 1e6 if unit == "us" else 1e9
        ours, qemu, native = (median_seconds(side) / turns * scale for side in samples)
        if name.startswith("signal"):
            text, holds = "at most 100 us", ours <= 100
        else:
            text = "no slower than qemu" if bound == 1.0 else f"at most {bound}x qemu's"
            holds = ours <= bound * qemu
        table.add(Row("threads", name, unit, ours, qemu, native, text, holds))
    if many:
        program = thread_program("many", "500")
        commands = [sides.ours(program), sides.qemu(program), sides.native(program)]
        ours, qemu, native = (resident_mib(command[0]) for command in commands if command)
        over = ours - native
        table.add(
            Row(
                "threads",
                "memory of 500 threads",
                "MiB",
                ours,
                qemu,
                native,
                f"{over:.0f} over native, at most 150",
                over <= 150,
            )
        )


def calls(sides: Sides, table: Table, rounds: int, chosen: Chosen) -> None:
    wanted = [name for name in ("getppid", "clock_gettime") if chosen("calls", name)]
    if wanted:
        table.head("system calls, ns a call over the loop around it")
    for name in wanted:
        program = c("calls" if name == "getppid" else "clock", "calls")
        commands = [sides.ours(program)[0], sides.qemu(program)[0], (sides.native(program) or [])[0]]
        samples = take_turns(max(rounds, 3), [command.numbers for command in commands])
        ours, qemu, native = (statistics.median(s[1] - s[0] for s in side) for side in samples)
        if name == "getppid":
            text, holds = f"{ours - native:+.0f} ns, at most +30", ours - native <= 30
        else:
            text, holds = "at most 1.5x the host's", ours <= 1.5 * native
        table.add(Row("calls", name, "ns", ours, qemu, native, text, holds))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side [default: 5]")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="only what has NAME in its name, or the section start, long, integer, float, "
                             "vector, python, threads, calls")  # fmt: skip
    parser.add_argument("--engine", help="sets ELFUSE_ENGINE")
    parser.add_argument("--qemu-cpu", metavar="CPU",
                        help="qemu's -cpu; its default authenticates pointers at a cost of 2 to 4 times in "
                             "Debian's programs, max,pauth-impdef=on does not")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    options = parser.parse_args()
    table = Table()

    def chosen(section: str, name: str) -> bool:
        return not options.only or any(word == section or word in name for word in options.only)

    engine = {"ELFUSE_ENGINE": options.engine} if options.engine else {}
    named = options.engine or os.environ.get("ELFUSE_ENGINE", "the default")
    with tempfile.TemporaryDirectory(prefix="elfuse-bench-") as directory:
        Path(directory).chmod(0o755)
        sides = Sides(Path(directory), engine, options.qemu_cpu)
        print(
            f"elfuse-vm ({named} engine) beside qemu-aarch64 and native; medians of {options.rounds} rounds"
        )
        for section in (start, long_runs, threads, calls):
            section(sides, table, options.rounds, chosen)
    missed = table.missed()
    print(f"\n{len(missed)} of {sum(row.holds is not None for row in table.rows)} bounds missed")
    if options.json:
        table.write(options.json, engine=named, rounds=options.rounds)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
