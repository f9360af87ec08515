"""The cases of real programs: tests/apps/cases.toml, each a script that ends with the line `complete`."""

import tomllib
from dataclasses import dataclass

from .engines import TOP, Elfuse, Job, Namespace, Outcome, native

FOLDER = TOP / "tests/apps/cases"
LIST = TOP / "tests/apps/cases.toml"


@dataclass(frozen=True)
class Case:
    name: str
    image: str
    does: str
    timeout: float = 300
    tested: bool = False
    native: bool = False
    qemu: str = ""

    @property
    def job(self) -> Job:
        script = f"/cases/{self.name}.sh"
        return Job(self.image, ["bash", script], self.timeout, binds={str(FOLDER): "/cases"})


@dataclass(frozen=True)
class Verdict:
    passed: bool
    seconds: float
    reason: str
    outcome: Outcome


def cases() -> dict[str, Case]:
    return {name: Case(name, **entry) for name, entry in tomllib.loads(LIST.read_text()).items()}


def pixels(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("pixels:")]


def judge(case: Case, outcome: Outcome) -> Verdict:
    lines = outcome.output.strip().splitlines()
    reason = ""
    if outcome.timeout:
        after = next((line for line in reversed(lines) if line.startswith("ok: ")), "ok: the start")
        reason = f"no end in {case.timeout:.0f} s, after {after[4:]!r}"
    elif outcome.status != 0 or not lines or lines[-1] != "complete":
        wrong = [n for n, line in enumerate(lines) if line.startswith("not ok: ")]
        shown = lines[wrong[-1] : wrong[-1] + 3] if wrong else lines[-1:]
        reason = f"status {outcome.status}: " + " ".join(" ".join(shown).split())[:300]
    elif outcome.left:
        reason = f"left behind: {'; '.join(outcome.left)[:200]}"
    elif case.native:
        expected = pixels(native().run(case.job).output)
        if not expected or pixels(outcome.output) != expected:
            reason = f"other pixels: {pixels(outcome.output)} instead of {expected}"[:300]
    return Verdict(not reason, outcome.seconds, reason, outcome)


def run(engine: Elfuse | Namespace, case: Case) -> Verdict:
    return judge(case, engine.run(case.job))
