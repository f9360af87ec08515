"""`elfuse oci run`: a program from an image."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from elfuse.cli import options
from elfuse.cli import words as kinds
from elfuse.cli.absent import WithReasons
from elfuse.cli.main import CommandLine, report
from elfuse.errors import RunError

if TYPE_CHECKING:
    from elfuse.runtime.prepare import RunOptions


@click.command(cls=WithReasons, context_settings=options.PASS_THROUGH)
@options.env
@options.env_file
@options.workdir
@options.user
@options.volume
@options.mount
@options.tmpfs
@click.option(
    "--entrypoint", metavar="PROGRAM", help='Instead of the image\'s; "" for none, or a JSON array.'
)
@click.option("--hostname", metavar="NAME", help="[default: the run's ID]")
@click.option(
    "--add-host",
    "add_hosts",
    multiple=True,
    metavar="NAME:ADDRESS",
    help="A line of /etc/hosts; the address may be host-gateway, which is this machine.",
)
@click.option(
    "--ulimit",
    "ulimits",
    multiple=True,
    metavar="NAME=SOFT[:HARD]",
    shell_complete=kinds.limit,
    help="A resource limit, -1 for none; 'host' for all of this process's.",
)
@click.option(
    "--timeout", type=click.IntRange(min=0), default=0, metavar="SECONDS", help="Then the run is killed."
)
@click.option("--name", metavar="NAME", help="The run's ID [default: twelve random hex digits].")
@click.option(
    "--cidfile",
    metavar="FILE",
    shell_complete=kinds.path,
    help="Write the run's ID to FILE, which must not exist.",
)
@click.option("--keep/--rm", default=False, help="Keep the writable root after the run [default: --rm].")
@click.option(
    "--pull",
    "policy",
    type=click.Choice(["always", "missing", "newer", "never"]),
    default="missing",
    show_default=True,
    help="When to ask the registry.",
)
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="[default: linux/arm64, which elfuse runs]")
@click.option(
    "--init", is_flag=True, help="Process 1 is an init that passes signals on and reaps; the program is 2."
)
@click.option("--read-only", is_flag=True, help="A read-only root; /run, /tmp and /var/tmp are scratch.")
@click.option("-i", "--interactive", is_flag=True, help="Pass standard input on; else it is empty.")
@click.option("-t", "--tty", is_flag=True, help="Use this terminal, and say which with TERM.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no notes on standard error.")
@options.strace
@options.verbose
@options.engine
@options.dry_run
@options.registry_access
@options.store
@click.argument("image")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(
    line: CommandLine,
    /,
    policy: Any,
    platform: str | None,
    timeout: int,
    interactive: bool,
    tty: bool,
    quiet: bool,
    dry_run: bool,
    access: Any,
    store: str | None,
    image: str,
    **words: Any,
) -> None:
    """Run a program from an image, which is pulled when it is missing.

    Options come before IMAGE; what follows it belongs to the program. The exit status is the program's own;
    128+N when signal N ended it; 125 when elfuse fails, 126 when the program cannot be executed, 127 when
    there is none.

    \b
    Example:
        elfuse oci run -it --rm -v "$PWD:/src:ro" python:3.13 python3 /src/script.py
    """
    from elfuse.api.resolving import check_platform, image_to_run
    from elfuse.cli.background import sweep_later
    from elfuse.cli.progress import watch
    from elfuse.cli.questions import asker
    from elfuse.oci.layout import Store
    from elfuse.runtime.prepare import plan_run, prepare_run
    from elfuse.runtime.process import become_guest

    plan = plan_run(_options(words, _terminal(interactive) if tty else None))
    check_platform(platform)
    opened = Store.open(store)
    sweep_later(opened)
    with opened.activity():  # what a pull brought stays until the run is made of it
        with watch(quiet=quiet, present=False) as progress:
            found = image_to_run(
                opened, image, policy=policy, platform=platform, access=access, progress=progress, ask=asker()
            )
        prepared = prepare_run(opened, found, plan, os.environ)
    if dry_run:
        from elfuse.cli.output import print_json

        print_json(prepared.spec.to_builtins())
        prepared.abandon()
        return
    notes = list(plan.notes)
    if plan.options.keep:
        notes.append(f"the run's writable root stays in {prepared.run.path}")
    for note in () if quiet else notes:
        report(note)
    if policy in ("missing", "never") and not notes:
        from elfuse.cli.front_run import keep_run

        args = list(plan.options.args)
        keep_run(line, image, found, prepared, args, store=store, stdin=interactive)
    try:
        become_guest(
            prepared.spec, stdin=interactive, timeout=timeout, lock=os.path.join(prepared.run.path, "lock")
        )
    except BaseException:
        prepared.abandon()
        raise


def _options(words: dict[str, Any], term: str | None) -> "RunOptions":
    """click gives tuples, and one text for --entrypoint."""
    from elfuse.runtime.config import parse_entrypoint
    from elfuse.runtime.prepare import RunOptions

    entrypoint = words.pop("entrypoint")
    return RunOptions(
        entrypoint=None if entrypoint is None else parse_entrypoint(entrypoint), term=term, **words
    )


def _terminal(interactive: bool) -> str:
    if not (sys.stdin if interactive else sys.stdout).isatty():
        raise RunError(
            f"-t needs a terminal on standard {'input' if interactive else 'output'}", hint="leave out -t"
        )
    return os.environ.get("TERM", "xterm")
