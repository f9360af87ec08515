"""`elfuse oci verify`: whether the store is sound."""

import contextlib
import sys
from collections.abc import Callable, Iterator

import click

from elfuse.cli import options
from elfuse.cli.main import EXIT_FAILURE
from elfuse.cli.output import Document, Output, Part, human_size, is_rich


class ProblemPart(Part, frozen=True, kw_only=True):
    """kind: damaged, missing, index, tree, mode, run or foreign. remedy: what was done, or ""."""

    kind: str
    name: str
    text: str
    remedy: str
    hint: str


class VerifyDocument(Document, frozen=True, kw_only=True):
    """blobs and bytes: what was hashed and is right. orphans: right blobs that nothing needs."""

    blobs: int
    bytes: int
    trees: int
    orphans: int
    orphan_bytes: int
    problems: list[ProblemPart]


@click.command()
@click.option("--repair", is_flag=True, help="Put right what can be; damaged blobs move to quarantine/.")
@options.store
@options.output
def verify(repair: bool, store: str | None, output: Output) -> int:
    """Hash every blob and check that each image has all that it needs. Exit status 1 when something is wrong.

    A repair takes nothing from an image that can still serve: it keeps its names, and pulling it again
    fetches what is missing.

    \b
    Example:
        elfuse oci verify --repair
    """
    from elfuse.api.store import Store

    with _progress(output) as progress:
        report = Store(store).verify(repair=repair, progress=progress)
    if output.as_json:
        output.document(
            VerifyDocument(
                blobs=report.blobs,
                bytes=report.bytes,
                trees=report.trees,
                orphans=report.orphans,
                orphan_bytes=report.orphan_bytes,
                problems=[
                    ProblemPart(
                        kind=problem.kind,
                        name=problem.name,
                        text=problem.text,
                        remedy=problem.remedy,
                        hint=problem.hint,
                    )
                    for problem in report.problems
                ],
            )
        )
        return EXIT_FAILURE if report.problems else 0
    for problem in report.problems:
        print_problem = f"{problem.text}: {problem.remedy}" if problem.remedy else problem.text
        output.say(print_problem + (f"; {problem.hint}" if problem.hint else ""))
    orphans = f", {report.orphans} that nothing needs" if report.orphans else ""
    output.say(
        f"{report.blobs} blobs ({human_size(report.bytes)}) are right{orphans}; {report.trees} trees; "
        f"{len(report.problems)} problems"
        + (f", {len(report.unrepaired)} of them left" if repair and report.problems else "")
    )
    return EXIT_FAILURE if report.problems else 0


@contextlib.contextmanager
def _progress(output: Output) -> Iterator[Callable[[int, int], None]]:
    if output.quiet or not is_rich(sys.stderr.isatty()):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("verifying"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bars = Progress(*columns, console=Console(stderr=True))
    with bars:
        task = bars.add_task("verifying", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
