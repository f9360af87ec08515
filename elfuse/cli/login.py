"""`elfuse oci login` and `elfuse oci logout`: the logins that elfuse, podman and skopeo share."""

import sys
from typing import TYPE_CHECKING

import click

from elfuse.cli import options, warnings
from elfuse.cli.output import Document, Output
from elfuse.cli.questions import asked
from elfuse.errors import AuthenticationError

if TYPE_CHECKING:
    from elfuse import Login

PASSWORD_LIMIT = 64 << 10

authfile = click.option(
    "--authfile",
    metavar="FILE",
    help="The file of logins [default: $REGISTRY_AUTH_FILE, else auth.json in $XDG_RUNTIME_DIR/containers].",
)


class LoginDocument(Document, frozen=True, kw_only=True):
    """A login that is kept: who, and which file or credential helper has it."""

    registry: str
    username: str
    location: str


class LogoutDocument(Document, frozen=True, kw_only=True):
    """What was forgotten; null is all that the file had."""

    registry: str | None


@click.command()
@click.option("-u", "--username", metavar="NAME")
@click.option("-p", "--password", metavar="PASSWORD", help="Others can see it: rather use --password-stdin.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@authfile
@click.option(
    "--tls-verify",
    type=bool,
    metavar="BOOL",
    help="false accepts any certificate and plain HTTP, for a registry on this machine only.",
)
@click.option("--cert-dir", metavar="DIR", help="CAs (*.crt) and a client certificate (*.cert, *.key).")
@click.option("--get-login", is_flag=True, help="Print the name of the user that is logged in.")
@options.output
@click.argument("registry", metavar="REGISTRY[/NAMESPACE[/REPOSITORY]]")
def login(
    username: str | None,
    password: str | None,
    password_stdin: bool,
    authfile: str | None,
    tls_verify: bool | None,
    cert_dir: str | None,
    get_login: bool,
    output: Output,
    registry: str,
) -> int:
    """Log in to a registry, or to a namespace or repository of one.

    The registry is asked whether the login is good. It is kept where podman and skopeo keep theirs, and they
    find it there: in auth.json, or in the credential helper that the file or registries.conf names. Name and
    password that are not given are asked for at a terminal.

    \b
    Example:
        elfuse oci login --username me --password-stdin ghcr.io < token
    """
    import elfuse

    warnings.show()
    if get_login:
        found = elfuse.get_login(registry, authfile=authfile)
        if found is None:
            raise AuthenticationError(f"not logged in to {registry}")
        if output.as_json:
            return _print(found, "", output)
        click.echo(found.username)
        return 0
    if password_stdin:
        password = _password_from_stdin(username, password)
    elif password is not None:
        output.note("elfuse: others on this machine can see --password; --password-stdin is safer")
    if username is None and password is None and elfuse.get_login(registry, authfile=authfile):
        try:
            done = elfuse.login(registry, authfile=authfile, tls_verify=tls_verify, cert_dir=cert_dir)
            return _print(done, f"Already logged in to {done.registry} as {done.username}", output)
        except AuthenticationError as error:
            if not sys.stdin.isatty():
                raise
            output.note(f"elfuse: {error.message}")
    username = username if username is not None else asked("Username", "--username")
    password = password if password is not None else asked("Password", "--password-stdin", hidden=True)
    done = elfuse.login(
        registry, username, password, authfile=authfile, tls_verify=tls_verify, cert_dir=cert_dir
    )
    output.detail(f"The login is in {done.location}")
    return _print(done, "Login Succeeded!", output)


@click.command()
@click.option("-a", "--all", "everything", is_flag=True, help="Forget the logins of all registries.")
@authfile
@options.output
@click.argument("registry", metavar="[REGISTRY[/NAMESPACE[/REPOSITORY]]]", required=False)
def logout(everything: bool, authfile: str | None, output: Output, registry: str | None) -> int:
    """Forget the login of a registry.

    \b
    Example:
        elfuse oci logout ghcr.io
    """
    import elfuse

    if everything and registry is not None:
        raise click.UsageError("--all takes no registry.")
    if not everything and registry is None:
        raise click.UsageError("Missing argument 'REGISTRY', or --all.")
    warnings.show()
    elfuse.logout(registry, authfile=authfile)
    if output.as_json:
        output.document(LogoutDocument(registry=registry))
    else:
        output.say(f"Removed login credentials for {registry or 'all registries'}")
    return 0


def _print(done: "Login", line: str, output: Output) -> int:
    if output.as_json:
        output.document(LoginDocument(registry=done.registry, username=done.username, location=done.location))
    else:
        output.say(line)
    return 0


def _password_from_stdin(username: str | None, password: str | None) -> str:
    if password is not None:
        raise click.UsageError("--password and --password-stdin exclude each other.")
    if username is None:
        raise click.UsageError("--password-stdin needs --username.")
    data = sys.stdin.buffer.read(PASSWORD_LIMIT)
    return data.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
