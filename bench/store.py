"""What looking at a large store costs, beside Python's own start: `python bench/store.py`.

A store of 2,000 images and 20,000 blobs is made, and `status`, `list` and a prune plan are the installed
commands, start to end, on a store that did not change since the last look. The peer is the same interpreter
doing nothing, in turns with them.
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
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "store"
        make_store(store, options.images)
        # As a user has it: with compiled modules, and without what a session sets for Python.
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        env |= {"ELFUSE_STORE": str(store), "PYTHONPATH": str(ROOT)}
        elfuse = (sys.executable, "-m", "elfuse", "oci")
        commands = {"status": "status", "list": "list", "a prune plan": "prune"}
        for word in commands.values():  # what changes only with the store is kept by the first look
            first = subprocess.run([*elfuse, word], env=env, capture_output=True, text=True, check=True)
            lines = first.stdout.splitlines()
            assert word == "prune" or len(lines) > options.images, first.stdout[:500]
        title = f"of {options.images} images"
        print(f"{title:44} {'elfuse':>10} {'python':>10} {'':6} {'ratio':>6}  bound")
        sides = [Command((sys.executable, "-c", "pass"), env)]
        sides += [Command((*elfuse, word), env) for word in commands.values()]
        python, *ours = take_turns(options.rounds, [side.wall for side in sides])
        peer = statistics.median(python) * 1e3
        for name, samples in zip(commands, ours, strict=True):
            median = statistics.median(samples) * 1e3
            holds = median <= BOUND * peer
            good = good and holds
            report(f"{name} (peer: python -c pass)", median, peer, "ms", f"at most {BOUND:.0f}x", holds)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
