"""What a user may say about a run, in podman's words: what is understood, and what is refused and how."""

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.errors import RunError
from elfuse.oci.layout import Store
from elfuse.oci.runs import create_run
from elfuse.runtime import config
from elfuse.runtime.env_file import read_env_files
from elfuse.runtime.hosts import hosts_file, parse_add_host
from elfuse.runtime.limits import NAMES, UNLIMITED, Rlimit, parse_ulimits
from elfuse.runtime.mounts import run_mounts
from elfuse.runtime.prepare import RunOptions, plan_run
from elfuse.runtime.volumes import UserMount, parse_mount, parse_tmpfs, parse_volume, plan_mounts


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The working directory, with a directory d and a file f."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "f").touch()
    (tmp_path / "with,comma").mkdir()
    return os.path.realpath(tmp_path)


def bind(source: str, target: str, read_only: bool = False) -> UserMount:
    return UserMount(type="bind", source=source, target=target, read_only=read_only)


def test_volumes(here: str) -> None:
    assert parse_volume(f"{here}/d:/x/../y") == bind(f"{here}/d", "/y")
    assert parse_volume("./d:/y:ro") == bind(f"{here}/d", "/y", True)
    assert parse_volume("./f://y") == bind(f"{here}/f", "/y")
    assert parse_volume("./d:/y:Z,ro,rprivate").read_only  # as scripts for SELinux have it
    for text, message in {
        "d": "not of the form",
        ":/x": "not of the form",
        "./d:": "not of the form",
        "./d:/x:ro:z": "not of the form",
        "./d:/x:U": "unknown option 'U'",
        "./d:/x:": "unknown option ''",
        "data:/x": "name of a volume",
        "./none:/x": "does not exist",
        "./d:x": "not an absolute path",
        "./d:/": "would replace the root",
        "./d://x/..": "would replace the root",
        "./d\0:/x": "NUL",
    }.items():
        with pytest.raises(RunError, match=message):
            parse_volume(text)


def test_mount(here: str) -> None:
    for text in (
        "type=bind,source=d,target=/x,ro",
        "type=bind,src=./d,dst=/x,readonly",
        f"type=bind,src={here}/d,destination=/x/,ro=true,bind-propagation=rprivate",
        "target=/x,type=bind,source=d,readonly=1",
    ):
        assert parse_mount(text) == bind(f"{here}/d", "/x", True)
    for text in ("type=bind,src=d,dst=/x", "type=bind,src=d,dst=/x,rw", "type=bind,src=d,dst=/x,ro=false"):
        assert parse_mount(text) == bind(f"{here}/d", "/x")
    assert parse_mount('type=bind,"source=with,comma",target=/x').source == f"{here}/with,comma"
    assert parse_mount("type=tmpfs,target=/x") == UserMount(type="tmpfs", target="/x", mode=0o1777)
    full = parse_mount("type=tmpfs,dst=/x,tmpfs-mode=0700,tmpfs-size=64m,ro")
    assert (full.mode, full.unkept, full.read_only) == (0o700, ("tmpfs-size=64m",), True)
    for text, message in {
        "": "no mount of type 'volume'",
        "source=d,target=/x": "no mount of type 'volume'",
        "type=image,source=d,target=/x": "no mount of type 'image'",
        "type=bind,source=d": "has no target",
        "type=bind,target=/x": "has no source",
        "type=bind,source=,target=/x": "has no source",
        "type=bind,source=d,target=x": "not an absolute path",
        "type=bind,source=d,target=/": "replace the root",
        "type=bind,source=none,target=/x": "does not exist",
        "type=bind,source=d,target=/x,colour=red": "unknown option 'colour'",
        "type=bind,source=d,target=/x,ro=maybe": "true or false",
        "type=bind,source=d,target=/x,bind-propagation=shared": "not propagated",
        "type=bind,source=d,source=f,target=/x": "says 'source' twice",
        'type=bind,"source=d': "unexpected end of data",
        "type=tmpfs,source=d,target=/x": "unknown option 'source'",
        "type=tmpfs,target=/x,tmpfs-mode=9": "no mode",
        "type=tmpfs,target=/x,tmpfs-mode=77777": "no mode",
        "type=tmpfs,target=/x,tmpfs-size=much": "no size",
    }.items():
        with pytest.raises(RunError, match=message):
            parse_mount(text)


def test_tmpfs() -> None:
    assert parse_tmpfs("/x") == UserMount(type="tmpfs", target="/x", mode=0o1777)
    assert parse_tmpfs("/x:") == parse_tmpfs("/x")
    full = parse_tmpfs("/x:rw,ro,nosuid,nodev,mode=750,uid=5,gid=6,noexec,size=64m")
    assert (full.read_only, full.mode, full.uid, full.gid) == (True, 0o750, 5, 6)
    assert full.unkept == ("noexec", "size=64m")
    for text, message in {
        "x": "not an absolute path",
        "": "not an absolute path",
        "/": "replace the root",
        "/x:mode=": "no mode",
        "/x:uid=root": "unknown option",
        "/x:uid=4294967295": "unknown option",
        "/x:size=": "no size",
        "/x:huge=always": "unknown option",
    }.items():
        with pytest.raises(RunError, match=message):
            parse_tmpfs(text)


def test_mounts_are_in_podmans_order(here: str) -> None:
    planned = plan_mounts(["./d:/a/b/c", "./f:/etc/hosts"], ["type=bind,src=d,dst=/a"], ["/a/b", "/t"])
    assert [mount.target for mount in planned] == ["/a", "/t", "/etc/hosts", "/a/b", "/a/b/c"]
    with pytest.raises(RunError, match="two mounts at /x"):
        plan_mounts(["./d:/x"], tmpfs=["/x/"])


def test_mounts_of_a_run(here: str, tmp_path: Path) -> None:
    run = create_run(Store.open(str(tmp_path / "store")))
    planned = plan_mounts(["./f:/etc/hosts"], tmpfs=["/tmp:mode=700,uid=1001", "/t:ro", "/deep/" + "n" * 255])
    mounts = run_mounts(run, "h", planned, read_only=True)
    run.release()
    assert [mount["target"] for mount in mounts] == [
        *("/proc", "/dev", "/sys", "/etc/resolv.conf", "/etc/hostname", "/run", "/var/tmp"),
        *("/tmp", "/t", "/etc/hosts", "/deep/" + "n" * 255),
    ]
    scratch = next(mount for mount in mounts if mount["target"] == "/tmp")
    source = str(scratch["source"])
    assert os.stat(source).st_mode & 0o7777 == 0o700
    assert os.getxattr(source, "user.containers.override_stat") == b"1001:0:0700:dir"
    assert "read_only" not in scratch and next(m for m in mounts if m["target"] == "/t")["read_only"] is True


def test_add_host() -> None:
    assert parse_add_host("db:192.0.2.1") == ("192.0.2.1", ["db"])
    assert parse_add_host("a;b.example:2001:db8::1") == ("2001:db8::1", ["a", "b.example"])
    assert parse_add_host("a:[::1]") == ("::1", ["a"])
    assert parse_add_host("host.docker.internal:host-gateway") == ("127.0.0.1", ["host.docker.internal"])
    for bad in ("db", "db:", ":1.2.3.4", "a b:1.2.3.4", "a\n:1.2.3.4", "#:1.2.3.4", "a;:1.2.3.4", "db:host"):
        with pytest.raises(RunError, match="--add-host"):
            parse_add_host(bad)
    text = hosts_file("me", [parse_add_host("a;b:192.0.2.1")], b"192.0.2.9 far\n").decode()
    assert text.startswith("192.0.2.1\ta b\n127.0.0.1\tlocalhost me\n") and text.endswith("192.0.2.9 far\n")


def test_ulimits() -> None:
    assert parse_ulimits(["nofile=10", "nproc=5:-1", "core=-1", "nofile=11:12"]) == [
        Rlimit("nofile", 11, 12),
        Rlimit("nproc", 5, UNLIMITED),
        Rlimit("core", UNLIMITED, UNLIMITED),
    ]
    host = {limit.type: limit for limit in parse_ulimits(["host", "nofile=3"])}
    assert set(host) <= set(NAMES) and host["nofile"].hard == 3
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    assert host["stack"] == Rlimit("stack", soft % (1 << 64), hard % (1 << 64))
    for text, message in {
        "nofile": "not of the form",
        "=1": "no limit ''",
        "files=1": "no limit 'files'.*nofile",
        "nofile=": "no number",
        "nofile=1:": "no number",
        "nofile=-2": "no number",
        "nofile=x": "no number",
        "nofile=\N{ARABIC-INDIC DIGIT FIVE}": "no number",
        "nofile=18446744073709551616": "no number",
        "nofile=2:1": "above the hard one",
        "nofile=-1:5": "above the hard one",
    }.items():
        with pytest.raises(RunError, match=message):
            parse_ulimits([text])


def test_env_file(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.write_bytes(
        b'\xef\xbb\xbfA=1\n# a comment\n\n   # another\n \tB = spaced "quoted" \r\nHOST\nC=\nRAW=\xff\nA=#2\n'
    )
    with pytest.raises(RunError, match="one, line 5: white space in the name 'B '"):
        read_env_files([str(first)])
    first.write_bytes(first.read_bytes().replace(b"B =", b"B="))
    second.write_text("D=4")
    entries = read_env_files([str(first), str(second)])
    assert entries == ["A=1", 'B= spaced "quoted" ', "HOST", "C=", "RAW=\udcff", "A=#2", "D=4"]
    env = {"HOST": "the image's"}
    config.apply_env_options(env, entries, {"HOST": "h"})
    assert env == {"HOST": "h", "A": "#2", "B": ' spaced "quoted" ', "C": "", "RAW": "\udcff", "D": "4"}
    for content, message in ((b"A=1\n=x\n", "line 2: no name"), (b"two words\n", "white space")):
        first.write_bytes(content)
        with pytest.raises(RunError, match=message):
            read_env_files([str(first)])
    with pytest.raises(RunError, match="No such file"):
        read_env_files([str(tmp_path / "none")])
    with pytest.raises(RunError, match="Is a directory"):
        read_env_files([str(tmp_path)])


def test_env_of_the_host_by_prefix() -> None:
    env: dict[str, str] = {}
    config.apply_env_options(env, ["LC_*", "X*"], {"LC_ALL": "C", "LC_TIME": "de", "L": "no"})
    assert env == {"LC_ALL": "C", "LC_TIME": "de"}


def test_a_plan_refuses_before_anything_is_made(tmp_path: Path) -> None:
    there = tmp_path / "id"
    there.touch()
    for options, message in (
        (RunOptions(cidfile=str(there)), "the ID file .* exists"),
        (RunOptions(name="a/b"), "no name for a run"),
        (RunOptions(workdir="x"), "not an absolute path"),
        (RunOptions(env=["=x"]), "has no name"),
        (RunOptions(hostname="a_b"), "no host name"),
        (RunOptions(tmpfs=["x"]), "not an absolute path"),
        (RunOptions(ulimits=["x"]), "not of the form"),
        (RunOptions(add_hosts=["x"]), "not of the form"),
    ):
        with pytest.raises(RunError, match=message):
            plan_run(options)
    assert plan_run(RunOptions(tmpfs=["/t:size=1m"])).notes == [
        "the tmpfs /t is a directory of the run: size=1m is not enforced"
    ]


@given(text=st.text(alphabet="abz=,:/\"'; \n\0-019[]\N{ARABIC-INDIC DIGIT FIVE}", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_taken_or_refused(text: str) -> None:
    for parse in (parse_volume, parse_mount, parse_tmpfs, parse_add_host, lambda t: parse_ulimits([t])):
        try:
            parse(text)
        except RunError as error:
            assert str(error)
