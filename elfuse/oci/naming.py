"""Which pins a user's words mean, and giving them other names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from elfuse.errors import ImageNotFound, InvalidReference
from elfuse.oci import disk
from elfuse.oci.layout import Pin, Store

if TYPE_CHECKING:
    from elfuse.oci.reference import ImageSource

_ID_LENGTH = 7  # shorter than that is more likely a name


def pins_of(store: Store, word: str) -> list[Pin]:
    """The pins of a name as `pull` takes it; of no such name, those with this digest, or this beginning of
    one, of the manifest or the config (podman's and docker's image ID). Raises ImageNotFound."""
    with disk.reported(f"looking for {word}", store.path):
        pins = store.pins()
    found = _by_name(pins, word)
    if found is not None:
        return [found]
    prefix = word.removeprefix("sha256:")
    if len(prefix) < _ID_LENGTH or set(prefix) - set("0123456789abcdef"):
        raise ImageNotFound(f"no such image in the store: {word}", hint="elfuse oci list shows what there is")
    by_id = [pin for pin in pins if pin.manifest.digest[7:].startswith(prefix)]
    by_id = by_id or [pin for pin in pins if _config_of(store, pin)[7:].startswith(prefix)]
    if not by_id:
        raise ImageNotFound(f"no such image in the store: {word}", hint="elfuse oci list shows what there is")
    if len({pin.manifest.digest for pin in by_id}) > 1:
        raise ImageNotFound(f"{word} is the beginning of several digests", hint="write more of it")
    return by_id


def source_of(store: Store, word: str) -> "ImageSource":
    """What `word` means among the images of the store, by name or ID; of a word that means none of them
    the first reading as a name. Raises InvalidReference."""
    from elfuse.oci.reference import parse

    try:
        return parse(pins_of(store, word)[0].name)
    except ImageNotFound:
        return readings(word)[0]


def readings(word: str) -> "tuple[ImageSource, ...]":
    """What `word` may mean as a name. A full name loads no configuration. Raises InvalidReference."""
    from elfuse.oci.reference import is_short, parse

    plain = parse(word)
    if not is_short(word):
        return (plain,)
    from elfuse.oci.short_names import resolve

    return resolve(word).candidates


def _by_name(pins: list[Pin], word: str) -> Pin | None:
    """A short name is looked for on each registry that it may be on."""
    from elfuse.oci.stored import find_pin

    try:
        candidates = readings(word)
    except InvalidReference:
        return None
    return next((pin for candidate in candidates if (pin := find_pin(pins, candidate)) is not None), None)


def _config_of(store: Store, pin: Pin) -> str:
    from elfuse.errors import ElfuseError
    from elfuse.oci.image import Manifest, parse_document

    try:
        data = store.read_document(pin.manifest.digest, pin.name)
        document = parse_document(data, pin.manifest.media_type, pin.name)
    except ElfuseError:
        return ""
    return document.config.digest if isinstance(document, Manifest) else ""


def tag(store: Store, word: str, names: Sequence[str]) -> list[str]:
    """Pin the image under more names, each a registry reference with a tag. Returns them in full."""
    from elfuse.oci.reference import parse_reference
    from elfuse.oci.whole import index_of

    wanted = [parse_reference(name.removeprefix("docker://")) for name in names]
    for name, reference in zip(names, wanted, strict=True):
        if reference.digest is not None:
            raise InvalidReference(f"invalid new name {name!r}: a digest is given to no image")
    with store.activity():
        pin = pins_of(store, word)[0]
        index, needs = index_of(store, pin) if pin.whole else (None, None)
        for reference in wanted:
            store.set_pin(reference.pin, pin.manifest, pin.index, index, needs)
    return [reference.pin for reference in wanted]


def remove(store: Store, word: str) -> list[Pin]:
    """Unpin what `word` means. The blobs stay until a prune."""
    wanted = {pin.name for pin in pins_of(store, word)}
    return store.remove_pins(lambda pin: pin.name in wanted)
