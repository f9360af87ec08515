"""Stores that fail and stores in use by many; no network."""

from tests.oci.conftest import elfuse, store_path

__all__ = ["elfuse", "store_path"]
