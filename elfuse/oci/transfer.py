"""One blob from a registry into the store's staging: resumed, checked, verified while it streams."""

import re

from elfuse.errors import ContentMismatch, RegistryError
from elfuse.oci import retry
from elfuse.oci.auth import cause_of
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.http import Response, origin
from elfuse.oci.image import Descriptor
from elfuse.oci.progress import Progress
from elfuse.oci.registry import RegistryClient, missing_blob

_WORTH_A_RETRY = 1 << 20


def fetch_blob(
    client: RegistryClient, descriptor: Descriptor, partial: PartialBlob, progress: Progress
) -> None:
    """Bring `partial` to its full size, from where it is. The caller commits it."""
    retries = retry.Retries(client.options, client.cancellation)
    mark = partial.offset
    while partial.offset < descriptor.size:
        try:
            retry.attempt(lambda: _fetch_once(client, descriptor, partial, progress))
            return
        except retry.Retry as failure:
            if partial.offset - mark >= _WORTH_A_RETRY:
                retries.succeeded()
            mark = partial.offset
            retries.pause(failure)


def _fetch_once(
    client: RegistryClient, descriptor: Descriptor, partial: PartialBlob, progress: Progress
) -> None:
    sink = _BlobSink(descriptor, partial, progress)
    headers = {"Range": f"bytes={partial.offset}-"} if partial.offset else {}
    what = f"blob {descriptor.digest} of {client.reference}"
    response = client.request(
        "GET",
        f"blobs/{descriptor.digest}",
        headers=headers,
        limit=0,
        sink=sink,
        multiplex=False,
        retries=False,
    )
    if response.status == 416:
        progress.advance(descriptor.digest, -partial.offset)
        partial.restart()
        raise retry.Retry(RegistryError(f"{what}: the registry cannot resume it", status=416))
    if response.status == 404:
        raise missing_blob(descriptor, client.reference)
    if response.status in (200, 206):
        return
    foreign = origin(response.url) != origin(client.base)
    # An address that we were sent to may have been good for a while only.
    if response.status in retry.STATUS or (foreign and response.status in (401, 403)):
        error = RegistryError(
            f"{what}: {client.reference.domain} answers {cause_of(response)}", status=response.status
        )
        raise retry.Retry(error, retry.seconds_of(response.header("retry-after")))
    client.expect(response, what)


class _BlobSink:
    """Checks what the answer says about its length before the first byte is written."""

    def __init__(self, descriptor: Descriptor, partial: PartialBlob, progress: Progress) -> None:
        self._descriptor = descriptor
        self._partial = partial
        self._progress = progress

    def accept(self, response: Response) -> bool:
        if response.status == 206:
            self._check_range(response)
            return True
        if response.status != 200:
            return False
        if self._partial.offset:
            # The server does not do ranges: from the start.
            self._progress.advance(self._descriptor.digest, -self._partial.offset)
            self._partial.restart()
        length = response.header("content-length")
        if length.isdigit() and int(length) != self._descriptor.size:
            raise self._wrong_size(int(length))
        return True

    def write(self, data: bytes) -> None:
        self._partial.write(data)
        self._progress.advance(self._descriptor.digest, len(data))

    def _check_range(self, response: Response) -> None:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.header("content-range").lower())
        if not match or int(match[1]) != self._partial.offset:
            raise RegistryError(f"blob {self._descriptor.digest}: the registry sent another range")
        if match[2] != "*" and int(match[2]) != self._descriptor.size:
            raise self._wrong_size(int(match[2]))

    def _wrong_size(self, size: int) -> ContentMismatch:
        self._partial.discard()
        word = "is truncated" if size < self._descriptor.size else "is too long"
        return ContentMismatch(
            f"blob {self._descriptor.digest} {word}: the registry has {size} bytes, "
            f"the manifest says {self._descriptor.size}"
        )
