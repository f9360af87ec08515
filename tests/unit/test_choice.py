"""Which image of an index is taken, and what no index may make elfuse do."""

import json
from typing import Any

import pytest

from elfuse.errors import ContentMismatch, InvalidImage, PlatformNotFound
from elfuse.oci import media
from elfuse.oci.choice import DEPTH_LIMIT, Chosen, choose_image
from elfuse.oci.digest import digest_of
from elfuse.oci.image import Descriptor, parse_platform

D = "sha256:" + "a" * 64


class Documents:
    """Documents by digest, and which of them were read."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.read: list[str] = []

    def put(self, document: Any, **entry: Any) -> dict[str, Any]:
        """The descriptor of a new document."""
        data = json.dumps(document).encode()
        self.held[digest_of(data)] = data
        base = {"mediaType": document["mediaType"], "digest": digest_of(data), "size": len(data)}
        return {**base, **entry}

    def image(self, name: str, platform: str | None = None, **entry: Any) -> dict[str, Any]:
        layer = {"mediaType": f"{media.OCI_LAYER}+gzip", "digest": D, "size": 5}
        config = {"mediaType": media.OCI_CONFIG, "digest": D, "size": 5}
        document = {
            "schemaVersion": 2,
            "mediaType": media.OCI_MANIFEST,
            "config": config,
            "layers": [layer],
            "annotations": {"name": name},
        }
        return self.put(document, **labelled(platform), **entry)

    def artifact(self, **entry: Any) -> dict[str, Any]:
        config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": D, "size": 2}
        document = {
            "schemaVersion": 2,
            "mediaType": media.OCI_MANIFEST,
            "artifactType": "application/spdx+json",
            "config": config,
            "layers": [config],
        }
        return self.put(document, **entry)

    def index(self, *entries: dict[str, Any], platform: str | None = None) -> dict[str, Any]:
        document = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": list(entries)}
        return self.put(document, **labelled(platform))

    def choose(self, top: dict[str, Any], wanted: str = "linux/arm64") -> Chosen:
        def read(descriptor: Descriptor) -> bytes:
            self.read.append(descriptor.digest)
            return self.held[descriptor.digest]

        data = self.held[top["digest"]]
        return choose_image(data, top["mediaType"], parse_platform(wanted), "X", read)

    def chosen(self, *entries: dict[str, Any], wanted: str = "linux/arm64") -> str:
        """The name of the image that is chosen."""
        found = self.choose(self.index(*entries), wanted)
        name: str = json.loads(found.documents[-1])["annotations"]["name"]
        return name


def labelled(platform: str | None) -> dict[str, Any]:
    if platform is None:
        return {}
    system, architecture, *variant = platform.split("/")
    label = {"os": system, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
    return {"platform": label}


@pytest.mark.parametrize(
    ("offered", "wanted", "position"),
    [
        (["linux/amd64", "linux/arm64"], "linux/arm64", 1),
        (["linux/arm64", "linux/arm64/v8"], "linux/arm64", 1),
        (["linux/arm64/v9", "linux/arm64"], "linux/arm64", 1),
        (["linux/arm64/v9"], "linux/arm64", 0),
        (["linux/arm64"], "linux/arm64/v8", 0),
        (["linux/arm64/v8", "linux/arm64/v8"], "arm64", 0),
        ([None, "unknown/unknown", "linux/arm64/v8"], "aarch64", 2),
        (["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7", 1),
        (["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], "linux/arm/v7", 1),
        (["linux/amd64/v3", "linux/amd64"], "linux/amd64", 1),
        (["linux/amd64/v3"], "linux/amd64", 0),
        (["windows/arm64", "linux/arm64"], "linux/arm64", 1),
        (["windows/arm64", None], "linux/arm64", 1),
    ],
)
def test_platform_choice(offered: list[str | None], wanted: str, position: int) -> None:
    documents = Documents()
    entries = [documents.image(str(number), platform) for number, platform in enumerate(offered)]
    assert documents.chosen(*entries, wanted=wanted) == str(position)
    assert len(documents.read) == 1  # and nothing of the others


def test_no_platform_names_what_is_there() -> None:
    documents = Documents()
    entries = [documents.image(p, p) for p in ("linux/amd64", "unknown/unknown", "linux/arm64/v9")]
    inner = documents.index(documents.image("s390x", "linux/s390x"))
    wanted = r"X has no image for linux/arm64/v8; it offers linux/amd64, linux/arm64/v9, linux/s390x$"
    with pytest.raises(PlatformNotFound, match=wanted):
        documents.chosen(*entries, inner, wanted="linux/arm64/v8")
    with pytest.raises(PlatformNotFound, match="it offers no platform"):
        documents.chosen()


def test_artifacts_and_attestations_are_passed_over() -> None:
    documents = Documents()
    attestation = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": D}
    entries = [
        documents.artifact(platform={"os": "unknown", "architecture": "unknown"}),
        documents.artifact(annotations=attestation, **labelled("linux/arm64")),
        documents.artifact(artifactType="application/spdx+json", **labelled("linux/arm64")),
        documents.artifact(),
    ]
    image = documents.image("image", "linux/arm64")
    assert documents.chosen(*entries, image) == "image" and documents.read == [image["digest"]]
    # An artifact without a mark is known once it is read, and the image after it is found.
    assert documents.chosen(*entries, documents.image("unmarked")) == "unmarked"
    with pytest.raises(PlatformNotFound):
        documents.chosen(*entries)


def test_an_artifact_that_calls_itself_the_image_is_refused() -> None:
    documents = Documents()
    with pytest.raises(InvalidImage, match="is an artifact with config type"):
        documents.chosen(documents.artifact(**labelled("linux/arm64")))
    with pytest.raises(InvalidImage, match="is an artifact with config type"):
        documents.choose(documents.artifact())


def test_nested_indexes() -> None:
    documents = Documents()
    inner = documents.index(documents.image("amd", "linux/amd64"), documents.image("arm", "linux/arm64"))
    top = documents.index(documents.image("amd", "linux/amd64"), inner)
    found = documents.choose(top)
    assert json.loads(found.documents[-1])["annotations"]["name"] == "arm"
    assert found.index == top["digest"]
    assert [digest_of(data) for data in found.documents[:2]] == [top["digest"], inner["digest"]]
    # An index for another platform is not even read; one for this platform labels what is in it.
    other = documents.index(documents.image("wrong"), platform="linux/amd64")
    ours = documents.index(documents.image("right"), platform="linux/arm64")
    documents.read.clear()
    assert documents.chosen(other, ours) == "right"
    assert other["digest"] not in documents.read


def test_indexes_without_end() -> None:
    documents = Documents()
    top = documents.index(documents.image("deep", "linux/arm64"))
    for _ in range(DEPTH_LIMIT - 1):
        top = documents.index(top)
    assert json.loads(documents.choose(top).documents[-1])["annotations"]["name"] == "deep"
    with pytest.raises(InvalidImage, match="indexes in indexes, more than 4 deep"):
        documents.choose(documents.index(top))
    wide = [documents.index(documents.image(str(n), "linux/amd64")) for n in range(40)]
    documents.read.clear()
    with pytest.raises(InvalidImage, match="leads to more than 32"):
        documents.chosen(*wide)
    assert len(documents.read) == 32


def test_entries_that_lie_about_their_type() -> None:
    documents = Documents()
    image = documents.image("x", "linux/arm64")
    with pytest.raises(InvalidImage, match="was delivered as"):
        documents.chosen({**image, "mediaType": media.DOCKER_MANIFEST})
    with pytest.raises(InvalidImage, match="was delivered as"):
        documents.chosen({**image, "mediaType": media.OCI_INDEX})
    with pytest.raises(InvalidImage, match="Docker schema 1"):
        documents.chosen({**image, "mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"})
    with pytest.raises(InvalidImage, match=r"media type 'text/plain'"):
        documents.chosen({**image, "mediaType": "text/plain"})
    with pytest.raises(InvalidImage, match="is over 4 MiB"):
        documents.chosen({**image, "size": 5 << 20})


def test_what_read_refuses_is_passed_on() -> None:
    documents = Documents()
    top = documents.index(documents.image("x", "linux/arm64"))

    def read(descriptor: Descriptor) -> bytes:
        raise ContentMismatch(f"{descriptor.digest} has the wrong content")

    with pytest.raises(ContentMismatch):
        choose_image(documents.held[top["digest"]], media.OCI_INDEX, parse_platform("arm64"), "X", read)
