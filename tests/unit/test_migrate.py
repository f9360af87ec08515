"""Stores of earlier versions: the C elfuse's, in both of its forms, and schema 1."""

import contextlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import elfuse as api
from elfuse.errors import StoreError
from elfuse.oci.layout import SCHEMA, Store
from tests.oci.images import AMD64, Image, index_of, sample, sha256, write_layout


def put(store: Path, *images: Image, top: bytes | None = None) -> str:
    blobs = store / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for image in images:
        for digest, data in {**image.blobs, sha256(image.raw): image.raw}.items():
            (blobs / digest[7:]).write_bytes(data)
    data = top or images[0].raw
    (blobs / sha256(data)[7:]).write_bytes(data)
    return sha256(data)


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """As the C elfuse left it: readable by all, with its partial downloads, caches and locks."""
    store = tmp_path / "seed"
    for name in ("layers/sha256/aa", "layers/stacks/sha256/bb", "layers/.staging", "tmp"):
        (store / name).mkdir(parents=True)
    (store / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (store / "layers/sha256/aa/file").write_text("x")
    (store / "tmp/blob-12-1-XXXX").write_text("partial")
    os.chmod(store, 0o755)
    return store


def refs(store: Path, **pins: str) -> None:
    for name, text in pins.items():
        path = store / "refs/r.io/team" / name
        path.mkdir(parents=True, exist_ok=True)
        (path / "1.0").write_text(text)


def check_adopted(store: Path, image: Image) -> None:
    opened = Store.open(str(store))
    (pin,) = opened.pins()
    assert (pin.name, pin.manifest.digest) == ("r.io/team/app:1.0", sha256(image.raw))
    assert (
        api.run("r.io/team/app:1.0", store=str(store), pull="never", capture_output=True).stdout == b"hello\n"
    )
    assert not (store / "layers/sha256/aa").exists() and store.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (store / "blobs/sha256").iterdir()} == {0o600}
    report = api.Store(str(store)).verify()
    assert report.problems == [], report


def test_refs_become_an_index(seed: Path, caplog: pytest.LogCaptureFixture) -> None:
    image = sample()
    digest = put(seed, image)
    refs(seed, app=f"{digest}\n", gone="sha256:" + "0" * 64, bad="no digest")
    (seed / "layers/.schema").write_text('{"schemaVersion":2}')
    with caplog.at_level(logging.WARNING):
        check_adopted(seed, image)
    skipped = [record.getMessage() for record in caplog.records]
    assert len(skipped) == 2 and "r.io/team/bad:1.0" in skipped[0] and "r.io/team/gone:1.0" in skipped[1]
    assert (seed / "refs/r.io/team/app/1.0").exists()  # stays, as in the C elfuse


def test_a_pin_of_an_index_becomes_one_of_its_leaf(seed: Path) -> None:
    image, other = sample(), sample(platform=AMD64)
    top = index_of([other, image])
    digest = put(seed, image, top=top)
    (seed / "index.json.lock").touch()
    (seed / "index.json").write_text(
        json.dumps(
            {
                "schemaVersion": 2,
                "manifests": [
                    {
                        "mediaType": "application/vnd.oci.image.index.v1+json",
                        "digest": digest,
                        "size": len(top),
                        "annotations": {"org.opencontainers.image.ref.name": "r.io/team/app:1.0"},
                    }
                ],
            }
        )
    )
    check_adopted(seed, image)
    assert Store.open(str(seed)).pins()[0].index == digest
    api.Store(str(seed)).prune(commit=True)
    assert (seed / "blobs/sha256" / digest[7:]).exists()


def test_a_seed_that_is_not_known(seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(seed, sample())
    refs(seed, app=sha256(sample().raw))
    (seed / "layers/.schema").write_text('{"schemaVersion":3}')
    with pytest.raises(StoreError, match="has schema 3"):
        Store.open(str(seed))
    (seed / "layers/.schema").unlink()
    monkeypatch.setenv("ELFUSE_OCI_NO_MIGRATE", "1")
    with pytest.raises(StoreError, match="ELFUSE_OCI_NO_MIGRATE is set"):
        Store.open(str(seed))
    assert (seed / "layers/sha256/aa/file").exists() and not (seed / "elfuse.json").exists()
    monkeypatch.delenv("ELFUSE_OCI_NO_MIGRATE")
    assert len(Store.open(str(seed)).pins()) == 1


@pytest.mark.parametrize("step", range(1, 40))
def test_a_migration_that_is_cut_short_is_finished(
    seed: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    image = sample()
    refs(seed, app=put(seed, image))
    count = 0

    def counted(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count == step:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    with monkeypatch.context():
        for name in ("rename", "mkdir", "open", "chmod", "fsync"):
            counted(name)
        with contextlib.suppress(KeyboardInterrupt):
            Store.open(str(seed))
    monkeypatch.undo()
    (pin,) = Store.open(str(seed)).pins()
    assert pin.manifest.digest == sha256(image.raw)


def schema_1(path: Path, layout: Path) -> Path:
    api.pull(f"oci:{layout}:x", store=str(path))
    (path / "elfuse.json").write_text('{"schema": 1}')
    (path / "locks/gc").unlink()
    return path


def test_schema_1(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"x": [sample()]})
    store = schema_1(tmp_path / "store", layout)
    assert len(Store.open(str(store)).pins()) == 1
    assert json.loads((store / "elfuse.json").read_text()) == {"schema": SCHEMA}
    assert (store / "locks/gc").exists()


def test_schema_1_waits_for_those_who_hold_no_leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = write_layout(tmp_path / "layout", {"x": [sample()]})
    store = schema_1(tmp_path / "store", layout)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl,sys,time\nf=open(sys.argv[1])\nfcntl.flock(f,fcntl.LOCK_SH)\n"
            "print('held',flush=True)\ntime.sleep(1)",
            str(store / "locks/activity"),
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    assert len(Store.open(str(store)).pins()) == 1
    assert holder.wait(10) == 0
    holder.stdout.close()
