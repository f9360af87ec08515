"""Credential helpers: programs docker-credential-NAME that keep logins in a keychain.

The protocol is that of github.com/docker/docker-credential-helpers: an action as the one argument, its
input on standard input, the answer or the error's text on standard output. NAME comes from the user's own
files, never from an image or a registry.
"""

import json
import os
import re
import selectors
import subprocess
import time

from elfuse.errors import ElfuseError
from elfuse.oci.access import Credentials
from elfuse.text import printable

# A helper may ask its user to unlock a keychain.
TIMEOUT = 60.0
OUTPUT_LIMIT = 1 << 20
PREFIX = "docker-credential-"
TOKEN_USER = "<token>"  # noqa: S105 - what a helper says in place of a user's name
NOT_FOUND = "credentials not found in native keychain"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class HelperError(ElfuseError):
    """A helper that is not there, does not answer, or answers nonsense."""


class Helper:
    """One helper by its name. Its program is looked up on PATH at each call."""

    def __init__(self, name: str, *, timeout: float = TIMEOUT) -> None:
        if not _NAME.fullmatch(name):
            raise HelperError(f"{name[:80]!r} is no name of a credential helper (letters, digits, . _ -)")
        self.program = PREFIX + name
        self._timeout = timeout

    def get(self, server: str) -> Credentials | None:
        """The login of `server`, or None when the helper has none. Raises HelperError."""
        code, answer = self._run("get", server.encode())
        if code != 0:
            if _text(answer) == NOT_FOUND:
                return None
            raise self._failure("get", code, answer)
        return self._parse(answer)

    def store(self, server: str, username: str, secret: str) -> None:
        document = {"ServerURL": server, "Username": username, "Secret": secret}
        code, answer = self._run("store", json.dumps(document).encode())
        if code != 0:
            raise self._failure("store", code, answer)

    def erase(self, server: str) -> bool:
        """Forget a login. False when there was none."""
        code, answer = self._run("erase", server.encode())
        if code == 0:
            return True
        if _text(answer) == NOT_FOUND:
            return False
        raise self._failure("erase", code, answer)

    def _parse(self, answer: bytes) -> Credentials | None:
        try:
            document = json.loads(answer)
            username, secret = document["Username"], document["Secret"]
        except (ValueError, LookupError, TypeError, RecursionError):
            # Not quoted: the answer may hold the secret.
            raise HelperError(f"{self.program} get: the answer is not {{Username, Secret}} as JSON") from None
        if not isinstance(username, str) or not isinstance(secret, str):
            raise HelperError(f"{self.program} get: the answer's Username or Secret is not a string")
        if not secret:
            return None
        return Credentials(username, secret, self.program, is_identity_token=username == TOKEN_USER)

    def _run(self, action: str, data: bytes) -> tuple[int, bytes]:
        """Exit status and standard output. Standard error is the user's: a helper may ask there."""
        path = _find(self.program)
        if path is None:
            raise HelperError(f"{self.program} is not on PATH")
        try:
            process = subprocess.Popen([path, action], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise HelperError(f"{path} cannot be started: {error.strerror}") from None
        with process:
            try:
                return self._exchange(process, action, data)
            finally:
                if process.poll() is None:
                    process.kill()

    def _exchange(self, process: "subprocess.Popen[bytes]", action: str, data: bytes) -> tuple[int, bytes]:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - both are pipes
        deadline = time.monotonic() + self._timeout
        answer = bytearray()
        pending = memoryview(data)
        os.set_blocking(process.stdin.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            while process.stdout in selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise HelperError(f"{self.program} {action}: no answer in {self._timeout:g} s")
                for key, _ in ready:
                    if key.fileobj is process.stdin:
                        pending = _write_some(process, pending)
                        if not pending:
                            selector.unregister(process.stdin)
                            process.stdin.close()
                    elif chunk := os.read(process.stdout.fileno(), 65536):
                        answer += chunk
                    else:
                        selector.unregister(process.stdout)
                if len(answer) > OUTPUT_LIMIT:
                    raise HelperError(f"{self.program} {action}: the answer is endless")
        try:
            return process.wait(max(0.1, deadline - time.monotonic())), bytes(answer)
        except subprocess.TimeoutExpired:
            raise HelperError(f"{self.program} {action}: does not end") from None

    def _failure(self, action: str, code: int, answer: bytes) -> HelperError:
        words = _text(answer)
        cause = printable(words)[:200] or f"exit status {code}"
        return HelperError(f"{self.program} {action}: {cause}")


def _find(program: str) -> str | None:
    """The program on PATH. Relative folders of PATH are passed over, as Go's clients do."""
    for folder in os.get_exec_path():
        path = os.path.join(folder, program)
        if os.path.isabs(path) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def _write_some(process: "subprocess.Popen[bytes]", pending: memoryview) -> memoryview:
    assert process.stdin is not None  # noqa: S101
    try:
        return pending[os.write(process.stdin.fileno(), pending) :]
    except BlockingIOError:
        return pending
    except BrokenPipeError:
        return pending[:0]  # it ended, or does not read: its answer says why


def _text(answer: bytes) -> str:
    return answer.decode("utf-8", "replace").strip()
