"""Pull: documents, then config, then layers in parallel, and last of all the pin.

Nothing refers to a blob before it is whole, and the pin is written when everything it needs is in the
store, so an interrupted pull changes nothing that was there. Each blob is committed when it is whole,
whatever becomes of the others.
"""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from elfuse.errors import (
    BlobMissing,
    ContentMismatch,
    ElfuseError,
    InvalidImage,
    PlatformNotFound,
    StoreError,
)
from elfuse.oci import disk
from elfuse.oci.access import AccessOptions
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.choice import Chosen, choose_image
from elfuse.oci.digest import Digest, chain_id, digest_of
from elfuse.oci.image import (
    GUEST_PLATFORM,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    media_type_of,
    not_offered,
    parse_config,
    parse_document,
    serves,
)
from elfuse.oci.layout import BlobsVanished, Store
from elfuse.oci.policy import place
from elfuse.oci.progress import Progress, Silent, Tally
from elfuse.oci.reference import ImageSource, Reference
from elfuse.oci.source import Session, Source, Unchanged
from elfuse.oci.stored import StoredImage
from elfuse.oci.whole import Tree, documents_below, stored_type
from elfuse.oci.work import DEFAULT_JOBS, run_all

if TYPE_CHECKING:
    from elfuse.oci.snapshot.arriving import Arriving

# How often a pull begins again because a prune in another process took what no pin named yet.
_ATTEMPTS = 3
# Images that are resolved at once; their blobs share one limit.
_IMAGES_AT_ONCE = 4


@dataclass(frozen=True)
class PullOptions:
    """What is wanted of each image.

    Without a platform, what is no index is taken for whatever it is made for.
    `all_platforms` brings an index with everything it names. `refresh` asks even about a name with a
    digest, which cannot have changed. `unpack` unpacks the image, its layers while they arrive.
    """

    platform: Platform | None = GUEST_PLATFORM
    all_platforms: bool = False
    refresh: bool = False
    jobs: int = DEFAULT_JOBS
    unpack: bool = False


@dataclass(frozen=True)
class Pulled:
    """An image that is in the store now, and what it took."""

    image: StoredImage
    tally: Tally


def pull_image(
    store: Store,
    image: ImageSource,
    *,
    options: PullOptions | None = None,
    access: AccessOptions | None = None,
    progress: Progress | None = None,
) -> Pulled:
    """Bring `image` into the store and pin it. What is there already is not fetched again."""
    outcome = pull_images(store, [image], options=options, access=access, progress=progress)[0]
    if isinstance(outcome, ElfuseError):
        raise outcome
    return outcome


def pull_images(
    store: Store,
    images: Sequence[ImageSource],
    *,
    options: PullOptions | None = None,
    access: AccessOptions | None = None,
    progress: Progress | None = None,
    unchanged: Unchanged | None = None,
) -> list[Pulled | ElfuseError]:
    """Bring all images, over the same connections; each ends in its result or its error. `unchanged` is as
    for Session."""
    wanted, watcher = options or PullOptions(), progress or Silent()
    outcomes: dict[int, Pulled | ElfuseError] = {}
    with Session(access, jobs=wanted.jobs, unchanged=unchanged) as session:

        def pull(position: int) -> None:
            try:
                outcomes[position] = _pull_one(store, images[position], session, wanted, watcher)
            except ElfuseError as error:
                outcomes[position] = error

        if len(images) == 1:
            pull(0)
        else:
            jobs = [lambda at=position: pull(at) for position in range(len(images))]
            run_all(jobs, _IMAGES_AT_ONCE, session.cancel)
    return [outcomes[position] for position in range(len(images))]


def _pull_one(
    store: Store, image: ImageSource, session: Session, options: PullOptions, watcher: Progress
) -> Pulled:
    with disk.reported(f"the pull of {image}", store.path):
        return pull_from(session.open(image), store, image, session, options, watcher)


def pull_from(
    source: Source,
    store: Store,
    image: ImageSource,
    session: Session,
    options: PullOptions,
    watcher: Progress,
    names: Sequence[str] = (),
) -> Pulled:
    """The same from an open source, pinned under `names` instead of the image's own when there are any."""
    tally = Tally(watcher)
    with disk.reported(f"the pull of {image}", store.path), store.activity():
        try:
            pinned = list(names) or [image.pin]
            for _ in range(_ATTEMPTS - 1):
                with contextlib.suppress(BlobsVanished):
                    return Pulled(_Pull(store, session, source, image, options, tally, pinned).run(), tally)
            return Pulled(_Pull(store, session, source, image, options, tally, pinned).run(), tally)
        except BaseException:
            source.cancel()
            raise


@dataclass
class _Found:
    """The documents of an image, verified; those of `fresh` are not in the store yet."""

    leaf: Descriptor
    manifest: Manifest
    index: Descriptor | None = None
    fresh: dict[Digest, bytes] = field(default_factory=dict)
    tree: Tree | None = None  # of all platforms


def _found(chosen: Chosen, top: bytes, fresh: dict[Digest, bytes], tree: Tree | None) -> _Found:
    index = None
    if chosen.index is not None:
        index = Descriptor(media_type_of(top, "index"), chosen.index, len(top))
    return _Found(chosen.descriptor, chosen.manifest, index, fresh, tree)


class _Pull:
    def __init__(
        self,
        store: Store,
        session: Session,
        source: Source,
        image: ImageSource,
        options: PullOptions,
        progress: Progress,
        names: list[str],
    ) -> None:
        self._store = store
        self._session = session
        self._source = source
        self._image = image
        self._options = options
        self._progress = progress
        self._names = names
        self._whole: Digest | None = None  # the index that the name stands for, with all it names
        self._arriving: Arriving | None = None

    def run(self) -> StoredImage:
        found = self._find()
        self._judge(found)
        try:
            image = self._complete(found)
            if self._options.unpack:
                self._unpack(image)
            return image
        finally:
            if self._arriving is not None:
                self._arriving.discard()

    def _unpack(self, image: StoredImage) -> None:
        """The image is pinned by now: what fails here leaves it in the store."""
        from elfuse.oci.snapshot.choice import choose

        if self._arriving is not None:
            self._arriving.publish()
        choose(self._store).snapshotter.prepare(self._store, image)

    def _complete(self, found: "_Found") -> StoredImage:
        config = self._bring(found)
        for digest, data in found.fresh.items():
            self._store.put_document(data)
            self._progress.finish("manifest", digest, len(data), True)
        if not found.fresh:
            self._progress.finish("manifest", found.leaf.digest, found.leaf.size, False)
        return self._pin(found, config)

    # -- documents

    def _find(self) -> _Found:
        """What the name leads to: the index if there is one, and the platform's manifest."""
        what = str(self._image)
        data, media_type, is_fresh = self._top()
        fresh = {digest_of(data): data} if is_fresh else {}

        def read(entry: Descriptor) -> bytes:
            return self._document(entry, fresh)

        wanted = self._options.platform or GUEST_PLATFORM
        if not self._options.all_platforms:
            return _found(choose_image(data, media_type, wanted, what, read), data, fresh, None)
        document = parse_document(data, media_type, what)
        tree = documents_below(document, what, read) if isinstance(document, Index) else None
        try:
            chosen = choose_image(data, media_type, wanted, what, read)
        except PlatformNotFound:
            if tree is None or not tree.images:
                raise
            # The name stands for something when it is run or inspected: the first image.
            first = tree.images[0]
            chosen = choose_image(read(first), first.media_type, wanted, what, read)
            chosen = msgspec.structs.replace(chosen, descriptor=first, index=digest_of(data))
        return _found(chosen, data, fresh, tree)

    def _top(self) -> tuple[bytes, str, bool]:
        """Bytes and media type of what the name points to, and whether the store lacks it."""
        known = self._known()
        if known is not None:
            digest, data, media_type = known
            asked = self._image.digest if isinstance(self._image, Reference) else None
            if asked == digest and not self._options.refresh:
                return data, media_type, False
            answer = self._source.top(digest)
            if answer is None:
                return data, media_type, False
        else:
            answer = self._source.top()
        if answer is None:
            raise InvalidImage(
                f"{self._image}: its origin says that nothing has changed, but nothing was here"
            )
        return *answer, True

    def _known(self) -> tuple[Digest, bytes, str] | None:
        """What the name pointed to at the last pull, if the store still has it unharmed."""
        pin = next((pin for pin in self._store.pins() if pin.name == self._names[0]), None)
        if pin is None:
            return None
        digest = pin.index or pin.manifest.digest
        self._whole = digest if pin.whole else None
        try:
            data = self._store.read_document(digest, "manifest")
        except (ContentMismatch, StoreError):
            return None
        return digest, data, stored_type(data) if pin.index else pin.manifest.media_type

    def _document(self, entry: Descriptor, fresh: dict[Digest, bytes]) -> bytes:
        """A manifest or index from the store, else from the source; verified against its descriptor."""
        if entry.digest in fresh:
            return fresh[entry.digest]
        if self._store.has_blob(entry.digest, entry.size):
            try:
                return self._store.read_document(entry.digest, "manifest")
            except (ContentMismatch, StoreError):
                pass  # damaged on disk, or pruned this moment: the fetched one replaces it
        fresh[entry.digest] = self._source.manifest(entry)
        return fresh[entry.digest]

    def _judge(self, found: _Found) -> None:
        """By the policy, each image that the name will stand for, before any of its blobs is used."""
        if not place.is_in_force():
            return
        from elfuse.oci.policy.gate import require_allowed

        for image in found.tree.images if found.tree is not None else [found.leaf]:
            require_allowed(self._image, self._document(image, found.fresh), self._source.signatures())

    # -- blobs

    def _bring(self, found: _Found) -> ImageConfig:
        """All blobs; the config before any layer, as it may say that the image is for another machine."""
        self._fetch("config", found.manifest.config)
        what = f"config of {self._image}"
        data = self._store.read_document(found.manifest.config.digest, what)
        config = parse_config(data, found.manifest, what)
        wanted = self._options.platform
        if wanted is not None and found.tree is None and not serves(wanted, config.platform):
            raise not_offered(str(self._image), wanted, [str(config.platform)])
        if self._options.unpack and not self._store.claim_stack(chain_id(config.diff_ids)):
            from elfuse.oci.snapshot.arriving import Arriving

            of_blob = zip(found.manifest.layers, config.diff_ids, strict=True)
            self._arriving = Arriving(self._store, {blob.digest: diff_id for blob, diff_id in of_blob})
        blobs = [("layer", layer) for layer in found.manifest.layers]
        self._fetch_all([*blobs, *(found.tree.blobs if found.tree is not None else [])])
        return config

    def _fetch_all(self, blobs: list[tuple[str, Descriptor]]) -> None:
        """Each distinct blob once, the longest first; the first failure ends the others."""
        distinct = {blob.digest: (kind, blob) for kind, blob in reversed(blobs)}
        absent = {blob.digest for blob in self._store.claim_blobs(blob for _, blob in distinct.values())}
        missing = []
        for kind, blob in reversed(distinct.values()):
            if blob.digest in absent:
                missing.append((kind, blob))
            else:
                self._progress.finish(kind, blob.digest, blob.size, False)
        self._check_space(sum(blob.size for _, blob in missing))
        missing.sort(key=lambda item: -item[1].size)
        jobs = [lambda k=kind, b=blob: self._fetch(k, b) for kind, blob in missing]
        run_all(jobs, self._session.jobs, self._source.cancel)

    def _check_space(self, missing: int) -> None:
        """Better now than after gigabytes. What arrives is bounded by the same sizes."""
        status = os.statvfs(self._store.path)
        free = status.f_bavail * status.f_frsize
        if missing > free:
            raise StoreError(
                f"{self._image} needs {missing >> 20} MiB in {self._store.path}, "
                f"which has {free >> 20} MiB free",
                hint="free some space, or name another store with ELFUSE_STORE",
            )

    def _fetch(self, kind: str, blob: Descriptor) -> None:
        if self._store.claim_blob(blob.digest, blob.size):
            self._progress.finish(kind, blob.digest, blob.size, False)
            return
        with self._session.slot(self._source):
            try:
                resumed = self._transfer(kind, blob)
            except _ResumedWrong:
                # What an earlier process left was no part of the blob. Once more, from nothing.
                resumed = self._transfer(kind, blob)
        self._progress.finish(kind, blob.digest, blob.size, not resumed)

    def _transfer(self, kind: str, blob: Descriptor) -> bool:
        """True when another process had brought the blob meanwhile."""
        stop = lambda: self._source.cancelled  # noqa: E731
        with self._store.partial_blob(blob.digest, blob.size, stop) as partial:
            if partial.complete:
                return True
            resumed = partial.present > 0
            self._progress.begin(kind, blob.digest, blob.size, partial.present)
            try:
                with self._unpacking(blob, partial):
                    self._source.blob(blob, partial, self._progress)
                    partial.commit()
            except BlobMissing:
                raise
            except ContentMismatch:
                partial.discard()
                if resumed:
                    self._progress.advance(blob.digest, -partial.present)
                    raise _ResumedWrong from None
                raise
        return False

    def _unpacking(self, blob: Descriptor, partial: PartialBlob) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._arriving is None else self._arriving.follow(blob, partial)

    # -- the name

    def _pin(self, found: _Found, config: ImageConfig) -> StoredImage:
        leaf = found.leaf
        pinned = Descriptor(leaf.media_type, leaf.digest, leaf.size, leaf.platform or config.platform)
        index = found.index.digest if found.index is not None else None
        whole = found.index if found.tree is not None or (index and index == self._whole) else None
        needs = [leaf, found.manifest.config, *found.manifest.layers]
        if found.tree is not None and whole is not None:
            needs += [whole, *found.tree.documents, *(blob for _, blob in found.tree.blobs)]
        for name in self._names:
            self._store.set_pin(name, pinned, index, whole, needs)
        return StoredImage(self._names[0], pinned, index, found.manifest, config)


class _ResumedWrong(ElfuseError):
    def __init__(self) -> None:
        super().__init__("a resumed blob did not verify")
