"""Small images made by hand: every byte known, nothing borrowed from the code under test."""

import gzip
import hashlib
import io
import json
import struct
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OCI = "application/vnd.oci.image"
INDEX = f"{OCI}.index.v1+json"
MANIFEST = f"{OCI}.manifest.v1+json"
CONFIG = f"{OCI}.config.v1+json"
DOCKER_SCHEMA = "application/vnd.docker.distribution.manifest.v2+json"
LAYER_GZIP = f"{OCI}.layer.v1.tar+gzip"
ARM64 = {"os": "linux", "architecture": "arm64", "variant": "v8"}
AMD64 = {"os": "linux", "architecture": "amd64"}


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def a64_program(code: list[int], data: bytes = b"") -> bytes:
    """A static arm64 ELF: one read-execute segment at 0x400000, `data` right after the code."""
    text = b"".join(struct.pack("<I", word) for word in code) + data
    start = 0x78
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, 0x400000 + start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    size = start + len(text)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000) + text


def exit_program(status: int) -> bytes:
    """exit(status)."""
    return a64_program([0xD2800BA8, 0xD2800000 | status << 5, 0xD4000001])  # x8 = 93; x0; svc


def hello_program(text: bytes) -> bytes:
    """write(1, text), exit(0)."""
    code = [
        0xD2800808,  # mov x8, #64
        0xD2800020,  # mov x0, #1
        0x100000C1,  # adr x1, .+24: the text
        0xD2800002 | len(text) << 5,  # mov x2, #len
        0xD4000001,  # svc #0
        0xD2800BA8,  # mov x8, #93
        0xD2800000,  # mov x0, #0
        0xD4000001,  # svc #0
    ]
    return a64_program(code, text)


def tar(entries: list[tarfile.TarInfo | tuple[str, bytes] | tuple[str, bytes, int]]) -> bytes:
    """A tar of files given as (name, content[, mode]) or as ready headers."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            info = tarfile.TarInfo(entry[0])
            info.size = len(entry[1])
            info.mode = entry[2] if len(entry) == 3 else 0o644
            info.mtime = 1_700_000_000
            archive.addfile(info, io.BytesIO(entry[1]))
    return out.getvalue()


@dataclass
class Image:
    """One platform's image: its blobs by digest, and its descriptor."""

    layers: list[bytes]  # tars
    config: dict[str, Any] = field(default_factory=dict)
    platform: dict[str, str] = field(default_factory=lambda: dict(ARM64))
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layers = []
        for layer in self.layers:
            layers.append(self._put(gzip.compress(layer, mtime=0), LAYER_GZIP))
        document = {
            **self.platform,
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in self.layers]},
        }
        config = self._put(json.dumps(document).encode(), CONFIG)
        self.manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}

    def _put(self, data: bytes, media_type: str) -> dict[str, Any]:
        self.blobs[sha256(data)] = data
        return {"mediaType": media_type, "digest": sha256(data), "size": len(data)}

    @property
    def raw(self) -> bytes:
        return json.dumps(self.manifest).encode()

    @property
    def descriptor(self) -> dict[str, Any]:
        return {
            "mediaType": MANIFEST,
            "digest": sha256(self.raw),
            "size": len(self.raw),
            "platform": self.platform,
        }


def index_of(images: list[Image]) -> bytes:
    entries = [image.descriptor for image in images]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


def write_layout(path: Path, tags: dict[str, list[Image]]) -> Path:
    """An OCI image layout: each tag an index of the images given, or a manifest when it is one."""
    (path / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    entries = []
    for tag, images in tags.items():
        for image in images:
            for digest, data in {**image.blobs, sha256(image.raw): image.raw}.items():
                (path / "blobs" / "sha256" / digest[7:]).write_bytes(data)
        top, media_type = (images[0].raw, MANIFEST) if len(images) == 1 else (index_of(images), INDEX)
        (path / "blobs" / "sha256" / sha256(top)[7:]).write_bytes(top)
        entries.append(
            {
                "mediaType": media_type,
                "digest": sha256(top),
                "size": len(top),
                "annotations": {"org.opencontainers.image.ref.name": tag},
            }
        )
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    (path / "index.json").write_text(json.dumps(index))
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return path


def write_dir(path: Path, image: Image, compression: str) -> Path:
    """The image as skopeo's dir: has it, its layers compressed as said: gzip, zstd or none."""
    path.mkdir(parents=True)
    layers = []
    for layer in image.layers:
        kind, data = f"{OCI}.layer.v1.tar", layer
        if compression != "none":
            done = subprocess.run([compression, "-c"], input=layer, check=True, capture_output=True)
            kind, data = f"{kind}+{compression}", done.stdout
        (path / sha256(data)[7:]).write_bytes(data)
        layers.append({"mediaType": kind, "digest": sha256(data), "size": len(data)})
    config = image.manifest["config"]["digest"]
    (path / config[7:]).write_bytes(image.blobs[config])
    (path / "manifest.json").write_text(json.dumps({**image.manifest, "layers": layers}))
    (path / "version").write_text("Directory Transport Version: 1.1\n")
    return path


PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002:App:/srv/app:/bin/sh\n"
GROUP = b"root:x:0:\napp:x:1002:\nstaff:x:50:app,other\naudio:x:63:app\n"


def sample(text: bytes = b"hello\n", *, platform: dict[str, str] | None = None) -> Image:
    """Two layers with programs, users, a whiteout and links; Entrypoint, Env, User and WorkingDir set."""
    link = tarfile.TarInfo("bin/hi")
    link.type, link.linkname = tarfile.SYMTYPE, "hello"
    hard = tarfile.TarInfo("bin/hello2")
    hard.type, hard.linkname = tarfile.LNKTYPE, "bin/hello"
    directory = tarfile.TarInfo("srv/app")
    directory.type, directory.mode, directory.uid, directory.gid = tarfile.DIRTYPE, 0o750, 1001, 1002
    base = tar(
        [
            ("etc/passwd", PASSWD),
            ("etc/group", GROUP),
            ("bin/hello", hello_program(text), 0o755),
            ("bin/exit7", exit_program(7), 0o755),
            ("gone", b"removed by the next layer\n"),
            link,
            hard,
            directory,
        ]
    )
    upper = tar([(".wh.gone", b""), ("srv/app/data", b"x" * 5000), ("bin/text", b"no program\n", 0o755)])
    config = {
        "Entrypoint": ["/bin/hello"],
        "Cmd": ["world"],
        "Env": ["PATH=/bin", "LANG=C.UTF-8"],
        "User": "app",
        "WorkingDir": "/srv/app",
    }
    return Image([base, upper], config, dict(platform or ARM64))
