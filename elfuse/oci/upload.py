"""Images to a registry: blobs that it lacks, in parallel, then manifests (distribution spec 1.1, "Push")."""

import re
from collections.abc import Iterable
from functools import partial
from urllib.parse import urljoin, urlsplit

from elfuse.errors import ContentMismatch, InvalidReference, RegistryError
from elfuse.oci import retry
from elfuse.oci.auth import cause_of
from elfuse.oci.digest import Digest
from elfuse.oci.http import FileBody, Response
from elfuse.oci.image import Descriptor
from elfuse.oci.outgoing import Outgoing, OutgoingDocument
from elfuse.oci.progress import Progress
from elfuse.oci.reference import Reference
from elfuse.oci.registry import RegistryClient
from elfuse.oci.work import DEFAULT_JOBS, run_all

_RANGE = re.compile(r"(?:bytes=)?0-(\d+)")


class Uploader:
    """Copies to one repository. `mounts`: blob -> another repository of the same registry that has it."""

    def __init__(self, client: RegistryClient, mounts: dict[Digest, str], progress: Progress) -> None:
        self._client = client
        self._mounts = mounts
        self._progress = progress
        self._scopes = client.scopes("pull,push")

    def push(self, outgoing: Outgoing, tag: str | None) -> None:
        """All of an image; its top is named `tag` last of all. Without a tag it is known by its digest."""
        self._push_blobs(outgoing)
        for document in outgoing.documents[:-1]:
            self._put_manifest(document, document.descriptor.digest)
        self._put_manifest(outgoing.top, tag or outgoing.top.descriptor.digest)

    def _push_blobs(self, outgoing: Outgoing) -> None:
        """All at once; the first failure ends the others."""
        jobs = [partial(self._push_blob, blob, outgoing) for blob in outgoing.blobs]
        run_all(jobs, DEFAULT_JOBS, self._client.cancellation.cancel)

    # -- blobs

    def _push_blob(self, blob: Descriptor, outgoing: Outgoing) -> None:
        if self._is_there(blob):
            self._progress.finish("blob", blob.digest, blob.size, False)
            return
        location = self._begin(blob)
        if location is None:
            self._progress.finish("blob", blob.digest, blob.size, False)
            return
        for _ in outgoing.chunks(blob):
            pass  # verified before a byte of it goes out
        self._progress.begin("blob", blob.digest, blob.size, 0)
        self._send(blob, outgoing, location)
        self._progress.finish("blob", blob.digest, blob.size, True)

    def _is_there(self, blob: Descriptor) -> bool:
        response = self._client.request("HEAD", f"blobs/{blob.digest}", scopes=self._scopes)
        if response.status == 404:
            return False
        self._client.expect(response, self._what(blob))
        return True

    def _begin(self, blob: Descriptor) -> str | None:
        """Where to send the blob; None when the registry took it over from another repository."""
        origin = self._mounts.get(blob.digest)
        path, scopes = "blobs/uploads/", self._scopes
        if origin is not None:
            path += f"?mount={blob.digest}&from={origin}"
            scopes = (*scopes, f"repository:{origin}:pull")
        response = self._client.request("POST", path, scopes=scopes)
        if response.status in (401, 403) and origin is not None:
            # We may not read there; that is no reason not to send it.
            response = self._client.request("POST", "blobs/uploads/", scopes=self._scopes)
        if response.status == 201:
            return None
        self._client.expect(response, self._what(blob), 202)
        return self._location(response)

    def _send(self, blob: Descriptor, outgoing: Outgoing, location: str) -> None:
        """The whole blob in one request; after a failure, what the registry has not."""
        retries = retry.Retries(self._client.options, self._client.cancellation)
        report = partial(self._progress.advance, blob.digest)
        with open(outgoing.store.blob_path(blob.digest), "rb", buffering=0) as file:
            start = sent = 0
            while True:
                body = FileBody(file, blob.size - start, start, report)
                try:
                    retry.attempt(lambda at=location, rest=body: self._put_once(blob, at, rest))  # type: ignore[misc]
                    return
                except retry.Retry as failure:
                    if start > sent:
                        retries.succeeded()
                    sent = start
                    retries.pause(failure)
                    resumed = self._resumable(location, blob)
                    if resumed is not None:
                        location, start = resumed
                        continue
                    fresh = self._begin(blob)
                    if fresh is None:
                        return
                    location, start = fresh, 0

    def _put_once(self, blob: Descriptor, location: str, body: FileBody) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        if body.start:
            headers["Content-Range"] = f"{body.start}-{blob.size - 1}"
        separator = "&" if urlsplit(location).query else "?"
        response = self._client.request(
            "PUT",
            f"{location}{separator}digest={blob.digest}",
            headers=headers,
            body=body,
            scopes=self._scopes,
            multiplex=False,
            retries=False,
        )
        # 404: the upload is forgotten. 416: the registry has another part of it than we think.
        if response.status in retry.STATUS or response.status in (404, 416):
            raise retry.Retry(
                RegistryError(
                    f"{self._what(blob)}: {self._domain} answers {cause_of(response)}", status=response.status
                ),
                retry.seconds_of(response.header("retry-after")),
            )
        self._client.expect(response, self._what(blob), 201)

    def _resumable(self, location: str, blob: Descriptor) -> tuple[str, int] | None:
        """Where to go on and from which byte; None when the upload has to begin again."""
        response = self._client.request("GET", location, scopes=self._scopes)
        match = _RANGE.fullmatch(response.header("range").strip())
        if response.status != 204 or match is None:
            return None
        # "0-0" says one byte, and is also how registries say none.
        start = int(match[1]) + 1
        if start == 1 or start >= blob.size:
            return None
        return self._location(response), start

    def _location(self, response: Response) -> str:
        target = urljoin(response.url, response.header("location"))
        self._client.check_target(target, "has uploads sent")
        return target

    # -- manifests

    def _put_manifest(self, document: OutgoingDocument, selector: str) -> None:
        digest = document.descriptor.digest
        what = f"manifest {digest} to {self._client.reference.repository}"
        response = self._client.request(
            "PUT",
            f"manifests/{selector}",
            headers={"Content-Type": document.descriptor.media_type},
            body=document.data,
            scopes=self._scopes,
        )
        self._client.expect(response, what, 201)
        announced = response.header("docker-content-digest")
        if announced.startswith("sha256:") and announced != digest:
            raise ContentMismatch(f"{what}: the registry took it as {announced}")
        self._progress.finish("manifest", digest, len(document.data), True)

    @property
    def _domain(self) -> str:
        return self._client.reference.domain

    def _what(self, blob: Descriptor) -> str:
        return f"blob {blob.digest} to {self._client.reference.repository}"


def check_destination(reference: Reference, digest: Digest) -> None:
    """A destination with a digest says what must be pushed."""
    if reference.digest not in (None, digest):
        raise InvalidReference(
            f"cannot push {digest} as {reference}: it is another digest", hint="name a tag, or no digest"
        )


def mount_candidates(
    reference: Reference, held: Iterable[tuple[Reference, Iterable[Digest]]]
) -> dict[Digest, str]:
    """Which repository of the same registry has a blob, by what was pulled from there (`held`)."""
    found: dict[Digest, str] = {}
    for source, digests in held:
        if source.domain == reference.domain and source.path != reference.path:
            for digest in digests:
                found.setdefault(digest, source.path)
    return found
