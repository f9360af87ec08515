"""`elfuse oci rm`: images out of the index, kept runs out of the store."""

import click

from elfuse.cli import options
from elfuse.cli.main import EXIT_FAILURE, report
from elfuse.cli.output import Document, Output
from elfuse.errors import ElfuseError, ImageNotFound, RunError


class RemoveDocument(Document, frozen=True, kw_only=True):
    """Names of images that were unpinned, and IDs of runs that were removed."""

    images: list[str]
    runs: list[str]


@click.command()
@click.option("-a", "--all", "everything", is_flag=True, help="All images, or with --run all ended runs.")
@click.option("--run", "of_runs", is_flag=True, help="The words are IDs of runs that have ended.")
@click.option("-i", "--ignore", is_flag=True, help="What is not there is no error.")
@options.store
@options.output
@click.argument("words", metavar="[IMAGE|ID]...", nargs=-1)
def rm(
    everything: bool,
    of_runs: bool,
    ignore: bool,
    store: str | None,
    output: Output,
    words: tuple[str, ...],
) -> int:
    """Remove images, by name or ID, or kept runs.

    An image's name goes; its blobs and its tree, which others may share, go with the next
    `elfuse oci prune --commit`.

    \b
    Example:
        elfuse oci rm debian:trixie-slim
    """
    from elfuse.api.store import Store

    if bool(words) == everything:
        raise click.UsageError("name what is to be removed, or use --all, and not both")
    opened = Store(store)
    if everything:
        words = (
            tuple(run.id for run in opened.runs() if not run.live)
            if of_runs
            else tuple(image.name for image in opened.images())
        )
    removed: list[str] = []
    failed = 0
    for word in words:
        try:
            if of_runs:
                opened.remove_run(word)
                removed.append(word)
            else:
                removed += opened.remove(word)
        except ElfuseError as error:
            if ignore and isinstance(error, ImageNotFound | RunError) and "no such" in error.message:
                continue
            report(str(error))
            failed = EXIT_FAILURE
    if output.as_json:
        output.document(RemoveDocument(images=[] if of_runs else removed, runs=removed if of_runs else []))
        return failed
    for name in removed:
        output.say(name if of_runs else f"untagged {name}")
    if removed and not of_runs:
        output.detail("their blobs and trees stay until elfuse oci prune --commit")
    return failed
