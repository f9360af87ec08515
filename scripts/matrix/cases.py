"""The cases of real programs: tests/apps/cases.toml, each a script that ends with the line `complete`."""

import dataclasses
import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .engines import CACHE, TOP, Engine, Job, Outcome, manifest_of, native, version

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


def run(engine: Engine, case: Case) -> Verdict:
    return judge(case, engine.run(case.job))


def kept_at(engine: Engine, case: Case) -> Path:
    """Where the verdict of this case, script, image and engine is kept."""
    architecture = "amd64" if engine.name == "native" else "arm64"
    digest = hashlib.sha256(manifest_of(case.image, architecture)["digest"].encode())
    for name in ("lib.sh", f"{case.name}.sh"):
        digest.update((FOLDER / name).read_bytes())
    folder = CACHE / "apps" / f"{engine.name}-{version(engine)}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{case.name}-{digest.hexdigest()[:12]}.json"


def kept(engine: Engine, case: Case) -> Verdict | None:
    path = kept_at(engine, case)
    if not path.exists():
        return None
    told = json.loads(path.read_text())
    return Verdict(**{**told, "outcome": Outcome(**told["outcome"])})


def keep(engine: Engine, case: Case, verdict: Verdict) -> None:
    kept_at(engine, case).write_text(json.dumps(dataclasses.asdict(verdict), indent=1))
