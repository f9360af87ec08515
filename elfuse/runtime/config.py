"""What the guest is started with: argv, environment, working directory, by the rules of docker and podman."""

import json
import posixpath
import re
from collections.abc import Mapping, Sequence

from elfuse.errors import RunError
from elfuse.oci.image import RunConfig

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
# Linux's __NEW_UTS_LEN.
_HOSTNAME_LIMIT = 64


def build_argv(image: RunConfig, entrypoint: Sequence[str] | None, args: Sequence[str]) -> list[str]:
    """Entrypoint and ARGS or Cmd. An entrypoint of the user's drops both of the image's.

    An empty one clears the image's: then ARGS alone is the command.
    """
    if entrypoint is not None:
        argv = [*entrypoint, *args]
    else:
        argv = [*(image.entrypoint or ()), *(args or image.cmd or ())]
    if not argv or not argv[0]:
        raise RunError("the image has no Entrypoint or Cmd", hint="name a program after the image")
    return argv


def parse_entrypoint(text: str) -> list[str]:
    """The value of --entrypoint: a program, a JSON array of strings as podman takes, or nothing."""
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            words = None
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return words
        raise RunError(f"--entrypoint {text!r} is no JSON array of strings")
    return [text] if text else []


def build_env(
    image: RunConfig,
    options: Sequence[str],
    host: Mapping[str, str],
    *,
    home: str,
    hostname: str,
    term: str | None,
) -> list[str]:
    """Defaults, below the image's Env, below the user's `K=V`, `K` (the host's value, or unset) and `K*`
    (all of the host's that begin so).

    An entry of the image without `=` is ignored: it must not pull the host's value in (CVE-2026-57231).
    """
    env = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname, "HOME": home, "container": "elfuse"}
    if term is not None:
        env["TERM"] = term
    for entry in image.env or ():
        key, equals, value = entry.partition("=")
        if equals and key:
            env[key] = value
    apply_env_options(env, options, host)
    return [f"{key}={value}" for key, value in env.items()]


def apply_env_options(env: dict[str, str], options: Sequence[str], host: Mapping[str, str]) -> None:
    for option in options:
        key, equals, value = option.partition("=")
        if not key:
            raise RunError(f"environment variable {option!r} has no name")
        if equals:
            env[key] = value
        elif key in host:
            env[key] = host[key]
        elif key.endswith("*"):
            env |= {name: value for name, value in host.items() if name.startswith(key[:-1])}
        else:
            env.pop(key, None)


def working_directory(image: RunConfig, option: str | None) -> str:
    if option is not None:
        if not option.startswith("/"):
            raise RunError(f"the working directory {option!r} is not an absolute path")
        return _normal(option)
    return _normal("/" + (image.working_dir or ""))


def check_hostname(name: str) -> str:
    if len(name) > _HOSTNAME_LIMIT or not _HOSTNAME.fullmatch(name):
        raise RunError(f"{name!r} is no host name of at most {_HOSTNAME_LIMIT} characters")
    return name


def _normal(path: str) -> str:
    # normpath keeps a leading double slash, which POSIX allows to mean something.
    return "/" + posixpath.normpath(path).lstrip("/")
