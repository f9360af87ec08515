"""Typed calls into libelfuse: no logic of its own. Signatures and contracts are in __init__.pyi."""

from pathlib import Path

try:
    from elfuse._core.layer import DigestMismatch, LayerError, extract_layer, open_in_root, remove_tree
except ModuleNotFoundError as error:
    if error.name != "elfuse._core.layer":
        raise
    raise ImportError("elfuse is not built here: run `make venv`, or `pip install -e .`") from error

__all__ = [
    "DigestMismatch",
    "LayerError",
    "extract_layer",
    "open_in_root",
    "remove_tree",
    "vm_path",
]


def vm_path() -> str:
    """Path of the elfuse-vm launcher shipped in this package."""
    return str(Path(__file__).resolve().parent.parent / "bin" / "elfuse-vm")
