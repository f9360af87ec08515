"""`elfuse cache`: what it counts, what it removes, and where it looks."""

import json
import os
from pathlib import Path

import pytest

from elfuse import translations
from elfuse.cli.main import main


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELFUSE_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("ELFUSE_CACHE_LIMIT", raising=False)
    folder = tmp_path / "translations"
    folder.mkdir(mode=0o700)
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(["cache", *words])
    return int(end.value.code or 0), capsys.readouterr().out


def fill(folder: Path) -> None:
    (folder / "a.pack").write_bytes(bytes(1000))
    (folder / "b.pack").write_bytes(bytes(500))
    (folder / ".1-2.tmp").write_bytes(bytes(10))
    (folder / "secret").write_bytes(bytes(4096))
    (folder / "link.pack").symlink_to("secret")
    (folder / "folder.pack").mkdir()


def test_status(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(cache)
    code, out = run(capsys, "status", "--json")
    assert code == 0
    assert json.loads(out) == {
        "schemaVersion": 1,
        "directory": str(cache),
        "packs": 2,
        "bytes": 1500,
        "limit": 512 << 20,
    }
    code, out = run(capsys, "status")
    assert code == 0
    assert [line.split(None, 1) for line in out.splitlines()] == [
        ["Directory:", str(cache)],
        ["Programs:", "2"],
        ["Size:", "1.5 kB"],
        ["Limit:", "536.9 MB"],
    ]


def test_clear_removes_packs_and_leftovers_only(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(cache)
    code, out = run(capsys, "clear", "--yes")
    assert (code, out) == (0, "removed the translations of 2 programs, 1.5 kB\n")
    assert sorted(os.listdir(cache)) == ["folder.pack", "link.pack", "secret"]
    assert translations.status().packs == 0


def test_clear_asks(cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    fill(cache)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    code, _ = run(capsys, "clear")
    assert code == 1
    assert translations.status().packs == 2
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "y")
    assert run(capsys, "clear")[0] == 0
    assert translations.status().packs == 0


def test_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELFUSE_CACHE_DIR", str(tmp_path / "none"))
    assert json.loads(run(capsys, "status", "--json")[1])["packs"] == 0
    assert run(capsys, "clear", "--yes")[0] == 0
    assert not (tmp_path / "none").exists()
    monkeypatch.setenv("ELFUSE_CACHE_DIR", "")
    assert json.loads(run(capsys, "status", "--json")[1])["directory"] is None


def test_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELFUSE_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x/cache")
    assert translations.directory() == "/x/cache/elfuse/translations"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert translations.directory() == "/home/somebody/.cache/elfuse/translations"


@pytest.mark.parametrize(("text", "limit"), [("", 512 << 20), ("1000", 1000), ("-1", 0), ("much", 0)])
def test_limit(monkeypatch: pytest.MonkeyPatch, text: str, limit: int) -> None:
    monkeypatch.setenv("ELFUSE_CACHE_LIMIT", text)
    assert translations.limit() == limit
