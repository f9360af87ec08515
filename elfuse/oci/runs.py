"""Runs: the writable directory of each, what it is, and how one knows that it has ended.

A run holds flock on its `lock` file. The descriptor is handed to elfuse-vm (`keep_fds`), which keeps it
until the guest ends, however it ends; so a lock that can be taken means that the run is over. `run.json` says
which image and tree the run uses: it is a root (roots.py), so it is there before the directory has its name.

Runs of a store that one may only read lie in a store of their own, in $XDG_RUNTIME_DIR or beside the
temporary files.
"""

import contextlib
import json
import os
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from elfuse.errors import RunError, StoreError
from elfuse.oci import disk

if TYPE_CHECKING:
    from elfuse.oci.layout import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_KEEP = "keep"
_RECORD = "run.json"
_RECORD_LIMIT = 16 << 20  # the arguments of a run have their own limits, which are lower


class RunRecord(NamedTuple):
    """What a run is of. `created` is seconds since the epoch; `pid` becomes the guest's first process, or
    is the one that starts it. `manifest`, `chain` (the tree beneath it) and `layers` (the diffIDs of those
    that it uses directly) are digests, as text."""

    image: str = ""
    manifest: str = ""
    chain: str = ""
    argv: tuple[str, ...] = ()
    created: float = 0.0
    pid: int = 0
    schema: int = 1
    layers: tuple[str, ...] = ()


class Run(NamedTuple):
    """A run's directory and the descriptor that holds its lock. The owner closes `lock_fd`. `home` is the
    store that it lies in: not the image's where that one is read-only."""

    id: str
    path: str
    lock_fd: int
    home: "Store"

    def make_directory(self, name: str) -> str:
        path = os.path.join(self.path, name)
        os.mkdir(path, 0o700)
        return path

    def release(self) -> None:
        os.close(self.lock_fd)

    def discard(self) -> None:
        """Move the directory out of sight; the next sweep removes it."""
        self.home.discard(self.path)


class RunState(NamedTuple):
    """A run of the store as another process sees it. `record` is None, and `damage` says why, when it
    cannot be read."""

    id: str
    path: str
    live: bool
    kept: bool
    record: RunRecord | None
    damage: str | None = None


def create_run(
    store: "Store", name: str | None = None, *, keep: bool = False, record: RunRecord | None = None
) -> Run:
    """A new run, locked from its first moment: it is staged in tmp/, and renamed when it holds its lock.

    Hold `store.activity()` from claiming the tree of `record.chain` until this returns.
    """
    if name is not None:
        check_name(name)
    run_id = name or os.urandom(6).hex()
    home = store if store.is_writable() else scratch_store(store)
    given = record or RunRecord()
    whole = given._replace(created=time.time(), pid=given.pid or os.getpid())
    with home.activity():
        staged = home.staging_directory("run")
        lock_fd = disk.open_lock(os.path.join(staged, "lock"))
        try:
            disk.try_lock(lock_fd)
            _write_record(staged, whole, durable=keep)
            if keep:
                os.close(disk.open_lock(os.path.join(staged, _KEEP)))
            _publish(home, staged, run_id)
        except BaseException:
            os.close(lock_fd)
            home.discard(staged)
            raise
    return Run(run_id, home.join("runs", run_id), lock_fd, home)


def _write_record(directory: str, record: RunRecord, *, durable: bool) -> None:
    # An argument that is no UTF-8 keeps its bytes, as lone surrogates.
    data = json.dumps(record._asdict()).encode("ascii")
    fd = os.open(os.path.join(directory, _RECORD), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def record_of(run: Run) -> RunRecord:
    """Raises ValueError when it cannot be read."""
    record, damage = _read_record(run.path)
    if record is None:
        raise ValueError(damage)
    return record


def set_pid(run: Run, pid: int) -> None:
    """Say which process the guest became, where it is not the one that made the run."""
    record, _ = _read_record(run.path)
    data = json.dumps((record or RunRecord())._replace(pid=pid)._asdict())
    temporary = os.path.join(run.path, f".{_RECORD}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data.encode("ascii"))
    os.rename(temporary, os.path.join(run.path, _RECORD))


def _read_record(directory: str) -> tuple[RunRecord | None, str | None]:
    path = os.path.join(directory, _RECORD)
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read(_RECORD_LIMIT))
        return _as_record(document), None
    except FileNotFoundError:
        return None, f"{path} is missing"
    except ValueError as error:
        return None, f"{path} is damaged: {error}"


def _as_record(document: Any) -> RunRecord:
    """What this version knows of it. Raises ValueError."""
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")
    known = {key: document[key] for key in RunRecord._fields if key in document}
    for name in ("argv", "layers"):
        known[name] = tuple(known.get(name, ()))
    record = RunRecord(**known)
    texts = (record.image, record.manifest, record.chain, *record.argv, *record.layers)
    if not all(isinstance(text, str) for text in texts) or not isinstance(record.created, int | float):
        raise ValueError("a member has the wrong type")
    return record


def _publish(store: "Store", staged: str, run_id: str) -> None:
    target = store.join("runs", run_id)
    try:
        os.rename(staged, target)
        return
    except OSError:
        # The name is taken. A run that has ended and is not kept makes way.
        if not retire_if_ended(store, run_id):
            raise RunError(
                f"a run named {run_id!r} exists in {store.path}",
                hint=f"choose another --name, or elfuse oci rm --run {run_id}",
            ) from None
    os.rename(staged, target)


def retire_if_ended(store: "Store", run_id: str, *, even_kept: bool = False) -> bool:
    """Move an ended run to the trash; one that is kept only when told so."""
    path = store.join("runs", run_id)
    try:
        fd = os.open(os.path.join(path, "lock"), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        store.discard(path)
        return True
    try:
        if not disk.try_lock(fd) or (_is_kept(path) and not even_kept):
            return False
        store.discard(path)
        return True
    finally:
        os.close(fd)


def _is_kept(path: str) -> bool:
    return os.path.exists(os.path.join(path, _KEEP))


def retire_ended_runs(store: "Store") -> None:
    for run_id in os.listdir(store.join("runs")):
        with contextlib.suppress(OSError):
            retire_if_ended(store, run_id)


def check_name(name: str) -> None:
    """Raise RunError unless a run can be called so."""
    if not _NAME.fullmatch(name):
        raise RunError(f"{name!r} is no name for a run", hint="use letters, digits, '_', '.' and '-'")


def list_runs(store: "Store") -> list[RunState]:
    """All runs, by name; also those that have ended, are not kept, and wait for a sweep."""
    return [
        state
        for home in homes(store)
        for run_id in sorted(os.listdir(home.join("runs")))
        if (state := _state_of(home, run_id)) is not None
    ]


def _state_of(home: "Store", run_id: str) -> RunState | None:
    path = home.join("runs", run_id)
    try:
        fd = os.open(os.path.join(path, "lock"), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None  # moved away this moment, or not a run
    try:
        live = not disk.try_lock(fd, shared=True)
    finally:
        os.close(fd)
    record, damage = _read_record(path)
    if record is None and not os.path.isdir(path):
        return None
    return RunState(run_id, path, live, _is_kept(path), record, damage)


def remove_run(store: "Store", run_id: str) -> None:
    """Remove a kept run, or what is left of an ended one. Raises RunError when there is none or it lives."""
    for home in homes(store):
        if _NAME.fullmatch(run_id) and os.path.isdir(home.join("runs", run_id)):
            if not retire_if_ended(home, run_id, even_kept=True):
                raise RunError(f"the run {run_id} has not ended", hint="stop it first: it is a process")
            return
    raise RunError(f"no such run in {store.path}: {run_id}", hint="elfuse oci ps -a lists them")


def homes(store: "Store") -> "list[Store]":
    """Where runs of this store may lie: in it, and in the scratch store of one that was read-only."""
    from elfuse.oci.layout import Store

    path = _scratch_path(store)
    return [store, *([Store(path)] if path and os.path.isdir(os.path.join(path, "runs")) else [])]


def scratch_store(store: "Store") -> "Store":
    """Where the runs of a read-only store go. Raises StoreError when there is no place that is ours."""
    from elfuse.oci.layout import Store

    path = _scratch_path(store)
    if path is None:
        raise StoreError(
            f"{os.path.dirname(_scratch_candidate(store))} belongs to somebody else",
            hint="set XDG_RUNTIME_DIR to a directory of yours",
        )
    return Store.open(path)


def _scratch_candidate(store: "Store") -> str:
    import hashlib
    import tempfile

    top = os.environ.get("XDG_RUNTIME_DIR") or ""
    if not os.path.isabs(top) or not os.access(top, os.W_OK):
        top = tempfile.gettempdir()
    name = hashlib.sha256(os.fsencode(os.path.realpath(store.path))).hexdigest()[:16]
    return os.path.join(top, f"elfuse-{os.geteuid()}", f"runs-{name}")


def _scratch_path(store: "Store") -> str | None:
    """None when the directory in a place that all may write to is not our own: another user could swap
    what lies in it."""
    if store.is_writable():
        return None
    path = _scratch_candidate(store)
    parent = os.path.dirname(path)
    with contextlib.suppress(FileExistsError):
        os.mkdir(parent, 0o700)
    status = os.lstat(parent)
    if status.st_uid != os.geteuid() or status.st_mode & 0o170077 != 0o040000:
        return None
    return path
