"""Asking a registry whether a login is good: GET /v2/, as docker, podman and skopeo do."""

import dataclasses
from collections.abc import Callable

from elfuse.errors import AuthenticationError, RegistryError
from elfuse.oci.access import Access, Credentials
from elfuse.oci.http import Options
from elfuse.oci.registry import RegistryClient

# Asks the registry. Raises AuthenticationError when it refuses the login, NetworkError when out of reach.
Check = Callable[[Access, Credentials], None]

# Somebody waits at a terminal.
_ATTEMPTS = 2
_REFUSALS = frozenset({400, 401, 403})


def check_login(access: Access, credentials: Credentials) -> None:
    """Make one request with the login. A registry that wants none takes any. See Check for the errors."""
    host = access.reference.domain
    client = RegistryClient(
        dataclasses.replace(access, credentials=lambda: credentials), options=Options(attempts=_ATTEMPTS)
    )
    try:
        status = client.request("GET", "/v2/", scopes=(), retries=False).status
    except AuthenticationError as error:
        if error.status not in _REFUSALS or client.credentials is None:
            raise
        status = error.status
    finally:
        client.close()
    if status in _REFUSALS:
        raise AuthenticationError(f"logging in to {host}: invalid user name or password", status=status)
    if status != 200:
        raise RegistryError(f"{host} answers {status} to GET /v2/: it is no registry", status=status)
