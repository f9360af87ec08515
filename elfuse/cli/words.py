"""Kinds of words on the command line that a shell can complete: images and runs of the store, paths.

Imported by every command, so whatever completing needs is imported when a shell asks.
"""

import contextlib
import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_DEFAULTS = ("docker.io/library/", "docker.io/")
# What follows these is a path.
_PATH_TRANSPORTS = ("oci:", "oci-archive:", "docker-archive:", "dir:")


class ImageName(click.types.StringParamType):
    """An image, completed to what the store of this command line has."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        if incomplete.startswith(_PATH_TRANSPORTS):
            return [CompletionItem(incomplete, type="file")]
        names = _image_names(ctx.params.get("store"))
        # A name is offered as people write it; in full where they have begun so.
        shown = [name for full in names for name in (_familiar(full), full) if name.startswith(incomplete)]
        if not incomplete.startswith("docker.io"):
            shown = [name for name in shown if not name.startswith("docker.io/")]
        return [CompletionItem(name) for name in sorted(set(shown))]


class RunName(click.types.StringParamType):
    """A run of the store, by its ID."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        return [CompletionItem(run) for run in _runs(ctx.params.get("store")) if run.startswith(incomplete)]


IMAGE = ImageName()
RUN = RunName()
# Arguments by these names complete so in every command.
BY_NAME = {"image": IMAGE, "images": IMAGE, "words": IMAGE, "run_id": RUN, "run_ids": RUN}


def path(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    return _shells_own(incomplete, "file")


def directory(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    return _shells_own(incomplete, "dir")


def limit(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    from elfuse.runtime.limits import NAMES

    return [CompletionItem(f"{name}=") for name in NAMES if name.startswith(incomplete)]


def _shells_own(incomplete: str, kind: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type=kind)]


def _image_names(store: str | None) -> list[str]:
    opened = _store(store)
    with contextlib.suppress(Exception):  # a shell has no use for a message
        return [pin.name for pin in opened.pins()] if opened is not None else []
    return []


def _runs(store: str | None) -> list[str]:
    opened = _store(store)
    with contextlib.suppress(Exception):
        return sorted(os.listdir(opened.join("runs"))) if opened is not None else []
    return []


def _store(path: str | None) -> Any:
    """The store, unless it is not there yet: completing makes none."""
    from elfuse.oci.layout import Store, default_path

    where = path or default_path()
    return Store(os.path.abspath(where)) if os.path.isdir(where) else None


def _familiar(name: str) -> str:
    for prefix in _DEFAULTS:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
