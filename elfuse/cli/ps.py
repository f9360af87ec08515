"""`elfuse oci ps`: runs that live, and kept ones."""

import shlex
import time

import click

from elfuse.cli import options
from elfuse.cli.output import Document, Output, Part


class RunPart(Part, frozen=True, kw_only=True):
    """state: "running", or "ended" for a kept run. created: seconds since the epoch. pid: the guest's first
    process, while it runs."""

    id: str
    image: str
    command: list[str]
    created: float
    state: str
    pid: int | None
    path: str


class RunsDocument(Document, frozen=True, kw_only=True):
    runs: list[RunPart]


@click.command()
@click.option("-a", "--all", "everything", is_flag=True, help="Also kept runs that have ended.")
@options.store
@options.output
def ps(everything: bool, store: str | None, output: Output) -> None:
    """List the runs that live; with -q their IDs only.

    \b
    Example:
        elfuse oci ps -a
    """
    from elfuse.api.store import Store
    from elfuse.oci.runs import RunRecord

    parts = []
    for run in Store(store).runs():
        record = run.record or RunRecord()
        if run.live or everything:
            parts.append(
                RunPart(
                    id=run.id,
                    image=record.image,
                    command=list(record.argv),
                    created=record.created,
                    state="running" if run.live else "ended",
                    pid=record.pid if run.live else None,
                    path=run.path,
                )
            )
    if output.as_json:
        output.document(RunsDocument(runs=parts))
    elif output.quiet:
        print("\n".join(part.id for part in parts), end="\n" if parts else "")
    else:
        output.table(
            ("id", "image", "command", "since", "status", "pid"),
            [
                (
                    part.id,
                    part.image,
                    _shortened(shlex.join(part.command)),
                    time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(part.created)),
                    part.state if part.state == "running" else "ended, kept",
                    str(part.pid or ""),
                )
                for part in parts
            ],
        )


def _shortened(command: str) -> str:
    return command if len(command) <= 40 else command[:37] + "..."
