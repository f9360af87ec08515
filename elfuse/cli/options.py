"""Options that several commands share, in podman's and skopeo's words."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from elfuse.cli import words

Command = TypeVar("Command", bound=Callable[..., Any])


def default_engine() -> str:
    """What config.toml says, below the option and the variable."""
    from elfuse.config_files import any_exists

    if not any_exists():
        return "auto"
    from elfuse import config

    return config.load().engine or "auto"


store = click.option(
    "--store",
    metavar="DIR",
    shell_complete=words.directory,
    help="The image store [default: $ELFUSE_STORE, else config.toml's, else the user's data directory].",
)
tls_verify = click.option(
    "--tls-verify",
    type=bool,
    default=None,
    metavar="BOOL",
    help="false accepts any certificate and plain HTTP, for a registry on this machine only.",
)
env = click.option(
    "-e",
    "--env",
    multiple=True,
    metavar="KEY[=VALUE]",
    help="Set a variable; without a value, to what it is here.",
)
workdir = click.option("-w", "--workdir", metavar="DIR", help="The working directory.")
user = click.option("-u", "--user", metavar="USER[:GROUP]", help="By name or number.")
volume = click.option(
    "-v",
    "--volume",
    "volumes",
    multiple=True,
    metavar="HOST:GUEST[:ro]",
    shell_complete=words.path,
    help="Show a host directory or file in the guest.",
)
env_file = click.option(
    "--env-file",
    "env_files",
    multiple=True,
    metavar="FILE",
    shell_complete=words.path,
    help="Variables, a line each, below those of -e; # begins a comment.",
)
mount = click.option(
    "--mount",
    "mounts",
    multiple=True,
    metavar="type=bind|tmpfs,...",
    help="source=HOST,target=GUEST[,ro] for a bind mount; target=GUEST[,tmpfs-mode=1777] for a tmpfs.",
)
tmpfs = click.option(
    "--tmpfs",
    multiple=True,
    metavar="GUEST[:OPTIONS]",
    help="An empty directory that goes with the run: ro, mode=, uid=, gid=.",
)
strace = click.option(
    "--strace", is_flag=True, help="Print each system call on standard error, as strace -f -T does."
)
verbose = click.option(
    "--verbose",
    is_flag=True,
    help="Report crashes (registers, memory, last call) and system calls that are not served.",
)
engine = click.option(
    "--engine",
    type=click.Choice(["auto", "jit", "interp"]),
    default=default_engine,
    envvar="ELFUSE_ENGINE",
    help="What runs arm64 code: the translator or the interpreter "
    "[default: $ELFUSE_ENGINE, else config.toml's, else the best].",
)
dry_run = click.option("--dry-run", is_flag=True, help="Print the launch spec instead of running it.")


def output(command: Command) -> Command:
    """-q, -v and --json, as one `output: Output`."""

    @click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result.")
    @click.option("-v", "--verbose", is_flag=True, help="Say more of what is done.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @wraps(command)
    def with_output(*args: Any, quiet: bool, verbose: bool, as_json: bool, **kwargs: Any) -> Any:
        from elfuse.cli.output import Output

        return command(*args, output=Output(quiet, verbose, as_json), **kwargs)

    return with_output  # type: ignore[return-value]


def registry_access(command: Command) -> Command:
    """--creds, --authfile, --tls-verify, --insecure and --cert-dir, as one `access: AccessOptions`.

    None when none is given: a run of an image that is there need not load what reads logins.
    """

    @tls_verify
    @click.option("--insecure", is_flag=True, help="The same as --tls-verify=false.")
    @click.option("--creds", metavar="USER[:PASSWORD]", help="The login, instead of a stored one.")
    @click.option(
        "--authfile",
        metavar="FILE",
        shell_complete=words.path,
        help="Where logins are stored [default: $REGISTRY_AUTH_FILE, else as podman and docker look].",
    )
    @click.option(
        "--cert-dir",
        metavar="DIR",
        shell_complete=words.directory,
        help="CAs (*.crt) and client certificates (*.cert, *.key).",
    )
    @wraps(command)
    def with_access(
        *args: Any,
        tls_verify: bool | None,
        insecure: bool,
        creds: str | None,
        authfile: str | None,
        cert_dir: str | None,
        **kwargs: Any,
    ) -> Any:
        if insecure and tls_verify:
            raise click.UsageError("--insecure and --tls-verify=true contradict each other")
        verify = False if insecure else tls_verify
        access = None
        if any(option is not None for option in (verify, creds, authfile, cert_dir)):
            from elfuse.cli.questions import completed_creds
            from elfuse.oci.access import AccessOptions

            access = AccessOptions(verify, completed_creds(creds), authfile, cert_dir)
        return command(*args, access=access, **kwargs)

    return with_access  # type: ignore[return-value]


# A program's own options belong to it: ours end at the first word that is none.
PASS_THROUGH = {"allow_interspersed_args": False, "ignore_unknown_options": False}
