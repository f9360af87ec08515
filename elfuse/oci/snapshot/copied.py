"""A plain copy of the tree for each run, for file systems that can do nothing better."""

import os

from elfuse.oci.layout import Store
from elfuse.oci.runs import Run
from elfuse.oci.snapshot.clone import copy_tree
from elfuse.oci.snapshot.stack import ensure_stack
from elfuse.oci.stored import StoredImage


class CopySnapshotter:
    name = "copy"

    def why_not(self, directory: str) -> str | None:
        return None

    def prepare(self, store: Store, image: StoredImage) -> list[str]:
        return [ensure_stack(store, image)]

    def run_root(self, lower: list[str], run: Run, *, keep: bool) -> dict[str, object]:
        root = os.path.join(run.path, "root")
        copy_tree(lower[0], root)
        return {"type": "plain", "path": root}
