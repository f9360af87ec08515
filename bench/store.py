"""What looking at a large store costs, beside Python's own start: `python bench/store.py`.

A store of 2,000 images and 20,000 blobs is made, and `status`, `list` and a prune plan are the installed
commands, start to end. The peer is the same interpreter doing nothing, in turns with them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Command, take_turns
from side_by_side import report

ROOT = Path(__file__).resolve().parent.parent
BOUND = 3.0
LAYERS = 8
OCI = "application/vnd.oci.image"


def put(store: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    (store / "blobs/sha256" / digest).write_bytes(data)
    return f"sha256:{digest}"


def make_image(store: Path, number: int) -> dict[str, object]:
    """An image of small layers of its own: its manifest, its config and LAYERS blobs. Its descriptor."""
    layers, diff_ids = [], []
    for layer in range(LAYERS):
        data = b"%d.%d" % (number, layer) * 20
        layers.append({"mediaType": f"{OCI}.layer.v1.tar", "digest": put(store, data), "size": len(data)})
        diff_ids.append(layers[-1]["digest"])
    config = json.dumps(
        {
            "architecture": "arm64",
            "os": "linux",
            "created": "2026-01-02T03:04:05Z",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": {
                "mediaType": f"{OCI}.config.v1+json",
                "digest": put(store, config),
                "size": len(config),
            },
            "layers": layers,
        }
    ).encode()
    name = f"registry.example/team/app{number}:1.{number}"
    return {
        "mediaType": f"{OCI}.manifest.v1+json",
        "digest": put(store, manifest),
        "size": len(manifest),
        "platform": {"os": "linux", "architecture": "arm64"},
        "annotations": {
            "org.opencontainers.image.ref.name": name,
            "io.containerd.image.name": name,
        },
    }


def make_store(path: Path, images: int) -> None:
    from elfuse.oci.layout import Store

    Store.open(str(path))
    entries = [make_image(path, number) for number in range(images)]
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument(
        "--python", default=sys.executable, help="the interpreter that elfuse is installed for"
    )
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "store"
        make_store(store, options.images)
        env = {**os.environ, "ELFUSE_STORE": str(store), "PYTHONPATH": str(ROOT)}
        commands = {
            "status": ["oci", "status"],
            "list": ["oci", "list"],
            "a prune plan": ["oci", "prune"],
        }
        elfuse = [options.python, "-m", "elfuse"]
        first = subprocess.run([*elfuse, "oci", "list", "-q"], env=env, capture_output=True, check=True)
        assert len(first.stdout.split()) == options.images
        print(
            f"{'of ' + str(options.images) + ' images':44} {'elfuse':>10} {'python':>10} {'':6} {'ratio':>6}  bound"
        )
        sides = [
            Command((options.python, "-c", "pass"), env),
            *(Command((*elfuse, *words), env) for words in commands.values()),
        ]
        python, *ours = take_turns(options.rounds, [side.wall for side in sides])
        peer = statistics.median(python)
        for name, samples in zip(commands, ours, strict=True):
            median = statistics.median(samples)
            holds = median <= BOUND * peer
            good = good and holds
            report(
                f"{name} (peer: python -c pass)",
                median * 1e3,
                peer * 1e3,
                "ms",
                f"at most {BOUND:.0f}x",
                holds,
            )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
