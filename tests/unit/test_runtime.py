"""From config and options to a launch spec, by docker's and podman's rules."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elfuse.errors import RunError, UserNotFound
from elfuse.oci.image import RunConfig
from elfuse.runtime import config
from elfuse.runtime.spec import LaunchSpec, User
from elfuse.runtime.users import resolve_user

NONE = RunConfig()


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "option", "args", "argv"),
    [
        (["e", "1"], ["c"], None, [], ["e", "1", "c"]),
        (["e", "1"], ["c"], None, ["x"], ["e", "1", "x"]),
        (None, ["c", "2"], None, [], ["c", "2"]),
        (None, ["c"], None, ["x", "y"], ["x", "y"]),
        (["e"], ["c"], ["o"], [], ["o"]),
        (["e"], ["c"], ["o", "p"], ["x"], ["o", "p", "x"]),
        (["e"], ["c"], [], ["x"], ["x"]),
        ([], [], None, ["x"], ["x"]),
    ],
)
def test_argv(
    entrypoint: list[str] | None,
    cmd: list[str] | None,
    option: list[str] | None,
    args: list[str],
    argv: list[str],
) -> None:
    assert config.build_argv(RunConfig(entrypoint=entrypoint, cmd=cmd), option, args) == argv


def test_no_command_at_all() -> None:
    for image, option in ((NONE, None), (RunConfig(cmd=["c"]), []), (RunConfig(entrypoint=[""]), None)):
        with pytest.raises(RunError, match="no Entrypoint or Cmd"):
            config.build_argv(image, option, [])


def test_entrypoint_words() -> None:
    assert config.parse_entrypoint("") == []
    assert config.parse_entrypoint("/bin/sh -c") == ["/bin/sh -c"]
    assert config.parse_entrypoint('["a", "b c"]') == ["a", "b c"]
    with pytest.raises(RunError):
        config.parse_entrypoint('["a", 1]')


def test_env() -> None:
    image = RunConfig(env=["PATH=/p", "A=1", "B=x=y", "HOST", "=z", "HOME=/from/image"])
    host = {"HOST": "secret", "D": "from host"}
    options = ["A=2", "D", "GONE", "B", "E="]
    env = config.build_env(image, options, host, home="/h", hostname="n", term=None)
    assert dict(entry.split("=", 1) for entry in env) == {
        "PATH": "/p",
        "A": "2",
        "HOSTNAME": "n",
        "HOME": "/from/image",
        "container": "elfuse",
        "D": "from host",
        "E": "",
    }
    plain = config.build_env(NONE, [], host, home="/h", hostname="n", term="xterm")
    assert plain == [f"PATH={config.DEFAULT_PATH}", "HOSTNAME=n", "HOME=/h", "container=elfuse", "TERM=xterm"]
    with pytest.raises(RunError):
        config.build_env(NONE, ["=x"], host, home="/", hostname="n", term=None)


def test_working_directory() -> None:
    assert config.working_directory(NONE, None) == "/"
    assert config.working_directory(RunConfig(working_dir="srv/../x"), None) == "/x"
    assert config.working_directory(RunConfig(working_dir="/a/../../.."), None) == "/"
    assert config.working_directory(RunConfig(working_dir="/a"), "//b/") == "/b"
    with pytest.raises(RunError):
        config.working_directory(NONE, "relative")


def test_hostnames() -> None:
    assert config.check_hostname("a-1.b") == "a-1.b"
    for bad in ("", "-a", "a_b", "a" * 65, "a\n", "a b"):
        with pytest.raises(RunError):
            config.check_hostname(bad)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\n"
        "bad line\n"
        "worse:x:one:two:::\n"
        "app:x:1001:1002:App:/srv/app:/bin/sh\n"
        "1234:x:77:78::/numeric:\n"
        "huge:x:4294967296:0::/:\n"
        "nohome:x:5:6::relative:\n"
    )
    (tmp_path / "etc/group").write_text("root:x:0:\napp:x:1002:\nstaff:x:50:app,x\naudio:x:63:y,app\nbad\n")
    return tmp_path


def user_of(root: Path, wanted: str) -> tuple[int, int, list[int], str]:
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        user = resolve_user(fd, wanted)
    finally:
        os.close(fd)
    return user.credentials.uid, user.credentials.gid, user.credentials.groups, user.home


@pytest.mark.parametrize(
    ("wanted", "uid", "gid", "groups", "home"),
    [
        ("", 0, 0, [], "/root"),
        ("app", 1001, 1002, [50, 63], "/srv/app"),
        ("1001", 1001, 1002, [50, 63], "/srv/app"),
        ("app:staff", 1001, 50, [], "/srv/app"),
        ("app:7", 1001, 7, [], "/srv/app"),
        ("4000", 4000, 0, [], "/"),
        ("4000:4001", 4000, 4001, [], "/"),
        ("1234", 77, 78, [], "/numeric"),
        ("2147483647", 2147483647, 0, [], "/"),
        ("nohome", 5, 6, [], "/"),
    ],
)
def test_users(root: Path, wanted: str, uid: int, gid: int, groups: list[int], home: str) -> None:
    assert user_of(root, wanted) == (uid, gid, groups, home)


@pytest.mark.parametrize("wanted", ["nobody", "app:nogroup", "-1", "0x10", "\N{SUPERSCRIPT TWO}"])
def test_users_not_there(root: Path, wanted: str) -> None:
    with pytest.raises(UserNotFound):
        user_of(root, wanted)


@pytest.mark.parametrize("wanted", [":", ":app", "app:", "2147483648", "4294967296", "huge", "0:4294967296"])
def test_users_refused(root: Path, wanted: str) -> None:
    with pytest.raises(RunError):
        user_of(root, wanted)


def test_passwd_is_the_images_own(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "passwd"
    outside.write_text("app:x:0:0::/:\n")
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to(outside)
    with pytest.raises(UserNotFound):
        user_of(root, "app")
    # A link that is absolute within the image is followed within the image.
    (root / "etc/passwd").unlink()
    (root / "etc/real").write_text("app:x:9:9::/:\n")
    (root / "etc/passwd").symlink_to("/etc/real")
    assert user_of(root, "app")[0] == 9
    # A FIFO neither blocks nor counts.
    (root / "etc/passwd").unlink()
    os.mkfifo(root / "etc/passwd")
    with pytest.raises(UserNotFound):
        user_of(root, "app")
    assert user_of(root, "5") == (5, 0, [], "/")
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(RunError, match="larger than 1 MiB"):
        user_of(root, "app")


def spec(argv: list[str]) -> LaunchSpec:
    return LaunchSpec({"type": "plain", "path": "/"}, [], argv, [], "/", User(0, 0, []), "h")


def test_spec_keeps_bytes_that_are_no_utf8() -> None:
    raw = spec([os.fsdecode(b"\xff\xc3("), "\N{SNOWMAN}"]).encode()
    assert b'"\xff\xc3("' in raw and "\N{SNOWMAN}".encode() in raw
    assert json.loads(spec(["a"]).encode())["version"] == 1


def test_spec_refuses_nul() -> None:
    assert spec(["\\u0000"]).encode()
    with pytest.raises(RunError, match="NUL"):
        spec(["a\0b"]).encode()


PASSWD_TEXT = st.text(alphabet="ab:0123456789\n\r #-+x\N{ARABIC-INDIC DIGIT FIVE}\0/", max_size=120)


@given(
    passwd=PASSWD_TEXT,
    group=PASSWD_TEXT,
    wanted=st.text(alphabet="ab:0123456789-+ \N{SUPERSCRIPT TWO}", max_size=24),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_passwd_gives_a_user_in_range_or_an_error(
    root: Path, passwd: str, group: str, wanted: str
) -> None:
    (root / "etc/passwd").write_text(passwd)
    (root / "etc/group").write_text(group)
    try:
        uid, gid, groups, home = user_of(root, wanted)
    except (RunError, UserNotFound):
        return
    assert all(0 <= number < 1 << 31 for number in (uid, gid, *groups))
    assert home.startswith("/")
