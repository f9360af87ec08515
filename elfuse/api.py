"""The Python API: pull, inspect, unpack and run, as the command does them."""

import os
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from elfuse.errors import ImageNotFound, PlatformNotFound
from elfuse.oci.digest import chain_id
from elfuse.oci.image import GUEST_PLATFORM, Platform, parse_platform, serves
from elfuse.oci.layout import Store
from elfuse.oci.progress import Progress
from elfuse.oci.reference import LayoutReference, Reference, parse
from elfuse.oci.stored import StoredImage, load_image

PullPolicy = Literal["always", "missing", "never"]
Engine = Literal["auto", "jit", "interp"]


class PulledImage(msgspec.Struct, frozen=True):
    """What a pull put, or found, in the store."""

    reference: str  # the canonical name it is pinned under
    digest: str  # of the platform's manifest
    config_digest: str  # the image ID of docker and podman
    platform: str
    size: int  # compressed bytes of all layers

    @property
    def pinned(self) -> str:
        """name@digest: the very same image at any later time. A layout has no such names."""
        if self.reference.startswith("oci:"):
            return self.reference
        name = self.reference.partition("@")[0]
        if ":" in name.rpartition("/")[2]:
            name = name.rpartition(":")[0]
        return f"{name}@{self.digest}"


class LayerDetails(msgspec.Struct, frozen=True):
    digest: str
    diff_id: str
    size: int
    media_type: str


class ImageDetails(msgspec.Struct, frozen=True):
    """An image of the store. `raw_manifest` and `raw_config` are the bytes that the digests name."""

    reference: str
    digest: str
    media_type: str
    index: str | None
    config_digest: str
    chain_id: str
    platform: str
    created: str | None
    user: str
    working_dir: str
    env: list[str]
    entrypoint: list[str]
    cmd: list[str]
    labels: dict[str, str]
    layers: list[LayerDetails]
    unpacked: bool
    raw_manifest: bytes
    raw_config: bytes


class CompletedRun(msgspec.Struct, frozen=True):
    """An ended run, like subprocess.CompletedProcess. Killed by signal N: returncode is 128+N."""

    args: list[str]
    returncode: int
    stdout: bytes | None
    stderr: bytes | None

    def check_returncode(self) -> None:
        """Raise subprocess.CalledProcessError unless the guest ended with 0."""
        if self.returncode:
            import subprocess

            raise subprocess.CalledProcessError(self.returncode, self.args, self.stdout, self.stderr)


def pull(
    image: str,
    *,
    platform: str | None = None,
    tls_verify: bool = True,
    store: str | None = None,
    progress: Progress | None = None,
) -> PulledImage:
    """Bring an image into the store, or find that it is there and current."""
    from elfuse.oci.pull import pull_image

    pulled = pull_image(
        Store.open(store),
        parse(image),
        platform=_platform(platform),
        tls_verify=tls_verify,
        progress=progress,
    )
    return PulledImage(
        reference=pulled.name,
        digest=pulled.descriptor.digest,
        config_digest=pulled.manifest.config.digest,
        platform=str(pulled.config.platform),
        size=sum(layer.size for layer in pulled.manifest.layers),
    )


def inspect(image: str, *, store: str | None = None) -> ImageDetails:
    """What the store knows of an image. Asks no registry."""
    opened = Store.open(store)
    found = require_image(opened, parse(image))
    run_config = found.config.run
    chain = chain_id(found.config.diff_ids)
    return ImageDetails(
        reference=found.name,
        digest=found.descriptor.digest,
        media_type=found.descriptor.media_type,
        index=found.index,
        config_digest=found.manifest.config.digest,
        chain_id=chain,
        platform=str(found.config.platform),
        created=found.config.created,
        user=run_config.user or "",
        working_dir=run_config.working_dir or "/",
        env=run_config.env or [],
        entrypoint=run_config.entrypoint or [],
        cmd=run_config.cmd or [],
        labels=run_config.labels or {},
        layers=[
            LayerDetails(layer.digest, diff_id, layer.size, layer.media_type)
            for layer, diff_id in zip(found.manifest.layers, found.config.diff_ids, strict=True)
        ],
        unpacked=os.path.isdir(opened.stack_path(chain)),
        raw_manifest=opened.read_document(found.descriptor.digest, "manifest"),
        raw_config=opened.read_document(found.manifest.config.digest, "config"),
    )


def unpack(image: str, destination: str | None = None, *, store: str | None = None) -> str:
    """The path of the image's unpacked tree.

    Without a destination it is the store's own, which every run of the image shares: read it only. A
    destination gets a tree of its own.
    """
    from elfuse.oci.snapshot import default_snapshotter
    from elfuse.oci.snapshot.stack import unpack_to

    opened = Store.open(store)
    found = require_image(opened, parse(image))
    if destination is None:
        return default_snapshotter().prepare(opened, found)
    return unpack_to(opened, found, destination)


def run(
    image: str,
    args: Sequence[str] = (),
    *,
    entrypoint: Sequence[str] | str | None = None,
    env: Mapping[str, str] | None = None,
    workdir: str | None = None,
    user: str | None = None,
    volumes: Sequence[str] = (),
    hostname: str | None = None,
    read_only: bool = False,
    strace: bool = False,
    verbose: bool = False,
    engine: Engine = "auto",
    pull: PullPolicy = "missing",
    tls_verify: bool = True,
    input: bytes | None = None,  # noqa: A002 - subprocess.run's name for it
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    store: str | None = None,
) -> CompletedRun:
    """Run a program from an image and wait for it.

    Raises subprocess.TimeoutExpired and, with `check`, subprocess.CalledProcessError, as
    subprocess.run does. The run's writable root is gone afterwards.
    """
    from elfuse.runtime.prepare import RunOptions, prepare_run
    from elfuse.runtime.process import run_guest

    opened = Store.open(store)
    options = RunOptions(
        args=list(args),
        entrypoint=[entrypoint] if isinstance(entrypoint, str) else _listed(entrypoint),
        env=[f"{key}={value}" for key, value in (env or {}).items()],
        workdir=workdir,
        user=user,
        volumes=list(volumes),
        hostname=hostname,
        read_only=read_only,
        strace=strace,
        verbose=verbose,
        engine=engine,
    )
    found = resolve_image(opened, image, policy=pull, tls_verify=tls_verify)
    prepared = prepare_run(opened, found, options, os.environ)
    try:
        ended = run_guest(prepared.spec, capture_output=capture_output, input_data=input, timeout=timeout)
    finally:
        prepared.abandon()
        opened.sweep()
    code = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
    done = CompletedRun(prepared.spec.argv, code, ended.stdout, ended.stderr)
    if check:
        done.check_returncode()
    return done


def resolve_image(
    store: Store,
    image: str,
    *,
    policy: PullPolicy = "missing",
    tls_verify: bool = True,
    progress: Progress | None = None,
) -> StoredImage:
    """An image that can run here, pulled first where the policy says so.

    `missing` looks again at a layout on disk, which costs no network and may have changed.
    """
    source = parse(image)
    found: StoredImage | None = None
    if policy == "never" or (policy == "missing" and isinstance(source, Reference)):
        found = load_image(store, source)
    if found is not None and not serves(GUEST_PLATFORM, found.config.platform):
        if policy == "never":
            raise PlatformNotFound(
                f"{found.name} was pulled for {found.config.platform}; elfuse runs {GUEST_PLATFORM}",
                hint=f"pull it for {GUEST_PLATFORM}",
            )
        found = None
    if found is not None:
        return found
    if policy == "never":
        raise _absent(source)
    from elfuse.oci.pull import pull_image

    return pull_image(store, source, tls_verify=tls_verify, progress=progress)


def require_image(store: Store, source: Reference | LayoutReference) -> StoredImage:
    found = load_image(store, source)
    if found is None:
        raise _absent(source)
    return found


def _absent(source: Reference | LayoutReference) -> ImageNotFound:
    return ImageNotFound(f"no such image in the store: {source}", hint=f"elfuse oci pull {source}")


def _platform(text: str | None) -> Platform:
    return parse_platform(text) if text is not None else GUEST_PLATFORM


def _listed(words: Sequence[str] | None) -> list[str] | None:
    return list(words) if words is not None else None
