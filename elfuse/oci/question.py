"""What a pull asked of a registry that answered: nothing has changed. For who asks the same again later."""

from typing import NamedTuple

from elfuse.oci.digest import Digest


class Question(NamedTuple):
    """A request that anybody could make. `head`: the digest is announced to a HEAD; else it is a GET unless
    the manifest is still that. Authorities are PEM files."""

    url: str
    head: bool
    digest: Digest
    verify: bool
    authorities: tuple[str, ...]
    # Where anybody gets a token first; None where the registry wants none.
    token_url: str | None = None
    token_verify: bool = True
