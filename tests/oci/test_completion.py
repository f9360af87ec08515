"""Completion, in the shells themselves: a person types and presses TAB."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import elfuse as api
from elfuse.oci.layout import Store
from tests.oci.conftest import Result
from tests.oci.images import sample, write_layout
from tests.terminal import Terminal

TOP = Path(__file__).parents[2]
TAB = "\t"


@pytest.fixture
def elfuse_env(tmp_path: Path, store_path: Path) -> dict[str, str]:
    """The command on PATH, and a store with images and a run."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/elfuse"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m elfuse "$@"\n')
    program.chmod(0o755)
    api.pull(f"oci:{write_layout(tmp_path / 'layout', {'app': [sample()]})}:app")
    store = Store.open()
    pin = store.pins()[0]
    for name in ("docker.io/library/python:3.13", "docker.io/library/python:3.12-slim", "ghcr.io/org/tool:1"):
        store.set_pin(name, pin.manifest, None)
    return {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "PYTHONPATH": str(TOP),
        "HOME": str(tmp_path),
        "ELFUSE_STORE": str(store_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "share"),
        "TERM": "dumb",
    }


def script(shell: str, env: dict[str, str], path: Path) -> Path:
    done = subprocess.run(
        ["elfuse", "oci", "completion", shell], env={**os.environ, **env}, capture_output=True, check=True
    )
    path.write_bytes(done.stdout)
    return path


# What is typed before TAB, and what stands on the line after it.
TYPED = [
    ("elfuse oc", "elfuse oci "),
    ("elfuse oci ru", "elfuse oci run "),
    ("elfuse oci run --entryp", "elfuse oci run --entrypoint "),
    ("elfuse oci run --pull al", "elfuse oci run --pull always "),
    ("elfuse oci run --pull=nev", "elfuse oci run --pull=never "),
    ("elfuse oci run pyt", "elfuse oci run python:3.1"),
    ("elfuse oci run python:3.12", "elfuse oci run python:3.12-slim "),
    ("elfuse oci inspect -q gh", "elfuse oci inspect -q ghcr.io/org/tool:1 "),
    ("elfuse oci run docker.io/library/python:3.13", "elfuse oci run docker.io/library/python:3.13 "),
    ("elfuse oci run --ulimit nof", "elfuse oci run --ulimit nofile="),
    ("elfuse oci run --env-file va", "elfuse oci run --env-file vars.env "),
]


@pytest.fixture
def bash(elfuse_env: dict[str, str], tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "vars.env").touch()
    source = script("bash", elfuse_env, tmp_path / "completion.bash")
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], elfuse_env)
    terminal.type(f"cd {tmp_path}; source {source}; PS1='>''> '\n")
    terminal.expect(">> ")
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.ours)


def test_bash(bash: Terminal) -> None:
    for typed, completed in TYPED:
        bash.type(typed + TAB + "X\x01echo '\x05'\n")  # what stands there, as an argument of echo
        shown = bash.expect("\n>> ")
        assert f"\n{completed}X\r" in shown, (typed, shown)


def test_zsh(elfuse_env: dict[str, str], tmp_path: Path) -> None:
    """The script as a file of $fpath, which is how zsh's own completions are installed."""
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    (tmp_path / "functions").mkdir()
    (tmp_path / "vars.env").touch()
    script("zsh", elfuse_env, tmp_path / "functions/_elfuse")
    (tmp_path / ".zshrc").write_text(
        f"fpath=({tmp_path}/functions $fpath)\nautoload -Uz compinit\ncompinit -u -D\n"
        f"unset zle_bracketed_paste\ncd {tmp_path}\n"
        "unsetopt prompt_sp auto_list list_beep\nbindkey -e\nPS1='>> '\n"
    )
    zsh = Terminal(["zsh", "-o", "no_global_rcs", "-i"], {**elfuse_env, "ZDOTDIR": str(tmp_path)})
    try:
        zsh.expect(">> ")
        for typed, completed in TYPED:
            zsh.type(typed + TAB + "X\x01echo '\x05'\n")
            shown = zsh.expect("\n\r>> ")
            assert f"\n{completed}X\r" in shown, (typed, shown)
    finally:
        zsh.process.kill()
        zsh.process.wait()
        os.close(zsh.ours)


def test_fish(elfuse_env: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    source = script("fish", elfuse_env, tmp_path / "elfuse.fish")
    for typed, wanted in (
        ("elfuse oci ru", "run"),
        ("elfuse oci run --entryp", "--entrypoint"),
        ("elfuse oci run pyt", "python:3.12-slim"),
        ("elfuse oci run --pull al", "always"),
    ):
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {source}; complete -C {shlex.quote(typed)}"],
            env={**os.environ, **elfuse_env},
            capture_output=True,
            timeout=60,
        )
        assert wanted in [line.partition("\t")[0] for line in done.stdout.decode().splitlines()], typed


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, elfuse_env: dict[str, str]) -> None:
    env = {**os.environ, **elfuse_env, "ELFUSE_STORE": str(tmp_path / "none")}
    env |= {"_ELFUSE_COMPLETE": "bash_complete", "COMP_WORDS": "elfuse oci run "}
    done = subprocess.run(["elfuse"], env=env, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"") and not (tmp_path / "none").exists()
    # Another store, by its option; and one that is damaged says nothing.
    env["COMP_WORDS"] = f"elfuse oci run --store {elfuse_env['ELFUSE_STORE']} p"
    assert subprocess.run(["elfuse"], env=env, capture_output=True).stdout.split() == [
        b"plain,python:3.12-slim",
        b"plain,python:3.13",
    ]
    Path(elfuse_env["ELFUSE_STORE"], "index.json").write_text("{")
    assert subprocess.run(["elfuse"], env=env, capture_output=True).stdout == b"\n"


def test_shells(elfuse: Callable[..., Result]) -> None:
    done = elfuse("oci", "completion", "tcsh")
    assert done.code == 2 and "'bash', 'zsh', 'fish'" in done.err
