"""certs.d: which folder counts, and which files in it."""

import os
from pathlib import Path

import pytest

from elfuse.errors import ConfigurationError
from elfuse.oci.certs import Certificates, certificates

HOST = "r.example:5000"


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_no_folder(home: Path) -> None:
    assert certificates(HOST) == Certificates()


def test_the_first_folder_counts_alone(home: Path, tmp_path: Path) -> None:
    docker = fill(tmp_path / "etc/docker/certs.d" / HOST, "d.crt")
    assert certificates(HOST) == Certificates((f"{docker}/d.crt",))
    system = fill(tmp_path / "etc/containers/certs.d" / HOST, "c.crt", "x.cert", "x.key")
    assert certificates(HOST) == Certificates((f"{system}/c.crt",), f"{system}/x.cert", f"{system}/x.key")
    fill(home / ".config/containers/certs.d" / HOST)
    assert certificates(HOST) == Certificates()
    assert certificates("r.example") == certificates("r.example:5001") == Certificates()
    # --cert-dir names the folder of the one registry, whatever its name.
    assert certificates("other.example", str(docker)) == Certificates((f"{docker}/d.crt",))


def test_several_files(home: Path) -> None:
    folder = fill(
        home / ".config/containers/certs.d" / HOST,
        *["b.crt", "a.crt", "2.cert", "2.key", "1.cert", "1.key", "notes.txt", "ca.pem"],
    )
    assert certificates(HOST) == Certificates(
        (f"{folder}/a.crt", f"{folder}/b.crt"), f"{folder}/1.cert", f"{folder}/1.key"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["ca.cert"], "ca.cert: the client certificate has no key ca.key; a CA's certificate is named *.crt"),
        (["x.key", "y.cert", "y.key"], "x.key: the key has no client certificate x.cert"),
    ],
)
def test_halves_of_a_pair(home: Path, names: list[str], message: str) -> None:
    folder = fill(home / ".config/containers/certs.d" / HOST, *names)
    with pytest.raises(ConfigurationError) as caught:
        certificates(HOST)
    assert str(caught.value) == f"{folder}/{message}"


def test_what_cannot_be_read(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ConfigurationError, match=r"none: no such folder of certificates; it is from --cert-dir"
    ):
        certificates(HOST, str(tmp_path / "none"))
    folder = fill(home / ".config/containers/certs.d" / HOST)
    (folder / "gone.crt").symlink_to("nothing")
    with pytest.raises(ConfigurationError, match=r"gone\.crt cannot be read"):
        certificates(HOST)

    def refuse(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied", path)

    # A folder that is not ours is passed over (as root's /etc/docker/certs.d), unless it was named.
    monkeypatch.setattr(os, "listdir", refuse)
    assert certificates(HOST) == Certificates()
    with pytest.raises(ConfigurationError, match="may not be read"):
        certificates(HOST, str(folder))
