"""Debian's docker-registry as its users set it up: plain, with Basic over TLS, behind a token server."""

import base64
import datetime
import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

USER, PASSWORD, IDENTITY = "tester", "correct horse", "refresh-token-of-tester"
# bcrypt of PASSWORD, the only kind that docker-registry reads.
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n"
SERVICE, ISSUER = "the registry", "elfuse-tests"


@dataclass
class TokenServer:
    """distribution's token protocol: RS256 tokens with their certificate inside (x5c)."""

    work: Path
    seen: list[tuple[str, str | None, dict[str, list[str]]]] = field(default_factory=list)
    life: int = 300

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        self.bundle = self.work / "tokens.crt"
        self.bundle.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def __enter__(self) -> "TokenServer":
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(parse_qs(urlsplit(self.path).query))

            def do_POST(self) -> None:
                self._answer(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

            def _answer(self, form: dict[str, list[str]]) -> None:
                tokens.seen.append((self.command, self.headers.get("Authorization"), form))
                status, document = tokens.grant(self.headers.get("Authorization"), form)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def realm(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/token"

    @property
    def auth(self) -> str:
        """The registry's `auth` section."""
        return (
            f"{{token: {{realm: '{self.realm}', service: '{SERVICE}', issuer: '{ISSUER}', "
            f"rootcertbundle: '{self.bundle}'}}}}"
        )

    def grant(self, authorization: str | None, form: dict[str, list[str]]) -> tuple[int, dict[str, object]]:
        """public/ for everybody; all for who logs in; 401 for a wrong login."""
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        known = authorization == f"Basic {login}" or form.get("refresh_token") == [IDENTITY]
        if (authorization or "refresh_token" in form) and not known:
            return 401, {"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]}
        access = []
        for scope in form.get("scope", []):
            kind, name, actions = scope.split(":")
            if known or name.startswith("public/"):
                access.append({"type": kind, "name": name, "actions": actions.split(",")})
        key = "access_token" if "refresh_token" in form else "token"
        return 200, {key: self._token(access), "expires_in": self.life}

    def _token(self, access: list[dict[str, object]]) -> str:
        now = int(time.time())
        der = base64.b64encode(self._certificate.public_bytes(serialization.Encoding.DER)).decode()
        claims = {
            "iss": ISSUER,
            "sub": USER,
            "aud": SERVICE,
            "exp": now + self.life,
            "nbf": now - 10,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "access": access,
        }
        signed = b".".join(_part(part) for part in ({"typ": "JWT", "alg": "RS256", "x5c": [der]}, claims))
        signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _part(document: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=")
