"""Memos for the native front (csrc/front): the answer of a command and all that it rests on.

The front gives the answer again, without Python, to the same words in the same environment while everything
named in the memo is as it was. A memo holds no secret, and none is written where a login was used.
"""

import binascii
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from elfuse import __version__
from elfuse.errors import ElfuseError
from elfuse.oci import media

if TYPE_CHECKING:
    from elfuse.cli.main import CommandLine
    from elfuse.oci.access import AccessOptions
    from elfuse.oci.grounds import Grounds
    from elfuse.oci.question import Question

FORMAT = 1  # csrc/front/memo.h
_KEPT = 64  # memos; the oldest make way
_LIMIT = 1 << 20
# Timestamps tick: what has changed so shortly before need not have another time.
_TICK = 50_000_000  # ns

# What a command looks at. Of others that begin with ELFUSE_ the front takes none.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
VARIABLES = (
    "CONTAINERS_REGISTRIES_CONF",
    "CURL_CA_BUNDLE",
    "DOCKER_CONFIG",
    "ELFUSE_CACHE_DIR",
    "ELFUSE_CONFIG",
    "ELFUSE_POLICY_FILE",
    "ELFUSE_STORE",
    "HOME",
    "PYTHONHOME",
    "PYTHONPATH",
    "REGISTRY_AUTH_FILE",
    "SSL_CERT_FILE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    *_PROXIES,
    *(name.upper() for name in _PROXIES),
)


def directory() -> str | None:
    """Where memos are; None where none are kept. As csrc/front/find.c has it."""
    chosen = os.environ.get("ELFUSE_CACHE_DIR")
    if chosen is None:
        cache, home = os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("HOME", "")
        chosen = f"{cache}/elfuse" if cache.startswith("/") else f"{home}/.cache/elfuse"
    return f"{chosen}/memos" if chosen.startswith("/") else None


# What a pull may be given to leave a memo; --tls-verify and -q are among the words, as all of them.
_PULL = frozenset({"images", "insecure", "jobs", "platform", "quiet", "store", "tls_verify", "verbose"})


def given_only(names: frozenset[str]) -> bool:
    """Whether no other parameter of the command has a value: one that is added later is not taken for one
    that a memo may have by being forgotten."""
    return {name for name, value in click.get_current_context().params.items() if value} <= names


class Memo(NamedTuple):
    """What a command leaves under its words. `files` must stay as they are, or absent; of the blobs,
    `documents` must keep their content and `blobs` their size. What answers is the output, or the run."""

    words: Sequence[str]
    files: Sequence[str]
    documents: Sequence[str] = ()
    blobs: Mapping[str, int] = {}
    request: Mapping[str, Any] | None = None
    output: str = ""
    run: Mapping[str, Any] | None = None
    open_ended: bool = False  # at least one more word follows


def keep(began: int, store: str | None, make: Callable[[], Memo | None]) -> None:
    """Leave the memo that `make` gives, unless something is in the way. `began` is when the command did (ns
    since the epoch), before it looked at anything."""
    environment = [(name, os.environ.get(name)) for name in VARIABLES]
    folder = directory()
    if sys.platform != "linux" or folder is None or not _is_plain(environment, store):
        return
    # The command has succeeded, whatever becomes of this.
    with contextlib.suppress(ElfuseError, OSError, ValueError):
        memo = make()
        if memo is None:
            return
        document = {
            "format": FORMAT,
            "words": list(memo.words),
            "openEnded": memo.open_ended,
            "environment": environment,
            "files": [_identity(path, began - _TICK) for path in dict.fromkeys(memo.files)],
            "blobs": [*map(_document, memo.documents), *memo.blobs.items()],
            "request": memo.request,
            "output": memo.output,
            "run": memo.run,
        }
        data = json.dumps(document, ensure_ascii=False).encode()
        if len(data) <= _LIMIT:
            _write(folder, name_of(memo.words, open_ended=memo.open_ended), data)


def keep_pull(
    line: "CommandLine",
    text: str,
    answer: str,
    *,
    store: str | None,
    access: "AccessOptions | None",
    question: "Question | None",
) -> None:
    """Leave a memo of a pull of `text` that found everything up to date and printed `answer`."""
    if not given_only(_PULL):
        return

    def make() -> Memo | None:
        from elfuse.oci.access import AccessOptions
        from elfuse.oci.grounds import grounds_of
        from elfuse.oci.layout import Store

        grounds = grounds_of(Store.open(store), text, access or AccessOptions(), question)
        if grounds is None:
            return None
        return Memo(line.words, grounds.files, grounds.documents, grounds.blobs, _request(grounds), answer)

    keep(line.began, store, make)


def _is_plain(environment: list[tuple[str, str | None]], store: str | None) -> bool:
    """Whether this environment means the same in every directory, and on the network nothing but the
    registry."""
    if store is not None and not os.path.isabs(store):
        return False
    for name, value in environment:
        if value and (name.lower() in _PROXIES or not all(map(os.path.isabs, value.split(":")))):
            return False
    return True


def _identity(path: str, before: int) -> list[Any]:
    """The file as csrc/front/holds.c compares it. Raises ValueError when it may have changed after `before`,
    that is after the command looked at it."""
    try:
        status = os.stat(path)
        identity = [
            path,
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        ]
    except (FileNotFoundError, NotADirectoryError):
        identity = [path]
        parent = path
        while True:  # to remove it has changed the directory that it was in
            parent = os.path.dirname(parent)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                status = os.stat(parent)
                break
    if status.st_ctime_ns >= before:
        raise ValueError(path)
    return identity


def _document(path: str) -> tuple[str, int, int]:
    with open(path, "rb") as file:
        data = file.read()
    return path, len(data), binascii.crc32(data)


def _request(grounds: "Grounds") -> dict[str, Any] | None:
    question = grounds.question
    if question is None:
        return None
    return {
        "url": question.url,
        "head": question.head,
        "accept": media.ACCEPT_MANIFEST,
        "agent": f"elfuse/{__version__}",
        "digest": question.digest,
        "document": next(path for path in grounds.documents if path.endswith(question.digest[7:])),
        "verify": question.verify,
        "bundle": grounds.bundle,
        "authorities": question.authorities,
        "tokenUrl": question.token_url,
        "tokenVerify": question.token_verify,
    }


def name_of(words: Sequence[str], *, open_ended: bool = False) -> str:
    """The file of a memo, as csrc/front/find.c has it."""
    crc = binascii.crc32(b"".join(os.fsencode(word) + bytes(1) for word in words))
    return f"{crc:08x}{'+' if open_ended else ''}.json"


def _write(folder: str, name: str, data: bytes) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    status = os.stat(folder, follow_symlinks=False)
    if status.st_uid != os.geteuid() or status.st_mode & 0o77:
        return  # the front would not believe what lies there
    _make_room(folder)
    staged = os.path.join(folder, f"{os.urandom(8).hex()}.tmp")
    fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.rename(staged, os.path.join(folder, name))
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(staged)
        raise


def _make_room(folder: str) -> None:
    with os.scandir(folder) as entries:
        files = sorted((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path) for entry in entries)
    for _, path in files[: -_KEPT + 1]:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
