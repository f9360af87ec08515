"""--ulimit: resource limits of the guest, in podman's words."""

from collections.abc import Sequence

import msgspec

from elfuse.errors import RunError

# setrlimit(2)'s names in lower case, as the launch spec has them.
NAMES = (
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
)
UNLIMITED = (1 << 64) - 1  # RLIM64_INFINITY


class Rlimit(msgspec.Struct, frozen=True):
    type: str
    soft: int
    hard: int


def parse_ulimits(texts: Sequence[str]) -> list[Rlimit]:
    """`NAME=SOFT[:HARD]`, -1 for no limit; `host` alone for all of this process's. A later one wins."""
    limits: dict[str, Rlimit] = {}
    for text in texts:
        if text == "host":
            limits |= {limit.type: limit for limit in _host_limits()}
        else:
            limit = _parse(text)
            limits[limit.type] = limit
    return list(limits.values())


def _parse(text: str) -> Rlimit:
    name, equals, values = text.partition("=")
    if not equals:
        raise RunError(f"--ulimit {text!r} is not of the form NAME=SOFT[:HARD], nor 'host'")
    if name not in NAMES:
        raise RunError(f"--ulimit {text!r}: there is no limit {name!r}", hint="use " + ", ".join(NAMES))
    soft_text, colon, hard_text = values.partition(":")
    soft = _number(text, soft_text)
    hard = _number(text, hard_text) if colon else soft
    if soft > hard:
        raise RunError(f"--ulimit {text!r}: the soft limit is above the hard one")
    return Rlimit(name, soft, hard)


def _number(text: str, value: str) -> int:
    if value == "-1":
        return UNLIMITED
    if not (value.isascii() and value.isdigit()) or int(value) > UNLIMITED:
        raise RunError(f"--ulimit {text!r}: {value!r} is no number, nor -1")
    return int(value)


def _host_limits() -> list[Rlimit]:
    import resource

    found = []
    for name in NAMES:
        number = getattr(resource, f"RLIMIT_{name.upper()}", None)
        if number is not None:
            soft, hard = (
                UNLIMITED if value == resource.RLIM_INFINITY else value
                for value in resource.getrlimit(number)
            )
            found.append(Rlimit(name, soft, hard))
    return found
