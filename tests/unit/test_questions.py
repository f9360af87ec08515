"""Questions that commands ask: where, and what becomes of the answers."""

import sys

import click
import pytest
from click.testing import CliRunner

from elfuse.cli.questions import asked, asker, choose, completed_creds
from elfuse.oci.reference import Reference, parse_reference

CANDIDATES: list[Reference] = [parse_reference("one.io/app:1"), parse_reference("two.io/app:1")]


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", open("/dev/null"))  # noqa: SIM115
    with pytest.raises(click.UsageError, match="Missing option '--username'"):
        asked("Username", "--username")
    assert asker() is None
    assert completed_creds("me") == "me" and completed_creds(None) is None
    sys.stdin.close()


def test_creds_are_completed_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "prompt", lambda *args, **kwargs: "pw" if kwargs["hide_input"] else "no")
    assert completed_creds("me") == "me:pw" and completed_creds("me:x") == "me:x"


def test_a_registry_is_chosen_by_its_number() -> None:
    @click.command()
    def command() -> None:
        click.echo(str(choose("app:1", CANDIDATES)))

    done = CliRunner().invoke(command, input="0\nthree\n2\n")
    assert done.exit_code == 0 and done.stdout == "two.io/app:1\n"
    assert "app:1 may be any of\n  1  one.io/app:1\n  2  two.io/app:1\nWhich one" in done.stderr
    assert CliRunner().invoke(command, input="").exit_code == 1
