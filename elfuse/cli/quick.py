"""The commands that only look at the store, in their plain form, without what the whole command loads.

Shells and scripts call them often, and importing click and msgspec takes longer than they do. An option
other than --store, a terminal, or anything that goes wrong is left to the whole command (main.py), which does
the same by way of views.py.
"""

import sys
from collections.abc import Callable, Sequence

from elfuse.cli.plain import fields_text, is_rich, table_text
from elfuse.errors import ElfuseError


def answer(words: Sequence[str]) -> bool:
    """Whether `words`, the command line after `elfuse oci`, have been answered; if not, nothing was
    printed."""
    render = _RENDERERS.get(words[0]) if words else None
    store = _store_of(words[1:])
    if render is None or store is None or sys.stdout is None or is_rich(sys.stdout.isatty()):
        return False
    try:
        text, note = render(store or None)
    except (ElfuseError, OSError):
        return False
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    if note and sys.stderr is not None:
        print(note, file=sys.stderr)
    return True


def _store_of(words: Sequence[str]) -> str | None:
    """The value of --store, "" without one, None when there is any other word."""
    if not words:
        return ""
    if len(words) == 2 and words[0] == "--store":
        return words[1] or None
    if len(words) == 1 and words[0].startswith("--store="):
        return words[0].removeprefix("--store=") or None
    return None


def _list(store: str | None) -> tuple[str, str]:
    from elfuse.api.store import Store
    from elfuse.cli import views

    return table_text(*views.images_table(Store(store).images())), ""


def _prune(store: str | None) -> tuple[str, str]:
    from elfuse.api.store import Store
    from elfuse.cli import views

    plan = Store(store).prune()
    table = table_text(*views.prune_table(plan, commit=False))
    return f"{table}\n{views.prune_summary(plan, commit=False)}", views.DRY_RUN


def _status(store: str | None) -> tuple[str, str]:
    from elfuse.api.store import Store
    from elfuse.cli import views
    from elfuse.runtime.engine import default_engine

    state = Store(store).status()
    parts = [f"{table_text(*table)}\n" for table in views.status_tables(state)]
    return "\n".join([*parts, fields_text(views.status_fields(state, default_engine()))]), ""


_RENDERERS: dict[str, Callable[[str | None], tuple[str, str]]] = {
    "list": _list,
    "ls": _list,
    "prune": _prune,
    "status": _status,
}
