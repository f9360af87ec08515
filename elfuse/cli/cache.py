"""`elfuse cache`: translated code that is kept for later runs."""

import click

from elfuse import translations
from elfuse.cli import options
from elfuse.cli.output import Document, Output, human_size


@click.group()
def cache() -> None:
    """Look at the translations that are kept for later runs, or remove them.

    They lie in $ELFUSE_CACHE_DIR, else in elfuse in the user's cache directory; an empty
    ELFUSE_CACHE_DIR keeps none. ELFUSE_CACHE_LIMIT is how many bytes they may take.
    """


class CacheDocument(Document, frozen=True, kw_only=True):
    """The translations that are kept. Sizes are bytes; `directory` is null where none are to be kept."""

    directory: str | None
    packs: int
    bytes: int
    limit: int


@cache.command()
@options.output
def status(output: Output) -> None:
    """Print where they are, how many programs have some, and how much room they take.

    \b
    Example:
        elfuse cache status --json
    """
    found = translations.status()
    if output.as_json:
        output.document(
            CacheDocument(directory=found.directory, packs=found.packs, bytes=found.bytes, limit=found.limit)
        )
    else:
        output.fields(
            [
                ("Directory", found.directory or "none"),
                ("Programs", str(found.packs)),
                ("Size", human_size(found.bytes)),
                ("Limit", human_size(found.limit)),
            ]
        )


@cache.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def clear(yes: bool) -> None:
    """Remove them all.

    \b
    Example:
        elfuse cache clear --yes
    """
    if not yes:
        found = translations.status()
        click.confirm(
            f"Remove the translations of {found.packs} programs ({human_size(found.bytes)})?",
            abort=True,
            err=True,
        )
    removed = translations.clear()
    print(f"removed the translations of {removed.packs} programs, {human_size(removed.bytes)}")
