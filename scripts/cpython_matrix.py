#!/usr/bin/env python3
"""Runs CPython's own test suite in the `python` fixture image, a module a run, and writes docs/cpython.md.

Each module runs under elfuse and under qemu-aarch64, as the image's user, for at most --timeout seconds.
Results are kept in .cache/matrix/cpython by image digest and engine version, so that an interrupted
matrix goes on where it was.
"""

import argparse
import concurrent.futures
import json
import os
import re
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from matrix import engines
from matrix.engines import CACHE, TOP, Elfuse, Engine, Job, Outcome

IMAGE = "python"
USER = (1000, 1000)
MARK = "\n@@ junit @@\n"
SCRIPT = f"""
python3 -m test -v --junit-xml /tmp/junit.xml "$1"
status=$?
printf '{MARK.replace(chr(10), chr(92) + "n")}'
cat /tmp/junit.xml
exit $status
"""
REGRTEST_NO_TESTS = 4
Result = dict[str, Any]


def job(argv: list[str], timeout: float) -> Job:
    return Job(IMAGE, argv, timeout, {"HOME": "/home/app"}, USER, "/srv/app")


def modules(engine: Engine) -> list[str]:
    found = engine.run(job(["python3", "-m", "test", "--list-tests"], 120))
    names = [line for line in found.output.splitlines() if re.fullmatch(r"[\w.]+", line)]
    if found.status or not names:
        raise SystemExit(f"cannot list the tests: {found.output[-2000:]}")
    return names


def first_line(text: str) -> str:
    """The exception of a traceback: its last line that begins at the margin."""
    lines = [
        line for line in text.splitlines() if re.match(r"[\w.]+(Error|Exception|Failed|Interrupt)\b", line)
    ]
    return (lines[-1] if lines else text.strip().splitlines()[-1] if text.strip() else "")[:160]


def cases_of(junit: str) -> dict[str, str]:
    """Each case that did not pass, with why; "" is the count of those that passed."""
    try:
        root = ET.fromstring(junit)
    except ET.ParseError:
        return {}
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        name = case.get("name", "?")
        bad = next((child for child in case if child.tag in ("error", "failure")), None)
        if bad is not None:
            found[name] = first_line("".join(bad.itertext()) or bad.get("message", ""))
        elif case.find("skipped") is not None:
            found.setdefault(name, "skipped")
        else:
            found.setdefault(name, "")
    return found


def judge(module: str, outcome: Outcome) -> Result:
    text, _, junit = outcome.output.rpartition(MARK)
    text = text or outcome.output
    cases = cases_of(junit)
    failed = {name: why for name, why in cases.items() if why not in ("", "skipped")}
    if outcome.timeout:
        started = re.findall(r"^(\w+ \(test[\w.]+\))", text, re.M)
        verdict, reason = "timeout", f"in {started[-1]}" if started else "before the first case"
    elif outcome.status == 0:
        skipped = re.search(rf"^{re.escape(module)} skipped(?: -- (.*))?$", text, re.M)
        verdict, reason = ("skipped", skipped[1] or "") if skipped else ("passed", "")
    elif outcome.status == REGRTEST_NO_TESTS:
        verdict, reason = "skipped", "no case is run here"
    elif failed:
        name, why = next(iter(failed.items()))
        more = f", and {len(failed) - 1} more cases" if len(failed) > 1 else ""
        verdict, reason = "failed", f"{name.rpartition('.')[2]}: {why}{more}"
    else:
        lines = [line for line in text.strip().splitlines() if line.strip()]
        verdict, reason = "failed", f"status {outcome.status}: " + (lines[-1][:160] if lines else "no output")
    return {
        "module": module, "verdict": verdict, "reason": reason, "seconds": round(outcome.seconds, 1),
        "status": outcome.status, "left": outcome.left, "cases": cases,
        "tail": "" if verdict in ("passed", "skipped") else text[-20000:],
    }  # fmt: skip


def folder_of(engine: Engine) -> Path:
    image = engines.manifest_of(IMAGE, "arm64")["digest"].removeprefix("sha256:")[:12]
    folder = CACHE / "cpython" / f"{engine.name}-{image}-{engines.version(engine)}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_all(engine: Engine, names: list[str], args: argparse.Namespace) -> dict[str, Result]:
    folder = folder_of(engine)
    results: dict[str, Result] = {}

    def one(name: str) -> Result:
        kept = folder / f"{name}.json"
        if kept.exists() and not args.fresh:
            return dict(json.loads(kept.read_text()))
        result = judge(name, engine.run(job(["sh", "-c", SCRIPT, "sh", name], args.timeout)))
        kept.write_text(json.dumps(result, indent=1))
        print(f"{engine.name} {name}: {result['verdict']} in {result['seconds']:.0f} s {result['reason']}",
              flush=True)  # fmt: skip
        return result

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for result in pool.map(one, names):
            results[result["module"]] = result
    return results


def passing(result: Result | None) -> set[str]:
    return {name for name, why in result["cases"].items() if why == ""} if result else set()


def write_table(path: Path, names: list[str], ours: dict[str, Result], theirs: dict[str, Result]) -> bool:
    """The table; true if whatever passes under qemu-aarch64 passes under elfuse."""
    lost = [n for n in names if theirs[n]["verdict"] == "passed" and ours[n]["verdict"] != "passed"]

    def count(results: dict[str, Result], verdict: str) -> int:
        return sum(results[name]["verdict"] == verdict for name in names)

    lines = [
        "# CPython's own test suite\n",
        "Generated by `make cpython-matrix`: every module of Debian's libpython3.13-testsuite in the fixture",
        "image `python`, by `python3 -m test`, under elfuse and in the same root under",
        f"{engines.qemu_version()}.\n",
        "| | elfuse | qemu-aarch64 |",
        "| --- | --- | --- |",
    ]
    for verdict in ("passed", "skipped", "failed", "timeout"):
        lines.append(f"| {verdict} | {count(ours, verdict)} | {count(theirs, verdict)} |")
    cases = [sum(len(passing(results[name])) for name in names) for results in (ours, theirs)]
    seconds = [sum(results[name]["seconds"] for name in names) for results in (ours, theirs)]
    lines.append(f"| cases passed | {cases[0]} | {cases[1]} |")
    lines.append(f"| seconds | {seconds[0]:.0f} | {seconds[1]:.0f} |\n")
    lines.append(f"Modules that pass under qemu-aarch64 only: {', '.join(lost) or 'none'}.\n")
    lines += ["| module | elfuse | qemu-aarch64 | reason |", "| --- | --- | --- | --- |"]
    for name in names:
        mine, other = ours[name], theirs[name]
        reasons = [mine["reason"]] if mine["reason"] else []
        if other["reason"] and other["reason"] != mine["reason"]:
            reasons.append(f"qemu: {other['reason']}")
        missing = sorted(passing(other) - passing(mine))
        if missing and mine["verdict"] != "timeout" and other["verdict"] != "passed":
            reasons.append(f"only under qemu: {', '.join(n.rpartition('.')[2] for n in missing[:3])}")
        cell = "; ".join(reasons).replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| {name} | {mine['verdict']} | {other['verdict']} | {cell} |")
    path.write_text("\n".join(lines) + "\n")
    print(f"{path.relative_to(TOP)}: {count(ours, 'passed')} modules pass under elfuse, "
          f"{count(theirs, 'passed')} under qemu-aarch64; {len(lost)} only there")  # fmt: skip
    return not lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="only these, and no table is written")
    parser.add_argument("-j", "--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--timeout", type=float, default=600, metavar="SECONDS", help="a module [default: 600]"
    )
    parser.add_argument("--engine", choices=["elfuse", "qemu-aarch64"], help="only this; no table is written")
    parser.add_argument("--fresh", action="store_true", help="use no kept result")
    args = parser.parse_args()
    began = time.monotonic()
    both: list[Engine] = [Elfuse(), engines.qemu()]
    chosen = [engine for engine in both if args.engine in (None, engine.name)]
    for engine in chosen:
        engine.prepare(IMAGE)
    names = args.modules or modules(chosen[-1])
    results = {engine.name: run_all(engine, names, args) for engine in chosen}
    print(f"{len(names)} modules in {time.monotonic() - began:.0f} s")
    if args.modules or args.engine:
        return 0
    return 0 if write_table(TOP / "docs/cpython.md", names, results["elfuse"], results["qemu-aarch64"]) else 1


if __name__ == "__main__":
    sys.exit(main())
