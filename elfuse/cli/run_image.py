"""`elfuse oci run`: a program from an image."""

import os
import sys

import click

from elfuse.api.pulling import PullPolicy
from elfuse.cli import options
from elfuse.cli.main import report
from elfuse.errors import RunError


@click.command(context_settings=options.PASS_THROUGH)
@options.env
@options.workdir
@options.user
@options.volume
@click.option(
    "--entrypoint", metavar="PROGRAM", help='Instead of the image\'s; "" for none, or a JSON array.'
)
@click.option("--hostname", metavar="NAME", help="[default: the run's ID]")
@click.option("--name", metavar="NAME", help="The run's ID [default: twelve random hex digits].")
@click.option("--keep/--rm", default=False, help="Keep the writable root after the run [default: --rm].")
@click.option(
    "--pull",
    "policy",
    type=click.Choice(["always", "missing", "never"]),
    default="missing",
    show_default=True,
    help="When to ask the registry.",
)
@click.option("--read-only", is_flag=True, help="A read-only root; /run, /tmp and /var/tmp are scratch.")
@click.option("-i", "--interactive", is_flag=True, help="Pass standard input on; else it is empty.")
@click.option("-t", "--tty", is_flag=True, help="Use this terminal, and say which with TERM.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
@options.strace
@options.verbose
@options.engine
@options.dry_run
@options.tls_verify
@options.store
@click.argument("image")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(
    env: tuple[str, ...],
    workdir: str | None,
    user: str | None,
    volumes: tuple[str, ...],
    entrypoint: str | None,
    hostname: str | None,
    name: str | None,
    keep: bool,
    policy: PullPolicy,
    read_only: bool,
    interactive: bool,
    tty: bool,
    quiet: bool,
    strace: bool,
    verbose: bool,
    engine: str,
    dry_run: bool,
    tls_verify: bool | None,
    store: str | None,
    image: str,
    args: tuple[str, ...],
) -> None:
    """Run a program from an image, which is pulled when it is missing.

    The exit status is the program's own; 128+N when signal N ended it; 125 when elfuse fails, 126 when
    the program cannot be executed, 127 when there is none.

    \b
    Example:
        elfuse oci run -it --rm -v "$PWD:/src:ro" python:3.13 python3 /src/script.py
    """
    from elfuse.api.pulling import resolve_image
    from elfuse.cli.background import sweep_later
    from elfuse.cli.progress import watch
    from elfuse.oci.access import AccessOptions
    from elfuse.oci.layout import Store
    from elfuse.runtime.config import parse_entrypoint
    from elfuse.runtime.prepare import RunOptions, prepare_run
    from elfuse.runtime.process import become_guest

    run_options = RunOptions(
        args=list(args),
        entrypoint=None if entrypoint is None else parse_entrypoint(entrypoint),
        env=list(env),
        workdir=workdir,
        user=user,
        volumes=list(volumes),
        hostname=hostname,
        name=name,
        keep=keep,
        read_only=read_only,
        strace=strace,
        verbose=verbose,
        engine=engine,
        term=_terminal(interactive) if tty else None,
    )
    opened = Store.open(store)
    sweep_later(opened)
    with watch(quiet=quiet, present=False) as progress:
        found = resolve_image(
            opened, image, policy=policy, access=AccessOptions(tls_verify), progress=progress
        )
    prepared = prepare_run(opened, found, run_options, os.environ)
    if dry_run:
        from elfuse.cli.output import print_json

        print_json(prepared.spec.to_builtins())
        prepared.abandon()
        return
    if keep:
        report(f"the run's writable root stays in {prepared.run.path}")
    try:
        become_guest(prepared.spec, stdin=interactive)
    except BaseException:
        prepared.abandon()
        raise


def _terminal(interactive: bool) -> str:
    if not (sys.stdin if interactive else sys.stdout).isatty():
        raise RunError(
            f"-t needs a terminal on standard {'input' if interactive else 'output'}", hint="leave out -t"
        )
    return os.environ.get("TERM", "xterm")
