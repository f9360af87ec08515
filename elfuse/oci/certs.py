"""Certificates for one registry: containers-certs.d(5).

The first of these folders that exists counts: ~/.config/containers/certs.d/HOST[:PORT],
/etc/containers/certs.d/HOST[:PORT], /etc/docker/certs.d/HOST[:PORT]; --cert-dir names the folder itself.
*.crt are CAs, trusted beside the system's; NAME.cert with NAME.key is a client certificate.
"""

import os
from dataclasses import dataclass

from elfuse.errors import ConfigurationError

DIRECTORIES = ("~/.config/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files. Of several client certificates the first by name is used."""

    ca_files: tuple[str, ...] = ()
    client_cert: str | None = None
    client_key: str | None = None


def certificates(host: str, cert_dir: str | None = None) -> Certificates:
    """What is there for `host`, host[:port] as in an image's name. Raises ConfigurationError."""
    if cert_dir is not None:
        try:
            names = _listed(cert_dir)
        except PermissionError:
            raise ConfigurationError(f"{cert_dir} may not be read") from None
        if names is None:
            raise ConfigurationError(
                f"{cert_dir}: no such folder of certificates", hint="it is from --cert-dir"
            )
        return _read(cert_dir, names)
    for directory in DIRECTORIES:
        folder = os.path.join(os.path.expanduser(directory), host)
        try:
            names = _listed(folder)
        except PermissionError:
            continue  # root's own: podman and skopeo pass over it too
        if names is not None:
            return _read(folder, names)
    return Certificates()


def looked_at(host: str) -> list[str]:
    """The folders that `certificates` looks for without --cert-dir, and what is in them."""
    found = []
    for directory in DIRECTORIES:
        folder = os.path.join(os.path.expanduser(directory), host)
        found.append(folder)
        try:
            names = _listed(folder) or []
        except PermissionError:
            continue
        found += [os.path.join(folder, name) for name in names]
    return found


def _listed(folder: str) -> list[str] | None:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be read: {error.strerror}") from None


def _read(folder: str, names: list[str]) -> Certificates:
    for name in names:
        stem, ending = os.path.splitext(name)
        if ending == ".cert" and f"{stem}.key" not in names:
            raise ConfigurationError(
                f"{folder}/{name}: the client certificate has no key {stem}.key",
                hint="a CA's certificate is named *.crt",
            )
        if ending == ".key" and f"{stem}.cert" not in names:
            raise ConfigurationError(f"{folder}/{name}: the key has no client certificate {stem}.cert")
    paths = {name: os.path.join(folder, name) for name in names}
    for name, path in paths.items():
        if name.endswith((".crt", ".cert", ".key")) and not os.access(path, os.R_OK):
            raise ConfigurationError(f"{path} cannot be read")
    client = next((name for name in names if name.endswith(".cert")), None)
    return Certificates(
        tuple(path for name, path in paths.items() if name.endswith(".crt")),
        paths[client] if client else None,
        paths[client.removesuffix(".cert") + ".key"] if client else None,
    )
