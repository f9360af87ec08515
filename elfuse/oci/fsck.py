"""verify: whether the store is what it should be, and putting right what can be.

A repair takes nothing from an image that can still serve: a damaged blob moves to quarantine/, the pins
stay, and the next pull fetches what is missing. An image that is unpacked still runs when a layer's blob is
gone.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator

import msgspec

from elfuse.errors import ElfuseError
from elfuse.oci import disk, media
from elfuse.oci.catalog import Catalog, Entry, Fact
from elfuse.oci.digest import new_hasher
from elfuse.oci.layout import DIRECTORIES, Store, make_private
from elfuse.oci.runs import list_runs

_CHUNK = 1 << 20
# How often the index is read again when it changes meanwhile.
_TRIES = 20


class Problem(msgspec.Struct, frozen=True):
    """Something wrong. kind: "damaged" (a blob's content), "missing" (what a pin needs), "index", "tree",
    "mode" (open to others), "run", "foreign" (a name that elfuse does not give). `remedy` is what was
    done; "" when nothing, and then `hint` says what to do."""

    kind: str
    name: str
    text: str
    remedy: str = ""
    hint: str = ""


class Report(msgspec.Struct):
    """blobs and bytes: what was hashed. orphans: blobs that nothing needs, which is not wrong."""

    blobs: int = 0
    bytes: int = 0
    trees: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    problems: list[Problem] = []

    @property
    def unrepaired(self) -> list[Problem]:
        return [problem for problem in self.problems if not problem.remedy]


def verify(
    store: Store, *, repair: bool = False, progress: Callable[[int, int], None] = lambda done, total: None
) -> Report:
    """Check everything. `progress` gets bytes hashed and bytes in all."""
    report = Report()
    checker = _Checker(store, report, repair and store.is_writable(), progress)
    checker.modes()
    good = checker.blobs()
    checker.index(good)
    checker.stacks()
    checker.layers()
    checker.runs()
    return report


class _Checker:
    def __init__(
        self, store: Store, report: Report, repair: bool, progress: Callable[[int, int], None]
    ) -> None:
        self._store = store
        self._report = report
        self._repair = repair
        self._progress = progress

    def _problem(
        self, kind: str, name: str, text: str, remedy: str, act: Callable[[], None] | None, hint: str = ""
    ) -> None:
        done = ""
        if self._repair and act is not None:
            act()
            done = remedy
        self._report.problems.append(Problem(kind, name, text, done, "" if done else hint))

    # -- files and their modes

    def modes(self) -> None:
        """Ours are 0700 and 0600, except inside of trees and runs, which are an image's and a guest's. What
        other tools put beside them may be open, behind a directory that is not."""
        for name in (*DIRECTORIES, "blobs", "stacks"):
            if not os.path.isdir(self._store.join(name)):
                self._problem(
                    "missing",
                    name,
                    f"{self._store.join(name)} is missing",
                    "made",
                    lambda name=name: make_private(self._store.path, name),  # type: ignore[misc]
                    "elfuse oci verify --repair makes it",
                )
        is_open = os.stat(self._store.path).st_mode & 0o077
        for path, status in self._own_files() if is_open else ():
            wanted = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
            if stat.S_IMODE(status.st_mode) & 0o077:
                self._problem(
                    "mode",
                    os.path.relpath(path, self._store.path),
                    f"{path} is open to others: {stat.S_IMODE(status.st_mode):04o}",
                    f"made {wanted:04o}",
                    lambda path=path, wanted=wanted: os.chmod(path, wanted),  # type: ignore[misc]
                    "elfuse oci verify --repair closes it",
                )

    def _own_files(self) -> Iterator[tuple[str, os.stat_result]]:
        yield self._store.path, os.stat(self._store.path)
        for name in (
            "",
            "blobs",
            "blobs/sha256",
            "stacks",
            "stacks/sha256",
            "layers",
            "layers/sha256",
            "runs",
            "tmp",
            "locks",
            "cache",
        ):
            folder = self._store.join(*([name] if name else []))
            with contextlib.suppress(FileNotFoundError):
                for entry in list(os.scandir(folder)):
                    if not entry.is_symlink():
                        with contextlib.suppress(FileNotFoundError):
                            yield entry.path, entry.stat(follow_symlinks=False)

    # -- blobs

    def blobs(self) -> dict[str, int]:
        """Hash every blob. Returns the sizes of those that are right, by name."""
        folder = self._store.join("blobs/sha256")
        sizes = {}
        for entry in list(os.scandir(folder)):
            with contextlib.suppress(FileNotFoundError):
                if self._is_blob(entry):
                    sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
        total, done = sum(sizes.values()), 0
        good = {}
        for name, size in sizes.items():
            if self._is_right(os.path.join(folder, name), name):
                good[name] = size
                self._report.blobs += 1
                self._report.bytes += size
            done += size
            self._progress(done, total)
        return good

    def _is_blob(self, entry: "os.DirEntry[str]") -> bool:
        named = len(entry.name) == 64 and not set(entry.name) - set("0123456789abcdef")
        if named and entry.is_file(follow_symlinks=False):
            return True
        self._problem(
            "foreign",
            entry.name,
            f"{entry.path} is no blob",
            "",
            None,
            "remove it, if it is not another tool's",
        )
        return False

    def _is_right(self, path: str, name: str) -> bool:
        try:
            actual = _hash_file(path)
        except FileNotFoundError:
            return False  # pruned this moment
        except OSError as error:
            actual = f"not readable: {error.strerror}"
        if actual == name:
            return True
        self._problem(
            "damaged",
            f"sha256:{name}",
            f"blob sha256:{name} is damaged ({'its content is another' if len(actual) == 64 else actual})",
            "moved to quarantine",
            lambda: quarantine(self._store, name),
            "elfuse oci verify --repair moves it away; then pull the image again",
        )
        return False

    # -- what the index names

    def index(self, good: dict[str, int]) -> None:
        """Again, when another process wrote the index meanwhile: what it unpinned may be gone rightly."""
        for _ in range(_TRIES):
            before = len(self._report.problems)
            try:
                catalog = Catalog(self._store, fresh=True)
            except ElfuseError as error:
                self._problem("index", "index.json", error.message, "", None, "restore it, or pull again")
                return
            needed: set[str] = set()
            for entry in catalog.entries:
                self._entry(catalog, entry, good, needed)
            if len(self._report.problems) == before or catalog.is_current():
                break
            del self._report.problems[before:]
        orphans = [size for name, size in good.items() if name not in needed]
        self._report.orphans, self._report.orphan_bytes = len(orphans), sum(orphans)

    def _look_again(self, name: str, good: dict[str, int]) -> None:
        """A blob that was not there when the blobs were hashed, as it has just been pulled."""
        path = self._store.join("blobs/sha256", name)
        with contextlib.suppress(OSError):
            if _hash_file(path) == name:
                good[name] = os.stat(path).st_size

    def _entry(self, catalog: Catalog, entry: Entry, good: dict[str, int], needed: set[str]) -> None:
        name = entry.name or entry.digest
        needed.update((entry.hex, ((entry.annotations or {}).get(media.INDEX_DIGEST) or "")[7:]))
        try:
            fact = catalog.fact(entry)
            if entry.is_pin:
                catalog.image(entry)
        except (ElfuseError, OSError) as error:
            text = error.message if isinstance(error, ElfuseError) else str(error)
            self._lost(name, f"{name}: {text}")
            return
        if good.get(entry.hex, entry.size) != entry.size:
            self._lost(name, f"{name}: index.json gives {entry.size} bytes for its manifest")
        self._blobs_of(name, fact, good, needed)
        for document in fact.documents:
            needed.add(document)
            if document in good:
                with contextlib.suppress(ElfuseError):
                    child = catalog.document(document, media.OCI_MANIFEST, f"sha256:{document}")
                    self._blobs_of(name, child, good, needed)

    def _blobs_of(self, name: str, fact: Fact, good: dict[str, int], needed: set[str]) -> None:
        for digest, size in zip(fact.blobs, fact.sizes, strict=True):
            needed.add(digest)
            if digest not in good:
                self._look_again(digest, good)
            if digest not in good:
                self._lost(name, f"{name} needs blob sha256:{digest}, which is not here whole")
            elif good[digest] != size:
                self._lost(name, f"{name} gives {size} bytes for blob sha256:{digest} of {good[digest]}")

    def _lost(self, name: str, text: str) -> None:
        self._problem("missing", name, text, "", None, f"elfuse oci pull {name}, or elfuse oci rm {name}")

    # -- trees and runs

    def stacks(self) -> None:
        from elfuse.oci.trees import stack_sizes

        sizes = stack_sizes(self._store)
        folder = self._store.join("stacks/sha256")
        for chain in sorted(os.listdir(folder)):
            self._report.trees += 1
            if _lacks_rootfs(os.path.join(folder, chain)):
                self._half_tree(chain, "has no rootfs")
            elif sizes.has_changed(chain):
                self._half_tree(chain, "has not the number of entries that it had")

    def _half_tree(self, chain: str, what: str) -> None:
        self._broken(f"sha256:{chain}", f"the unpacked tree sha256:{chain} {what}", "stacks/sha256", chain)

    def _broken(self, name: str, text: str, *place: str) -> None:
        self._problem(
            "tree",
            name,
            text,
            "removed, to be unpacked again",
            lambda: self._store.discard(self._store.join(*place)),
            "elfuse oci verify --repair removes it",
        )

    def layers(self) -> None:
        from elfuse.oci.snapshot.layers import read_record
        from elfuse.oci.trees import layer_sizes

        sizes = layer_sizes(self._store)
        for name in sorted(sizes.names()):
            problem = ""
            try:
                raw = read_record(os.path.join(sizes.folder, name))
                if raw.tree is not None and not os.path.isdir(raw.tree):
                    problem = "has no tree"
                elif sizes.has_changed(name):
                    problem = "has not the number of entries that it had"
            except (ElfuseError, OSError):
                problem = "has no record"
            if problem and os.path.isdir(os.path.join(sizes.folder, name)):
                self._broken(
                    f"sha256:{name}", f"the unpacked layer sha256:{name} {problem}", sizes.folder, name
                )

    def runs(self) -> None:
        for run in list_runs(self._store):
            if run.record is None and (run.live or run.kept):
                self._problem(
                    "run",
                    run.id,
                    f"{run.damage}",
                    "",
                    None,
                    f"elfuse oci rm --run {run.id}, when it has ended",
                )


def _lacks_rootfs(path: str) -> bool:
    """Whether the directory of a tree has none. False for one that is moved away or replaced meanwhile."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat("rootfs", dir_fd=fd, follow_symlinks=False).st_mode):
                return False
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False
    finally:
        os.close(fd)


def quarantine(store: Store, name: str) -> None:
    """Take a damaged blob out of the way, unless it has just been replaced by a good one."""
    source = store.join("blobs/sha256", name)
    with contextlib.suppress(FileExistsError):
        os.mkdir(store.join("quarantine"), 0o700)
    with disk.locked(store.join("locks/gc")), contextlib.suppress(FileNotFoundError):
        with contextlib.suppress(OSError):
            if _hash_file(source) == name:
                return
        os.rename(source, store.join("quarantine", f"{name}-{os.urandom(4).hex()}"))
        disk.fsync_directory(os.path.dirname(source))


def _hash_file(path: str) -> str:
    hasher = new_hasher()
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        while chunk := os.read(fd, _CHUNK):
            hasher.update(chunk)
    finally:
        os.close(fd)
    return hasher.hexdigest()
