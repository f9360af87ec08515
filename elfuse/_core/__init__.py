"""Typed calls into libelfuse: no logic of its own. Signatures and contracts are in __init__.pyi."""

import os.path

try:
    from elfuse._core.guest import syscall_table, vdso_image
    from elfuse._core.layer import (
        DigestMismatch,
        LayerDepends,
        LayerError,
        LayerLimit,
        count_links,
        extract_layer,
        inflate_blob,
        merge_layer,
        open_in_root,
        remove_tree,
    )
except ModuleNotFoundError as error:
    if error.name not in ("elfuse._core.guest", "elfuse._core.layer"):
        raise
    raise ImportError("elfuse is not built here: run `make venv`, or `pip install -e .`") from error

__all__ = [
    "DigestMismatch",
    "LayerDepends",
    "LayerError",
    "LayerLimit",
    "count_links",
    "extract_layer",
    "inflate_blob",
    "merge_layer",
    "open_in_root",
    "remove_tree",
    "syscall_table",
    "vdso_image",
    "vm_path",
]


def vm_path() -> str:
    """Path of the elfuse-vm launcher shipped in this package."""
    # os.path: a run must not pay for importing pathlib.
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    return os.path.join(package, "bin", "elfuse-vm")
