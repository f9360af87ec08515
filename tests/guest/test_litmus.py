"""The memory model in earnest: litmus.c, many rounds. ELFUSE_LITMUS_ROUNDS=10000000 is a soak of minutes."""

from __future__ import annotations

import os
import re

from tests.guest import harness

ROUNDS = int(os.environ.get("ELFUSE_LITMUS_ROUNDS", "200000"))
# Of one family of outcomes. A soak may take as long as it needs at two microseconds a round.
SECONDS = max(5, ROUNDS // 500000)


def test_forbidden_outcomes() -> None:
    program = next(p for p in harness.programs() if p.name == "litmus")
    root = harness.GuestRoot("plain")
    try:
        root.install(harness.build(program), "/bin/litmus")
        spec = harness.spec_for(root, ["/bin/litmus", str(ROUNDS), str(SECONDS), "-v"])
        done = harness.run_spec(spec, timeout=120 + 20 * SECONDS)
    finally:
        root.remove()
    print(done.stdout)  # with pytest -s: how many rounds of each, in what time
    assert done.returncode == 0 and done.stdout.endswith("litmus: ok\n"), done.stdout + done.stderr
    found = re.findall(r"^(.*): \d+ variants, (\d+) rounds, (\d+) forbidden", done.stdout, re.M)
    assert len(found) >= 14
    for family, rounds, forbidden in found:
        assert (int(rounds) > 0, forbidden) == (True, "0"), family
