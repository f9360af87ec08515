"""`elfuse`: the entry point, before anything that takes time is loaded."""

import sys
from typing import NoReturn

# The native front's own word (csrc/front/sweep.c).
SWEEP = "--sweep"


def main() -> NoReturn:
    words = sys.argv[1:]
    if words[:1] == ["oci"]:
        from elfuse.cli.quick import answer

        if answer(words[1:]):
            sys.exit(0)
    if words[:1] == [SWEEP] and len(words) == 2:
        from elfuse.cli.background import sweep_now

        sweep_now(words[1])
    from elfuse.cli.main import main as whole

    whole(words)
