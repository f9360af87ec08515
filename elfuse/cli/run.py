"""`elfuse run`: a program outside any image."""

import os

import click

from elfuse.cli import options


@click.command(context_settings=options.PASS_THROUGH)
@click.option(
    "--sysroot",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="The guest's root, used as it lies [default: /].",
)
@options.env
@options.workdir
@options.user
@options.volume
@options.strace
@options.verbose
@options.engine
@options.dry_run
@click.argument("program")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(
    sysroot: str | None,
    env: tuple[str, ...],
    workdir: str | None,
    user: str | None,
    volumes: tuple[str, ...],
    strace: bool,
    verbose: bool,
    engine: str,
    dry_run: bool,
    program: str,
    args: tuple[str, ...],
) -> None:
    """Run PROGRAM, a linux/arm64 executable or a script, with ARGS.

    The exit status is the program's own; 125 when elfuse fails, 126 when PROGRAM cannot be executed,
    127 when there is none.

    \b
    Example:
        elfuse run --sysroot ./rootfs /bin/echo hello
    """
    from elfuse.runtime.prepare import prepare_program
    from elfuse.runtime.process import become_guest

    spec = prepare_program(
        program,
        list(args),
        sysroot=sysroot,
        env=list(env),
        workdir=workdir,
        user=user,
        volumes=list(volumes),
        strace=strace,
        verbose=verbose,
        engine=engine,
        host_env=os.environ,
    )
    if dry_run:
        from elfuse.cli.output import print_json

        print_json(spec.to_builtins())
        return
    become_guest(spec, stdin=True)
