"""Write OCI layers and images into a layout, byte for byte the same for the same input."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EPOCH = 1754697600  # all times in the fixtures: the day trixie was released
MEDIA = "application/vnd.oci.image."


@dataclass
class Entry:
    """One path of a layer."""

    info: tarfile.TarInfo
    data: bytes = b""


@dataclass
class Layer:
    """Paths to entries; parents are made as needed, later additions replace earlier ones."""

    name: str
    compression: str = "gzip"
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, info: tarfile.TarInfo, data: bytes = b"") -> None:
        name = os.path.normpath(info.name).lstrip("/")
        if name == ".":
            return
        info.name = name
        info.mtime = EPOCH
        info.uname = info.gname = ""
        info.pax_headers = {}
        self.entries[name] = Entry(info, data)

    def file(self, path: str, text: str, mode: int = 0o644, uid: int = 0) -> None:
        info = tarfile.TarInfo(path)
        info.mode, info.uid, info.gid, info.size = mode, uid, uid, len(text.encode())
        self.add(info, text.encode())

    def directory(self, path: str, mode: int = 0o755, uid: int = 0) -> None:
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, mode, uid, uid
        self.add(info)

    def symlink(self, path: str, target: str) -> None:
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, target
        self.add(info)

    def tar(self) -> bytes:
        """The layer's archive: sorted, except that a hard link comes after its target."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for _, entry in sorted(self.entries.items(), key=lambda kv: (kv[1].info.islnk(), kv[0])):
                archive.addfile(entry.info, io.BytesIO(entry.data) if entry.info.isreg() else None)
        return out.getvalue()


def compress(data: bytes, how: str) -> bytes:
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-9", "-c"], input=data, capture_output=True, check=True).stdout
    if how == "gzip":
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)  # zlib's gzip header has no time and no name
        return packer.compress(data) + packer.flush()
    return data


SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}


class Layout:
    """An OCI image layout on disk."""

    def __init__(self, directory: Path) -> None:
        self.dir = directory
        self.refs: list[dict[str, Any]] = []
        (directory / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (self.dir / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def document(self, value: object, media_type: str) -> dict[str, Any]:
        return self.blob(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), media_type)

    def layer(self, layer: Layer) -> tuple[dict[str, Any], str]:
        """The layer's descriptor and diffID."""
        tar = layer.tar()
        media_type = MEDIA + "layer.v1.tar" + SUFFIX[layer.compression]
        diff_id = "sha256:" + hashlib.sha256(tar).hexdigest()
        return self.blob(compress(tar, layer.compression), media_type), diff_id

    def image(
        self, arch: str, layers: Iterable[tuple[dict[str, Any], str]], config: dict[str, Any]
    ) -> dict[str, Any]:
        """One platform's manifest, as a descriptor for an index."""
        stack = list(layers)
        platform = {"architecture": arch, "os": "linux"} | ({"variant": "v8"} if arch == "arm64" else {})
        created = "2025-08-09T00:00:00Z"
        document = platform | {
            "created": created,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in stack]},
            "history": [{"created": created, "created_by": "elfuse fixture"} for _ in stack],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MEDIA + "manifest.v1+json",
            "config": self.document(document, MEDIA + "config.v1+json"),
            "layers": [descriptor for descriptor, _ in stack],
        }
        return self.document(manifest, MEDIA + "manifest.v1+json") | {"platform": platform}

    def reference(self, name: str, leaves: list[dict[str, Any]]) -> None:
        """Name a multi-platform index."""
        index = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": leaves}
        named = self.document(index, MEDIA + "index.v1+json")
        self.refs.append(named | {"annotations": {"org.opencontainers.image.ref.name": name}})

    def finish(self) -> None:
        """Write index.json last: a layout without it is not one."""
        index = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": self.refs}
        staged = self.dir / "index.json.new"
        staged.write_text(json.dumps(index, sort_keys=True, indent=1) + "\n")
        staged.rename(self.dir / "index.json")
