"""What the answer of a pull that found everything up to date rests on.

While none of it changes and the registry says the same, neither does the answer: on these grounds the native
front (csrc/front) gives it again.
"""

import os
from typing import NamedTuple

import elfuse
from elfuse import config, config_files
from elfuse.oci import authfile, certs, registries_conf, short_names
from elfuse.oci.access import AccessOptions, accesses
from elfuse.oci.digest import Digest
from elfuse.oci.http import ca_bundle
from elfuse.oci.layout import Pin, Store
from elfuse.oci.policy import place
from elfuse.oci.question import Question
from elfuse.oci.reference import Reference
from elfuse.oci.stored import StoredImage, find_pin, load_pin


class Grounds(NamedTuple):
    """`question` is what the registry has to be asked again, None for nothing. `files` may be there or not,
    but must stay as they are. Of the blobs, `documents` must keep their content and all their size."""

    question: Question | None
    bundle: str  # of the system's authorities, with those of the question
    files: list[str]
    documents: list[str]
    blobs: dict[str, int]


def grounds_of(store: Store, text: str, options: AccessOptions, question: Question | None) -> Grounds | None:
    """Those of a pull of `text` that has just found everything up to date; None when they are not all known.

    `question` is what the pull asked of its registry. Raises what the pull would raise.
    """
    resolved = short_names.resolve(text)
    reference, bundle = resolved.source, ca_bundle()
    if len(resolved.candidates) > 1 or not isinstance(reference, Reference) or bundle is None:
        return None
    if options not in (AccessOptions(), AccessOptions(options.tls_verify)):
        return None  # a login, or one of many folders
    pin = find_pin(store.pins(), reference)
    if pin is None or pin.name != reference.pin or pin.whole or not _policy_accepts(reference):
        return None
    if question is None and reference.digest != _known(pin):
        return None
    hosts = [access.reference.domain for access in accesses(reference, options)]
    logins: list[str] | None = []
    if question is not None and question.token_url is not None:
        logins = _login_files(hosts[0])
    if logins is None:
        return None
    documents, blobs = _blobs(store, load_pin(store, pin))
    return Grounds(question, bundle, [*_files(store, hosts, bundle), *logins], documents, blobs)


def _known(pin: Pin) -> Digest:
    return pin.index or pin.manifest.digest


def _files(store: Store, hosts: list[str], bundle: str) -> list[str]:
    found = [
        elfuse.__file__,  # another version may see it otherwise
        *config_files.looked_at(),
        *registries_conf.looked_at(),
        short_names.aliases_path(),
        *place.looked_at(),
        *(path for host in hosts for path in certs.looked_at(host)),
        bundle,
        store.join("elfuse.json"),
        store.join("index.json"),
    ]
    return [os.path.abspath(path) for path in dict.fromkeys(found)]


def _policy_accepts(reference: Reference) -> bool:
    """Whether the policy takes the image whatever its signatures."""
    if not place.is_in_force():
        return True
    from elfuse.oci.policy.gate import Policy
    from elfuse.oci.policy.requirements import InsecureAcceptAnything

    requirements = Policy.load().explain(reference).requirements
    return all(isinstance(requirement, InsecureAcceptAnything) for requirement in requirements)


def _login_files(host: str) -> list[str] | None:
    """Where the pull looked for a login and found none; None when it may have asked a helper."""
    helpers = registries_conf.load().credential_helpers
    own = config.load().registry(host).auth_file
    if own is not None or (helpers is not None and list(helpers) != ["containers-auth.json"]):
        return None
    explicit = os.environ.get(authfile.VARIABLE)
    places = [authfile.AuthPath(explicit)] if explicit else authfile.search_path()
    for file in map(authfile.load, places):
        if file is not None and (file.store or file.helper(host) is not None):
            return None
    return [os.path.abspath(place.path) for place in places]


def _blobs(store: Store, image: StoredImage) -> tuple[list[str], dict[str, int]]:
    digests = [image.descriptor.digest, image.manifest.config.digest]
    if image.index is not None:
        digests.append(image.index)
    documents = [store.blob_path(digest) for digest in digests]
    layers = {store.blob_path(layer.digest): layer.size for layer in image.manifest.layers}
    return documents, layers
