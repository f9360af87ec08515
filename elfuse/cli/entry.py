"""`elfuse`: the entry point, before anything that takes time is loaded."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    words = sys.argv[1:]
    if words[:1] == ["oci"]:
        from elfuse.cli.quick import answer

        if answer(words[1:]):
            sys.exit(0)
    from elfuse.cli.main import main as whole

    whole(words)
