"""Prune: what goes, what stays, and that nothing goes when a root cannot be read."""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import elfuse as api
from elfuse.api.store import Store
from elfuse.errors import ElfuseError, StoreError
from elfuse.oci import gc
from elfuse.oci.cache import read_cache, write_cache
from elfuse.oci.image import Descriptor
from elfuse.oci.layout import BlobsVanished
from elfuse.oci.layout import Store as Layout
from elfuse.oci.runs import RunRecord, create_run, list_runs
from tests.oci.conftest import assert_store_is_sound, blobs
from tests.oci.images import CONFIG, INDEX, MANIFEST, Image, sample, sha256, tar, write_layout

DAY = 86400


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Image]:
    """Three images; `one` and `two` share their first layer."""
    base = tar([("base", b"shared")])
    return {
        "one": Image([base, tar([("one", b"1")])]),
        "two": Image([base, tar([("two", b"2")])]),
        "other": sample(),
    }


@pytest.fixture
def layout(tmp_path: Path, images: dict[str, Image]) -> Path:
    return write_layout(tmp_path / "layout", {name: [image] for name, image in images.items()})


@pytest.fixture
def store(store_path: Path, layout: Path) -> Store:
    """A store with all three, of which only `one` is unpacked."""
    for name in ("one", "two", "other"):
        api.pull(f"oci:{layout}:{name}")
    api.unpack(f"oci:{layout}:one")
    return Store(str(store_path))


def of(image: Image) -> set[str]:
    return {digest[7:] for digest in [*image.blobs, sha256(image.raw)]}


def make_old(path: Path | str, days: float) -> None:
    then = os.stat(path).st_mtime - days * DAY
    os.utime(path, (then, then), follow_symlinks=False)


def going(plan: gc.Plan) -> dict[str, set[str]]:
    return {name: {item.name for item in family.going} for name, family in plan.families if family.going}


def test_what_nothing_needs_goes(
    store: Store, store_path: Path, layout: Path, images: dict[str, Image]
) -> None:
    everything = blobs(store_path)
    assert going(store.prune(commit=True)).keys() <= {"temporary"} and blobs(store_path) == everything
    store.remove(f"oci:{layout}:one")
    only_ones = of(images["one"]) - of(images["two"])
    plan = store.prune()
    assert going(plan)["blobs"] == only_ones
    assert len(going(plan)["stacks"]) == 1
    assert plan.blobs.needed == len(everything) - len(only_ones)
    assert blobs(store_path) == everything  # a plan changes nothing
    done = store.prune(commit=True)
    assert going(done)["blobs"] == only_ones and done.bytes == plan.bytes > 0
    assert blobs(store_path) == everything - only_ones
    assert os.listdir(store_path / "stacks/sha256") == os.listdir(store_path / "trash") == []
    assert_store_is_sound(store_path)
    assert going(store.prune(commit=True)) == {}


def test_young_things_are_spared(
    store: Store, store_path: Path, layout: Path, images: dict[str, Image]
) -> None:
    for name in ("one", "other"):
        store.remove(f"oci:{layout}:{name}")
    for name in of(images["other"]):
        make_old(store_path / "blobs/sha256" / name, 10)
    plan = store.prune(older_than=7 * DAY)
    assert going(plan)["blobs"] == of(images["other"]) and "stacks" not in going(plan)
    assert {item.name for item in plan.blobs.spared} == of(images["one"]) - of(images["two"])


def test_keep_bytes_spares_the_youngest(
    store: Store, store_path: Path, layout: Path, images: dict[str, Image]
) -> None:
    store.remove(f"oci:{layout}:other")
    dead = sorted(of(images["other"]))
    sizes = [os.path.getsize(store_path / "blobs/sha256" / name) for name in dead]
    for age, name in enumerate(dead):
        make_old(store_path / "blobs/sha256" / name, 1 + age)
    plan = store.prune(keep_bytes=sizes[0] + sizes[1])
    assert {item.name for item in plan.blobs.spared} == set(dead[:2])
    # The first that does not fit ends it: nothing older is kept in its place.
    plan = store.prune(keep_bytes=sizes[0] + sizes[1] - 1)
    assert {item.name for item in plan.blobs.spared} == {dead[0]}
    assert going(plan)["blobs"] == set(dead[1:])


def test_all_takes_images_that_no_run_uses(store: Store, store_path: Path, layout: Path) -> None:
    one = api.inspect(f"oci:{layout}:one")
    run = create_run(
        Layout(store.path), "keeps-one", record=RunRecord(image=one.reference, chain=one.chain_id)
    )
    plan = store.prune(all=True)
    assert going(plan)["images"] == {f"oci:{layout}:two", f"oci:{layout}:other"}
    make_old(store_path / "blobs/sha256" / api.inspect(f"oci:{layout}:two").digest[7:], 3)
    assert going(store.prune(all=True, older_than=DAY))["images"] == {f"oci:{layout}:two"}
    store.prune(all=True, commit=True)
    assert [image.name for image in store.images()] == [f"oci:{layout}:one"]
    assert api.inspect(f"oci:{layout}:one").unpacked
    run.release()
    store.prune(all=True, commit=True)
    assert store.images() == [] and blobs(store_path) == set()


def test_a_tree_stays_while_a_run_needs_it(store: Store, store_path: Path, layout: Path) -> None:
    one = api.inspect(f"oci:{layout}:one")
    kept = create_run(Layout(store.path), "k", keep=True, record=RunRecord(chain=one.chain_id))
    kept.release()
    store.remove(f"oci:{layout}:one")
    assert "stacks" not in going(store.prune(commit=True))
    assert going(store.prune(runs=True)).keys() >= {"runs", "stacks"}
    done = store.prune(runs=True, older_than=DAY)
    assert "runs" not in going(done)
    done = store.prune(runs=True, commit=True)
    assert going(done)["runs"] == {"k"} and len(going(done)["stacks"]) == 1
    assert list_runs(Layout(store.path)) == [] and os.listdir(store_path / "runs") == []


def damage(store_path: Path, what: str, image: Image) -> None:
    manifest = store_path / "blobs/sha256" / sha256(image.raw)[7:]
    config = store_path / "blobs/sha256" / image.manifest["config"]["digest"][7:]
    if what == "missing manifest":
        manifest.unlink()
    elif what == "damaged manifest":
        manifest.write_bytes(b"x" * manifest.stat().st_size)
    elif what == "missing config":
        config.unlink()
    elif what == "damaged config":
        config.write_bytes(b"{}")
    elif what == "index":
        (store_path / "index.json").write_text('{"schemaVersion":2,"manifests":[{"digest":5}]}')
    elif what == "no index":
        (store_path / "index.json").unlink()
    elif what == "run record":
        run = create_run(Layout(str(store_path)), "odd", keep=True)
        Path(run.path, "run.json").write_text("{")
        run.release()
    elif what == "no run record":
        run = create_run(Layout(str(store_path)), "odd", keep=True)
        Path(run.path, "run.json").unlink()
        run.release()


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("missing manifest", ":two"),
        ("damaged manifest", ":two"),
        ("missing config", ":two"),
        ("damaged config", ":two"),
        ("index", "index.json"),
        ("no index", "index.json"),
        ("run record", "run odd"),
        ("no run record", "run odd"),
    ],
)
@pytest.mark.parametrize("everything", [False, True])
def test_nothing_goes_when_a_root_cannot_be_read(
    store: Store,
    store_path: Path,
    layout: Path,
    images: dict[str, Image],
    what: str,
    named: str,
    everything: bool,
) -> None:
    store.remove(f"oci:{layout}:other")
    store.prune()  # the caches know all documents by now
    damage(store_path, what, images["two"])
    before = blobs(store_path)
    with pytest.raises(StoreError, match=named):
        store.prune(all=everything, runs=not everything and "run" not in what, commit=True)
    assert blobs(store_path) == before and os.listdir(store_path / "stacks/sha256")


def entry(data: bytes, media_type: str, store_path: Path, name: str | None = None) -> dict[str, Any]:
    (store_path / "blobs/sha256" / sha256(data)[7:]).write_bytes(data)
    notes = {"annotations": {"org.opencontainers.image.ref.name": name}} if name else {}
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **notes}


def add_entries(store_path: Path, *entries: dict[str, Any]) -> None:
    document = json.loads((store_path / "index.json").read_text())
    document["manifests"] += entries
    (store_path / "index.json").write_text(json.dumps(document))


def test_what_other_tools_name_stays(store: Store, store_path: Path, layout: Path, tmp_path: Path) -> None:
    """A nested index with an absent child, an artifact that refers to an index here, and a plain blob."""
    deep = Image([tar([("deep", b"in an index in an index")])])
    for data in [*deep.blobs.values(), deep.raw]:
        (store_path / "blobs/sha256" / sha256(data)[7:]).write_bytes(data)
    absent = {"mediaType": MANIFEST, "digest": sha256(b"absent"), "size": 6}
    inner = entry(
        json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [deep.descriptor, absent]}).encode(),
        INDEX,
        store_path,
    )
    outer = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [inner]}).encode()
    payload = entry(b"an sbom", "text/spdx", store_path)
    empty = entry(b"{}", "application/vnd.oci.empty.v1+json", store_path)
    referrer = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "text/spdx",
            "config": empty,
            "layers": [payload],
            "subject": inner,
        }
    ).encode()
    plain = entry(b"\x00 no JSON", "application/octet-stream", store_path, "plain")
    dead = entry(b"nothing names me", "x", store_path)
    before = blobs(store_path)
    add_entries(
        store_path, entry(outer, INDEX, store_path, "multi"), entry(referrer, MANIFEST, store_path), plain
    )
    for name in ("one", "two", "other"):
        store.remove(f"oci:{layout}:{name}")
    store.prune(commit=True)
    stay = of(deep) | {
        part["digest"][7:]
        for part in (inner, payload, empty, plain, {"digest": sha256(outer)}, {"digest": sha256(referrer)})
    }
    assert blobs(store_path) == stay and dead["digest"][7:] in before
    # skopeo still finds what it would, in the store as it lies.
    done = subprocess.run(
        ["skopeo", "inspect", "--raw", f"oci:{store_path}:multi"], capture_output=True, check=True
    )
    assert done.stdout == outer


def test_an_entry_that_cannot_be_followed_stops_it(store: Store, store_path: Path) -> None:
    add_entries(store_path, {"mediaType": MANIFEST, "digest": "sha512:" + "0" * 128, "size": 5})
    with pytest.raises(StoreError, match="sha512"):
        store.prune(commit=True)


def test_leases_protect_what_is_found_and_what_is_made(store: Store, store_path: Path, layout: Path) -> None:
    inner = Layout(store.path)
    store.remove(f"oci:{layout}:other")
    dead = going(store.prune())["blobs"]
    assert len(dead) == 4
    with inner.activity():
        claimed = min(dead)
        size = os.path.getsize(store_path / "blobs/sha256" / claimed)
        assert inner.claim_blob(api_digest(claimed), size)
        made = inner.put_document(b"new and not named yet")
        assert going(store.prune(commit=True))["blobs"] == dead - {claimed}
        assert {claimed, made[7:]} <= blobs(store_path)
    assert going(store.prune(commit=True))["blobs"] == {claimed, made[7:]}


def api_digest(name: str) -> Any:
    return f"sha256:{name}"


def test_what_is_claimed_after_the_plan_stays(store: Store, store_path: Path, layout: Path) -> None:
    """A pull that begins between the plan and the removal: its claim makes the blob another than planned."""
    inner = Layout(store.path)
    store.remove(f"oci:{layout}:one")
    plan = gc.make_plan(inner, gc.PruneOptions())
    blob, tree = plan.blobs.going[0], plan.stacks.going[0]
    others = {item.name for item in plan.blobs.going} - {blob.name}
    with inner.activity():
        assert inner.claim_blob(api_digest(blob.name), blob.size)
        assert inner.claim_stack(api_digest(tree.name))
        gc.remove_planned(inner, plan)
    assert {item.name for item in plan.blobs.going} == others and plan.stacks.going == []
    assert blob.name in blobs(store_path) and os.path.isdir(inner.stack_path(api_digest(tree.name)))


def test_a_pin_is_not_made_of_blobs_that_vanished(store: Store, store_path: Path, layout: Path) -> None:
    inner = Layout(store.path)
    pin = next(pin for pin in inner.pins() if pin.name.endswith(":other"))
    gone = Descriptor("x", sha256(b"gone"), 4)
    with pytest.raises(BlobsVanished, match="is missing from the store"):
        inner.set_pin("r.io/new:1", pin.manifest, None, needs=[pin.manifest, gone])
    layer = api.inspect(pin.name).layers[0]
    (store_path / "blobs/sha256" / layer.digest[7:]).unlink()
    with pytest.raises(BlobsVanished):
        inner.set_pin("r.io/new:1", pin.manifest, None)  # what the manifest names
    assert "r.io/new:1" not in [pin.name for pin in inner.pins()]


def test_a_pull_begins_again_when_a_prune_took_what_it_found(
    store: Store, store_path: Path, layout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a prune ran on another machine, whose view of leases is its own: the pin's check catches it."""
    store.remove(f"oci:{layout}:other")
    real = Layout.set_pin
    tries: list[int] = []

    def set_pin(self: Layout, *args: Any, **kwargs: Any) -> None:
        if not tries:
            for name in blobs(store_path):
                (store_path / "blobs/sha256" / name).unlink()
        tries.append(1)
        real(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Layout, "set_pin", set_pin)
        api.pull(f"oci:{layout}:other")
    assert len(tries) == 2
    assert os.listdir(api.unpack(f"oci:{layout}:other"))


def test_temporary_files(store: Store, store_path: Path) -> None:
    tmp = store_path / "tmp"
    for name in os.listdir(tmp):
        (tmp / name).unlink()
    (tmp / "file-dead").write_bytes(b"x" * 100)
    young, old, busy = (tmp / f"sha256-{name}.part" for name in ("aa", "bb", "cc"))
    for path in (young, old, busy):
        path.write_bytes(b"x" * 1000)
    make_old(old, 8)
    make_old(busy, 8)
    with busy.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert going(store.prune())["temporary"] == {"file-dead", old.name}
        with Layout(store.path).activity():
            assert going(store.prune(commit=True))["temporary"] == {old.name}
            assert busy.exists() and (tmp / "file-dead").exists()
    store.prune(commit=True)
    assert os.listdir(tmp) == [young.name]
    assert going(store.prune(all=True))["temporary"] == {young.name}
    store.prune(all=True, commit=True)
    assert os.listdir(tmp) == []


def test_names_that_are_no_blobs_are_left_alone(store: Store, store_path: Path) -> None:
    other = store_path / "blobs/sha256/README"
    other.write_text("somebody's")
    store.prune(all=True, commit=True)
    assert other.read_text() == "somebody's"


def test_a_damaged_cache_is_not_believed(store: Store, store_path: Path, layout: Path) -> None:
    expected = store.images()
    cache = store_path / "cache/documents"
    good = cache.read_bytes()
    for bad in (b"", good[:-10], good.replace(b"linux", b"lunix"), b"elfuse 0 0 00000000\n", b"\xff" * 50):
        cache.write_bytes(bad)
        (store_path / "cache/summary").unlink(missing_ok=True)
        assert store.images() == expected
        assert going(store.prune()).keys() <= {"temporary"}
        assert cache.read_bytes() == good  # made anew
    shutil.rmtree(store_path / "cache")
    assert store.images() == expected


@pytest.mark.parametrize("lines", [[], [""], ["one"], ["one", "two"]])
def test_a_cache_gives_the_lines_that_were_kept(store: Store, store_path: Path, lines: list[str]) -> None:
    """None too: a prune that took the last tree leaves no size to know."""
    opened = Layout.open(str(store_path))
    write_cache(opened, "test", lines)
    assert read_cache(opened, "test") == (lines if lines != [""] else [])


def test_errors_are_elfuses(store: Store, store_path: Path) -> None:
    for image in store.images():
        store.remove(image.name)
    (store_path / "blobs/sha256").rename(store_path / "blobs/gone")
    with pytest.raises(ElfuseError, match="blobs/sha256"):
        store.prune()


def test_images_are_configs_of_known_types_only(store: Store, store_path: Path) -> None:
    """An artifact may call its config anything but an image's: then it need not be one."""
    odd = entry(b"not a config", "application/x-odd+json", store_path)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": odd, "layers": []}).encode()
    add_entries(store_path, entry(manifest, MANIFEST, store_path))
    store.prune(commit=True)
    assert odd["digest"][7:] in blobs(store_path)
    bad = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": {**odd, "mediaType": CONFIG}, "layers": []}
    ).encode()
    add_entries(store_path, entry(bad, MANIFEST, store_path))
    with pytest.raises(StoreError, match="cannot be read"):
        store.prune(commit=True)
