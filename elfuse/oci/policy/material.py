"""Keys and certificates as the policy gives them: files, or bytes in the document itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.strict import Node

# Debian's whole keyring of maintainers has 30 MiB; a policy names a few keys.
FILE_LIMIT = 32 << 20


@dataclass(frozen=True, slots=True)
class Material:
    """Read at each check, so that a replaced key counts at once."""

    paths: tuple[str, ...] = ()
    datas: tuple[bytes, ...] = ()

    def read(self) -> list[bytes]:
        """The contents. Raises Refused when a file cannot be read, whatever the others hold."""
        return [*self.datas, *(_read(path) for path in self.paths)]

    def __str__(self) -> str:
        return ", ".join(self.paths) or "a key in the policy itself"


def given(
    members: Mapping[str, Node],
    base: str,
    *,
    lists: bool = True,
    data_lists: bool = True,
    may_be_empty: bool = False,
) -> Material | None:
    """The material of the field `<base>Path`, `Paths`, `Data` or `Datas`; more than one is an error."""
    names = [f"{base}Path", f"{base}Data"]
    if lists:
        names.append(f"{base}Paths")
    if data_lists:
        names.append(f"{base}Datas")
    found = [members[name] for name in names if name in members]
    if not found:
        return None
    if len(found) > 1:
        raise found[1].wrong(f"only one of {', '.join(names)} may be given")
    node = found[0]
    name = next(name for name in names if name in members)
    if name.endswith("Path"):
        return Material(paths=(node.filled(),))
    if name.endswith("Paths"):
        return Material(paths=tuple(element.filled() for element in node.elements(may_be_empty=may_be_empty)))
    if name.endswith("Data"):
        return Material(datas=(node.data(),))
    return Material(datas=tuple(element.data() for element in node.elements()))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise Refused(f"{path} cannot be read: {cause}") from None
    if len(data) > FILE_LIMIT:
        raise Refused(f"{path} is larger than {FILE_LIMIT >> 20} MiB")
    return data
