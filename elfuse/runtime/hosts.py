"""The guest's /etc/hosts: what --add-host says, the guest itself, and the host's own names."""

from collections.abc import Sequence
from typing import NamedTuple

from elfuse.errors import RunError

# The host as a container sees it. The guest has the host's own network.
_GATEWAY = "host-gateway"
_LOOPBACK = "127.0.0.1"
_OWN = """\
127.0.0.1\tlocalhost {hostname}
::1\tlocalhost ip6-localhost ip6-loopback
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


class HostEntry(NamedTuple):
    address: str
    names: list[str]


def parse_add_host(text: str) -> HostEntry:
    """`NAME[;NAME...]:ADDRESS`, the address an IPv4 or IPv6 one (with or without brackets), or
    `host-gateway`, which is the machine that elfuse runs on."""
    names, colon, address = text.partition(":")
    listed = names.split(";")
    if not colon or not all(_is_name(name) for name in listed):
        raise RunError(f"--add-host {text!r} is not of the form NAME:ADDRESS")
    if address == _GATEWAY:
        return HostEntry(_LOOPBACK, listed)
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    import ipaddress  # only --add-host needs it

    try:
        ipaddress.ip_address(address)
    except ValueError:
        hint = "give a number such as 192.0.2.1, or host-gateway"
        raise RunError(f"--add-host {text!r}: {address!r} is no IP address", hint=hint) from None
    return HostEntry(address, listed)


def hosts_file(hostname: str, added: Sequence[HostEntry], host: bytes) -> bytes:
    """hosts(5): the first line that names a host counts, so the user's come first."""
    lines = "".join(f"{entry.address}\t{' '.join(entry.names)}\n" for entry in added)
    return (lines + _OWN.format(hostname=hostname)).encode() + host


def _is_name(name: str) -> bool:
    """No more than what keeps the file's form: many a name that no host should have is in use."""
    return bool(name) and name.isascii() and name.isprintable() and not set(name) & set(" #=,")
