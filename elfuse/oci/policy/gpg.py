"""Simple signing: OpenPGP messages, verified by gpgv against the policy's keys and nothing else.

gpgv is a program of GnuPG made for this: it trusts exactly the keyring that it is given, has no keyring of
the user's, no agent and no network. It is told apart from the image by running with an empty home and a
fixed environment.
"""

import base64
import binascii
import os
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass

from elfuse.oci.policy.refusal import Refused

SIGNATURE_TYPE = "atomic container signature"
# Seconds. Far more than any signature takes; a hostile one must not hold up the pull.
TIMEOUT = 30.0
# A signed payload has a few hundred bytes; a message may be compressed.
PAYLOAD_LIMIT = 1 << 20
MISSING = "gpgv is not installed, so no GPG signature can be checked (Debian, Fedora: package gpgv or gnupg2)"

_ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(.*?)-----END PGP PUBLIC KEY BLOCK-----", re.S
)
_REFUSALS = {
    "BADSIG": "it does not verify: the content was changed, or the signature was",
    "EXPSIG": "it has expired",
    "EXPKEYSIG": "its key has expired",
    "REVKEYSIG": "its key has been revoked",
}


@dataclass(frozen=True, slots=True)
class Signed:
    content: bytes
    fingerprint: str  # of the primary key


def program() -> str | None:
    """The path of gpgv; None where GnuPG is not installed."""
    return shutil.which("gpgv")


def verify(message: bytes, keys: list[bytes]) -> Signed:
    """What `message` signs, if exactly one of `keys` signed it and the key is valid. Raises Refused."""
    command = program()
    if command is None:
        raise Refused(MISSING)
    keyring = b"".join(dearmored(key) for key in keys)
    if not keyring:
        raise Refused("the policy's key files hold no key")
    with tempfile.TemporaryDirectory(prefix="elfuse-gpgv-") as home:
        for name, data in (("keyring.gpg", keyring), ("message", message)):
            with open(os.path.join(home, name), "wb") as file:
                file.write(data)
        with open(os.path.join(home, "status"), "w+b") as status:
            content, code = _run(command, home, status.fileno())
            status.seek(0)
            lines = status.read(1 << 20).decode("utf-8", "replace").splitlines()
    return Signed(content, _judge(lines, code))


def _run(command: str, home: str, status: int) -> tuple[bytes, int]:
    arguments = [command, "--homedir", home, "--keyring", os.path.join(home, "keyring.gpg")]
    arguments += ["--status-fd", str(status), "--output", "-", "--", os.path.join(home, "message")]
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(status,),
            cwd=home,
            env={"PATH": os.defpath, "LC_ALL": "C", "HOME": home, "GNUPGHOME": home},
        )
    except OSError as error:
        raise Refused(f"{command} cannot be started: {error.strerror}") from None
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    with process:
        try:
            content = process.stdout.read(PAYLOAD_LIMIT + 1) if process.stdout else b""
            if len(content) > PAYLOAD_LIMIT:
                raise Refused(f"the signature holds more than {PAYLOAD_LIMIT >> 20} MiB")
            code = process.wait()
        finally:
            timer.cancel()
            process.kill()
    return content, code


def _judge(lines: list[str], code: int) -> str:
    """The signer's primary fingerprint, by gpgv's status lines (GnuPG doc/DETAILS). Raises Refused."""
    events: dict[str, list[list[str]]] = {}
    for line in lines:
        prefix, _, rest = line.partition(" ")
        if prefix == "[GNUPG:]" and rest:
            word, *arguments = rest.split(" ")
            events.setdefault(word, []).append(arguments)
    for word, cause in _REFUSALS.items():
        if word in events:
            raise Refused(f"a signature of {_who(events[word])}: {cause}")
    if "NO_PUBKEY" in events:
        raise Refused(f"it is signed by the key {_who(events['NO_PUBKEY'])}, which is none of the policy's")
    counts = {word: len(events.get(word, [])) for word in ("NEWSIG", "GOODSIG", "VALIDSIG", "PLAINTEXT")}
    valid = events.get("VALIDSIG", [[]])[0]
    if code < 0:
        raise Refused(f"gpgv was ended by signal {-code} (it may take {TIMEOUT:.0f} s)")
    if code != 0 or "ERRSIG" in events or not valid:
        raise Refused("it is no OpenPGP signature that gpgv can verify")
    if set(counts.values()) != {1}:
        raise Refused("it is not one content with one signature")
    return valid[-1]


def _who(events: list[list[str]]) -> str:
    name = events[0][0] if events[0] else "?"
    return name if re.fullmatch("[0-9A-Fa-f]+", name) else "?"


def dearmored(key: bytes) -> bytes:
    """Keys as OpenPGP packets, from those packets or from ASCII armor (RFC 4880, 6.2). Raises Refused."""
    if key[:1] and key[0] & 0x80:
        return key
    blocks = _ARMOR.findall(key)
    if not blocks and key.strip():
        raise Refused("a key file of the policy holds no OpenPGP public key")
    return b"".join(_block(block) for block in blocks)


def _block(block: bytes) -> bytes:
    lines = [line.strip() for line in block.split(b"\n")]
    body = lines[lines.index(b"") + 1 :] if b"" in lines else lines
    checksum = next((line[1:] for line in body if line.startswith(b"=")), None)
    try:
        text = b"".join(line for line in body if line and not line.startswith(b"="))
        packets = base64.b64decode(text, validate=True)
        wanted = base64.b64decode(checksum, validate=True) if checksum is not None else None
    except (binascii.Error, ValueError):
        raise Refused("the ASCII armor of a key of the policy is damaged") from None
    if wanted is not None and _crc24(packets).to_bytes(3, "big") != wanted:
        raise Refused("the ASCII armor of a key of the policy is damaged: wrong checksum")
    return packets


def _crc24(data: bytes) -> int:
    """RFC 4880, 6.1."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc & 0xFFFFFF
