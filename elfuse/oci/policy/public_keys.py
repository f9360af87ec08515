"""Public keys and the one way that sigstore signs with each: ECDSA, RSA (PKCS #1 v1.5) and Ed25519.

The hash is SHA-256 whatever the key, as cosign and containers/image have it. cryptography is imported with
this module, which only a policy with sigstoreSigned brings in.
"""

import base64
import binascii
import re

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from elfuse.oci.policy.refusal import Refused

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([^-]*)-----END \1-----")


def load_public_key(pem: bytes, what: str) -> PublicKey:
    """Raises Refused; `what` names where the key is from."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(f"{what} is no PEM public key: {_first_line(error)}") from None
    return checked(key, what)


def checked(key: object, what: str) -> PublicKey:
    """`key`, if it is of a kind that can be used. Raises Refused."""
    if isinstance(key, PublicKey):
        return key
    raise Refused(f"{what} is of an unsupported kind; ECDSA, RSA and Ed25519 are known")


def is_signed_by(key: PublicKey, signature: bytes, data: bytes) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, data)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def subject_public_key_info(key: PublicKey) -> bytes:
    """The key in DER."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def single_pem(text: bytes, what: str) -> bytes:
    """The content of the one PEM block that `text` is. Raises Refused."""
    match = _PEM.fullmatch(text.strip())
    if match is None:
        raise Refused(f"{what} is not one PEM block")
    return decode_base64(match[2].decode("latin-1"), what)


def decode_base64(text: str, what: str) -> bytes:
    """RFC 4648, section 4; line ends are passed over, as Go does. Raises Refused."""
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"{what} is not base64") from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__
