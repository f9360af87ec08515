"""`elfuse cache`: translated code that is kept for later runs."""

import click

from elfuse import translations


@click.group()
def cache() -> None:
    """Look at the translations that are kept for later runs, or remove them.

    They lie in $ELFUSE_CACHE_DIR, else in elfuse in the user's cache directory; an empty
    ELFUSE_CACHE_DIR keeps none. ELFUSE_CACHE_LIMIT is how many bytes they may take.
    """


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(as_json: bool) -> None:
    """Print where they are, how many programs have some, and how much room they take."""
    from elfuse.cli import render

    found = translations.status()
    if as_json:
        render.print_json(
            {
                "schemaVersion": 1,
                "directory": found.directory,
                "packs": found.packs,
                "bytes": found.bytes,
                "limit": found.limit,
            }
        )
    else:
        render.print_rows(
            [
                ("Directory", found.directory or "none"),
                ("Programs", str(found.packs)),
                ("Size", render.human_size(found.bytes)),
                ("Limit", render.human_size(found.limit)),
            ]
        )


@cache.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def clear(yes: bool) -> None:
    """Remove them all."""
    from elfuse.cli import render

    if not yes:
        found = translations.status()
        click.confirm(
            f"Remove the translations of {found.packs} programs ({render.human_size(found.bytes)})?",
            abort=True,
            err=True,
        )
    removed = translations.clear()
    print(f"removed the translations of {removed.packs} programs, {render.human_size(removed.bytes)}")
