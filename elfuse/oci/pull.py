"""Pull: index to leaf, config, layers in parallel, and last of all the pin.

Nothing refers to a blob before it is whole, and the pin is written when everything it needs is in the
store, so an interrupted pull changes nothing that was there.
"""

import contextlib
import os
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from elfuse.errors import ContentMismatch, ElfuseError, InvalidImage, StoreError
from elfuse.oci import disk
from elfuse.oci.digest import Digest, digest_of
from elfuse.oci.image import (
    GUEST_PLATFORM,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    choose,
    not_offered,
    parse_config,
    parse_document,
    serves,
)
from elfuse.oci.layout import BlobsVanished, Store
from elfuse.oci.progress import Progress, Silent
from elfuse.oci.reference import ImageSource
from elfuse.oci.source import Source, open_source
from elfuse.oci.stored import StoredImage

# skopeo and podman default to six.
PARALLEL_BLOBS = 6
# How often a pull begins again because a prune in another process took what no pin named yet.
_ATTEMPTS = 3


def pull_image(
    store: Store,
    image: ImageSource,
    *,
    platform: Platform = GUEST_PLATFORM,
    tls_verify: bool = True,
    progress: Progress | None = None,
) -> StoredImage:
    """Bring `image` into the store and pin it. What is there already is not fetched again."""
    watcher = progress or Silent()
    source = open_source(image, tls_verify=tls_verify)
    with disk.reported(f"the pull of {image}", store.path), store.activity():
        try:
            for _ in range(_ATTEMPTS - 1):
                with contextlib.suppress(BlobsVanished):
                    return _Pull(store, source, image, platform, watcher).run()
            return _Pull(store, source, image, platform, watcher).run()
        except BaseException:
            source.cancel()
            raise


class _Pull:
    def __init__(
        self, store: Store, source: Source, image: ImageSource, platform: Platform, progress: Progress
    ) -> None:
        self._store = store
        self._source = source
        self._image = image
        self._platform = platform
        self._progress = progress

    def run(self) -> StoredImage:
        what = str(self._image)
        top, media_type = self._source.top()
        document = parse_document(top, media_type, what)
        documents = [top]
        index: Digest | None = None
        leaf = Descriptor(media_type=document.media_type, digest_text=digest_of(top), size=len(top))
        if isinstance(document, Index):
            index = leaf.digest
            leaf = choose(document, self._platform, what)
            data = self._leaf_bytes(leaf)
            documents.append(data)
            document = parse_document(data, leaf.media_type, f"manifest {leaf.digest} of {what}")
            if not isinstance(document, Manifest):
                raise InvalidImage(f"{what}: index entry {leaf.digest} is itself an index")
        config = self._config(document)
        self._fetch_all(document.layers)
        present = self._store.has_blob(leaf.digest, leaf.size)
        for data in documents:
            self._store.put_document(data)
        self._progress.finish("manifest", leaf.digest, leaf.size, not present)
        pinned = Descriptor(leaf.media_type, leaf.digest, leaf.size, leaf.platform or config.platform)
        self._store.set_pin(self._image.pin, pinned, index, needs=[leaf, document.config, *document.layers])
        return StoredImage(self._image.pin, pinned, index, document, config)

    def _leaf_bytes(self, leaf: Descriptor) -> bytes:
        """The leaf from the store, else from the source; verified against its descriptor."""
        if self._store.has_blob(leaf.digest, leaf.size):
            try:
                return self._store.read_document(leaf.digest, "manifest")
            except ContentMismatch:
                pass  # damaged on disk: the fetched one replaces it
        data = self._source.manifest(leaf)
        if len(data) != leaf.size or digest_of(data) != leaf.digest:
            raise ContentMismatch(f"{self._image}: manifest {leaf.digest} has the wrong content or size")
        return data

    def _config(self, manifest: Manifest) -> ImageConfig:
        """The config, before any layer: it may say that the image is for another machine."""
        self._fetch("config", manifest.config)
        what = f"config of {self._image}"
        data = self._store.read_document(manifest.config.digest, what)
        config = parse_config(data, manifest, what)
        if not serves(self._platform, config.platform):
            raise not_offered(str(self._image), self._platform, [str(config.platform)])
        return config

    def _fetch_all(self, layers: list[Descriptor]) -> None:
        """All layers, each distinct blob once; the first failure ends the others."""
        distinct = list({layer.digest: layer for layer in layers}.values())
        self._check_space(distinct)
        pool = ThreadPoolExecutor(PARALLEL_BLOBS, thread_name_prefix="pull")
        try:
            jobs: list[Future[None]] = [pool.submit(self._fetch, "layer", layer) for layer in distinct]
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            failures = [error for job in done if (error := job.exception()) is not None]
        except BaseException:
            self._source.cancel()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if failures:
            self._source.cancel()
        pool.shutdown(wait=True)
        if failures:
            raise failures[0]

    def _check_space(self, layers: list[Descriptor]) -> None:
        """Better now than after gigabytes. What arrives is bounded by the same sizes."""
        missing = sum(layer.size for layer in layers if not self._store.has_blob(layer.digest, layer.size))
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
        try:
            resumed = self._transfer(kind, blob)
        except _ResumedWrong:
            # What an earlier process left was not a prefix of the blob. Once more, from nothing.
            resumed = self._transfer(kind, blob)
        self._progress.finish(kind, blob.digest, blob.size, not resumed)

    def _transfer(self, kind: str, blob: Descriptor) -> bool:
        """True when another process had brought the blob meanwhile."""
        stop = lambda: self._source.cancelled  # noqa: E731
        with self._store.partial_blob(blob.digest, blob.size, stop) as partial:
            if partial.complete:
                return True
            resumed = partial.offset > 0
            self._progress.begin(kind, blob.digest, blob.size, partial.offset)
            try:
                self._source.blob(blob, partial, self._progress)
                partial.commit()
            except ContentMismatch:
                partial.discard()
                if resumed:
                    raise _ResumedWrong from None
                raise
        return False


class _ResumedWrong(ElfuseError):
    def __init__(self) -> None:
        super().__init__("a resumed blob did not verify")
