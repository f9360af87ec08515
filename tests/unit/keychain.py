"""A credential helper for tests: a keychain in a folder, with a log of what was asked."""

import json
import os
from pathlib import Path

import pytest

SCRIPT = r"""#!/bin/sh
# docker-credential-NAME, its keychain in the folder beside it
chain=$0.d
read -r line
printf '%s %s\n' "$1" "$line" >> "$chain/log"
file=$chain/$(printf %s "$line" | tr / _)
case $1 in
get) if [ -f "$file" ]; then cat "$file"; else echo "credentials not found in native keychain"; exit 1; fi ;;
store)
    server=$(printf %s "$line" | sed 's/.*"ServerURL": *"\([^"]*\)".*/\1/')
    printf %s "$line" > "$chain/$(printf %s "$server" | tr / _)" ;;
erase) if [ -f "$file" ]; then rm "$file"; else echo "credentials not found in native keychain"; exit 1; fi ;;
*) exit 2 ;;
esac
"""


class Keychain:
    """An installed helper."""

    def __init__(self, folder: Path, name: str) -> None:
        self.program = folder / f"docker-credential-{name}"
        self._chain = folder / f"docker-credential-{name}.d"

    def put(self, server: str, username: str, secret: str) -> None:
        document = {"ServerURL": server, "Username": username, "Secret": secret}
        (self._chain / server.replace("/", "_")).write_text(json.dumps(document))

    def servers(self) -> list[str]:
        return sorted(path.name for path in self._chain.iterdir() if path.name != "log")

    def asked(self) -> list[str]:
        """The calls so far, which are then forgotten."""
        log = self._chain / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "chain") -> Keychain:
    """Put the helper docker-credential-NAME on PATH."""
    script(folder, monkeypatch, name, SCRIPT)
    (folder / f"docker-credential-{name}.d").mkdir()
    return Keychain(folder, name)


def script(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """Put any program docker-credential-NAME on PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / f"docker-credential-{name}"
    path.write_text(text)
    path.chmod(0o755)
    if str(folder) not in os.environ["PATH"].split(":"):
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
