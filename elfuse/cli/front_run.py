"""The memo of a run: its launch spec and its directory, made again under another ID by csrc/front/run.c."""

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import elfuse
from elfuse import config_files
from elfuse.cli.front import Memo, given_only, keep
from elfuse.oci import registries_conf, short_names
from elfuse.oci.naming import readings
from elfuse.oci.reference import Reference
from elfuse.oci.snapshot import choice

if TYPE_CHECKING:
    from elfuse.cli.main import CommandLine
    from elfuse.oci.layout import Store
    from elfuse.oci.stored import StoredImage
    from elfuse.runtime.prepare import PreparedRun

# More than that is a tree: a strategy that copies.
_MOST_ENTRIES = 32
_MOST_BYTES = 64 << 10
_LONGEST = 24  # words before the program's own, csrc/front/main.c
# What a run may be given to leave a memo. The others name files, are something of this process (limits, a
# terminal), or may be a secret (variables).
_GIVEN = frozenset({"add_hosts", "args", "engine", "entrypoint", "hostname", "image", "init"})
_GIVEN |= {"interactive", "platform", "policy", "quiet", "read_only", "store", "strace", "user", "verbose"}
_GIVEN |= {"workdir"}


def keep_run(
    line: "CommandLine",
    text: str,
    image: "StoredImage",
    prepared: "PreparedRun",
    args: list[str],
    *,
    store: str | None,
    stdin: bool,
) -> None:
    """Leave a memo of a run of `text` that is ready to start, if it can be made again from it. `args` are the
    words at the end of the line that belong to the program."""
    own = list(line.words[: len(line.words) - len(args)])
    if (*own, *args) != line.words or len(own) > _LONGEST or not given_only(_GIVEN):
        return

    def make() -> Memo | None:
        run = _run(prepared, args, stdin=stdin)
        names = readings(text)
        if run is None or len(names) > 1 or not isinstance(names[0], Reference):
            return None
        if image.name != names[0].pin:
            return None
        digests = (image.descriptor.digest, image.manifest.config.digest)
        documents = [prepared.store.blob_path(digest) for digest in digests]
        files = _files(prepared.store, run["program"], prepared.spec.root)
        return Memo(own, files, documents, run=run, open_ended=bool(args))

    keep(line.began, store, make)


def _files(store: "Store", program: str, root: dict[str, Any]) -> list[str]:
    trees = [os.path.join(tree, name) for tree in root["lower"] for name in ("", "etc/passwd", "etc/group")]
    found = [
        elfuse.__file__,
        program,
        *config_files.looked_at(),
        *registries_conf.looked_at(),
        short_names.aliases_path(),
        "/etc/resolv.conf",
        "/etc/hosts",
        store.join("elfuse.json"),
        store.join("index.json"),
        store.join("cache", choice.CACHE),
        *trees,
    ]
    return [os.path.abspath(path) for path in found]


def _run(prepared: "PreparedRun", args: list[str], *, stdin: bool) -> dict[str, Any] | None:
    """None for one that is not all in its spec and a few small files."""
    from elfuse.oci.runs import record_of
    from elfuse.runtime.process import launcher

    run, root = prepared.run, prepared.spec.root
    lower = root.get("lower")
    if run.home.path != prepared.store.path or root.get("type") != "overlay" or not isinstance(lower, list):
        return None
    # Each tree lies in a directory of elfuse's own, which is what is claimed (layout.py).
    claims = [os.path.dirname(tree) for tree in lower]
    if not all(os.path.basename(tree) == "rootfs" and _is_below(tree, run.home.path) for tree in lower):
        return None
    spec, record = prepared.spec.to_builtins(), record_of(run)._asdict()
    for document in (spec, record):
        document["argv"] = list(document["argv"])
        if args:
            if document["argv"][-len(args) :] != args:
                return None
            del document["argv"][-len(args) :]
    return {
        "store": run.home.path,
        "id": run.id,
        "program": launcher(),
        "stdin": stdin,
        "claims": claims,
        "entries": list(_entries(run.path)),
        "record": record,
        "spec": spec,
    }


def _is_below(path: str, directory: str) -> bool:
    return os.path.commonpath([path, directory]) == directory


def _entries(top: str) -> Iterator[tuple[Any, ...]]:
    """What is in the run's directory but its lock and record. Raises ValueError for what is no small tree of
    directories and plain files."""
    pending, count, room = [""], 0, _MOST_BYTES
    while pending:
        folder = pending.pop()
        for name in sorted(os.listdir(os.path.join(top, folder))):
            path = os.path.join(folder, name)
            if path in ("lock", "run.json"):
                continue
            full = os.path.join(top, path)
            status = os.stat(full, follow_symlinks=False)
            mode = stat.S_IMODE(status.st_mode)
            attributes = [name for name in os.listxattr(full, follow_symlinks=False) if name[:5] == "user."]
            count, room = count + 1, room - status.st_size
            if count > _MOST_ENTRIES or room < 0 or len(attributes) > 1:
                raise ValueError(full)
            if stat.S_ISDIR(status.st_mode):
                values = [os.getxattr(full, attribute).decode() for attribute in attributes]
                yield (path, mode, *attributes, *values)
                pending.append(path)
            elif stat.S_ISREG(status.st_mode) and not attributes:
                with open(full, encoding="utf-8", newline="") as file:
                    yield path, mode, file.read()
            else:
                raise ValueError(full)
